//! `matrix-gitter init`: a commented example configuration with fresh secrets.

use std::path::Path;

use crate::exit::{Failure, Status};
use crate::{config, system};

/// Writes it, and says what comes next.
#[expect(clippy::print_stdout, reason = "a person reads it")]
pub(super) fn run(path: &Path) -> Result<Status, Failure> {
    config::write_example(path, &mut system::random())?;
    let name = path.display();
    println!(
        "Wrote {name}, with fresh secrets.\n\
         Next: put your own values where it says CHANGE, then `matrix-gitter register -c {name}`."
    );
    Ok(Status::Fine)
}
