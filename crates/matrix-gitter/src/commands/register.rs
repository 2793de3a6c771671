//! `matrix-gitter register`: the registration for the homeserver.

use std::path::Path;

use crate::exit::{Failure, Status};
use crate::{config, wiring};

/// Writes it, and says what to do with it.
#[expect(clippy::print_stdout, reason = "a person reads it")]
pub(super) fn run(config_path: &Path, path: &Path) -> Result<Status, Failure> {
    let config = config::load(config_path)?;
    let registration = wiring::registration(&config).to_yaml();
    write(path, &registration).map_err(|error| {
        Failure::new(
            Status::Failed,
            format!("{} cannot be written: {error}", path.display()),
        )
    })?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    println!(
        "Wrote {path}.\n\
         Next: give it to your homeserver and restart that. For Synapse, in homeserver.yaml:\n\n\
         app_service_config_files:\n  - {path}\n\n\
         Then `matrix-gitter doctor -c {config}` checks the whole set-up.",
        path = path.display(),
        config = config_path.display(),
    );
    Ok(Status::Fine)
}

/// Writes the file anew; it holds secrets. The homeserver, which runs as somebody else perhaps, is let in by the admin.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
