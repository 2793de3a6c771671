//! `matrix-gitter version`: name, version and commit.

use crate::exit::Status;

/// Name, version and commit in one line.
pub(crate) fn line() -> String {
    format!(
        "matrix-gitter {} ({})",
        env!("CARGO_PKG_VERSION"),
        env!("MATRIX_GITTER_COMMIT")
    )
}

/// Prints it.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn run() -> Status {
    println!("{}", line());
    Status::Fine
}
