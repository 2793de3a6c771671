//! Whether the registration file is the one that belongs to the configuration.

use std::path::Path;

use homeserver::Registration;

use super::Finding;
use crate::config::Config;
use crate::exit::Status;
use crate::wiring;

const WHAT: &str = "registration";
const REWRITE: &str = "write it again with `matrix-gitter register`, then restart the homeserver";

pub(super) fn check(config: &Config, path: &Path) -> Finding {
    let name = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::warning(
                WHAT,
                &format!("there is no {name} to compare with the configuration"),
                "name the file with -r, or write it with `matrix-gitter register`",
            );
        }
        Err(error) => {
            return Finding::warning(
                WHAT,
                &format!("{name} cannot be read: {error}"),
                "run `doctor` as somebody who may read it",
            );
        }
    };
    match Registration::from_yaml(&text) {
        Err(error) => Finding::failed(
            WHAT,
            &format!("{name} cannot be understood: {error}"),
            REWRITE,
            Status::Configuration,
        ),
        Ok(found) => match found.differences(&wiring::registration(config)).as_slice() {
            [] => Finding::ok(WHAT, &format!("{name} belongs to this configuration")),
            differences => Finding::failed(
                WHAT,
                &format!(
                    "{name} is not what this configuration says: {}",
                    differences.join("; ")
                ),
                REWRITE,
                Status::Configuration,
            ),
        },
    }
}
