//! `matrix-gitter register`: the registration for the homeserver, and the one of double puppeting.

use std::path::Path;

use crate::exit::{Failure, Status};
use crate::{config, wiring};

/// Writes it, and that of double puppeting if it is set up; says what to do with them.
#[expect(clippy::print_stdout, reason = "a person reads it")]
pub(super) fn run(
    config_path: &Path,
    path: &Path,
    double_puppet: &Path,
) -> Result<Status, Failure> {
    let config = config::load(config_path)?;
    let mut files = vec![(path, wiring::registration(&config))];
    files.extend(wiring::double_puppet(&config).map(|it| (double_puppet, it)));
    let mut written = Vec::new();
    for (path, registration) in files {
        write(path, &registration.to_yaml()).map_err(|error| {
            let why = format!("{} cannot be written: {error}", path.display());
            Failure::new(Status::Failed, why)
        })?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        written.push(path.display().to_string());
    }
    println!(
        "Wrote {names}.\n\
         Next: give {it} to your homeserver and restart that. For Synapse, in homeserver.yaml:\n\n\
         app_service_config_files:\n  - {lines}\n\n\
         Then `matrix-gitter doctor -c {config}` checks the whole set-up.",
        names = written.join(" and "),
        it = if written.len() == 1 { "it" } else { "both" },
        lines = written.join("\n  - "),
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
