//! The commented example configuration, with fresh secrets.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngCore as _;
use rand::rngs::StdRng;

use crate::exit::{Failure, Status};

/// The example, with a name in braces where each secret goes.
const TEMPLATE: &str = include_str!("example.yaml");

/// The example with fresh secrets.
pub(super) fn example(random: &mut StdRng) -> String {
    let mut bytes = || {
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        bytes
    };
    TEMPLATE
        .replace("{fresh as_token}", &URL_SAFE_NO_PAD.encode(bytes()))
        .replace("{fresh hs_token}", &URL_SAFE_NO_PAD.encode(bytes()))
        .replace("{fresh secret_key}", &STANDARD.encode(bytes()))
        .replace("{fresh double_puppet}", &URL_SAFE_NO_PAD.encode(bytes()))
}

/// Writes the example, readable by its owner only, and never over an existing file.
///
/// # Errors
/// When the file exists, or cannot be written.
pub(crate) fn write_example(path: &Path, random: &mut StdRng) -> Result<(), Failure> {
    write_new(path, &example(random)).map_err(|error| {
        let name = path.display();
        let why = if error.kind() == std::io::ErrorKind::AlreadyExists {
            format!("{name} is there already and stays as it is; move it away first, or name another file with -c")
        } else {
            format!("{name} cannot be written: {error}")
        };
        Failure::new(Status::Configuration, why)
    })
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn each_secret_is_its_own_and_fresh() {
        let one = example(&mut StdRng::seed_from_u64(1));
        let other = example(&mut StdRng::seed_from_u64(2));
        assert_ne!(one, other);
        assert!(!one.contains("{fresh"), "every place is filled in");
    }

    #[test]
    fn an_existing_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config.yaml");
        write_example(&path, &mut StdRng::seed_from_u64(1)).expect("it is written");
        let before = std::fs::read_to_string(&path).expect("it is there");
        let failure = write_example(&path, &mut StdRng::seed_from_u64(2)).expect_err("it exists");
        assert_eq!(failure.status, Status::Configuration);
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), before);
    }
}
