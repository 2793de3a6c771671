//! Reads the configuration: file, then environment, then every section's own checks.

use std::path::Path;

use serde_saphyr::Error as YamlError;

use super::Config;
use super::nearest::nearest;
use super::problems::Problems;
use crate::exit::{Failure, Status};

/// Reads and checks a configuration. Nothing is changed or connected to.
///
/// # Errors
/// [`Status::Configuration`] for whatever cannot be used, [`Status::ExampleValues`] when all that is wrong is that it still has
/// the example's values.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
    let from_file = parse(&name, &text)?;
    let config = super::environment::apply(from_file, std::env::vars_os())?;
    check(&name, &config)?;
    Ok(config)
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("there is no file {name}; `matrix-gitter init -c {name}` writes one")
        }
        std::io::ErrorKind::InvalidData => format!("{name} is not a text file"),
        _ => format!("the configuration {name} cannot be read: {error}"),
    };
    Failure::new(Status::Configuration, advice)
}

fn parse(name: &str, text: &str) -> Result<Config, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::new(
            Status::Configuration,
            format!("{name} is empty; `matrix-gitter init` writes an example to begin with"),
        ));
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let explained = explain(error);
        let place = error
            .location()
            .map_or_else(String::new, |at| place(text, at.line(), &explained));
        Failure::new(Status::Configuration, format!("{name}{place}: {explained}"))
    })
}

/// Which line, and the setting that it is about. What stands behind the colon may be a secret.
fn place(text: &str, line: u64, explained: &str) -> String {
    let number = usize::try_from(line).unwrap_or(usize::MAX);
    let key = text
        .lines()
        .nth(number.saturating_sub(1))
        .and_then(|line| line.split_once(':'))
        .map(|(key, _)| key.trim().trim_matches('"'))
        .filter(|key| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    match key {
        // Where the key itself is what is wrong, the explanation names it.
        Some(key) if !key.is_empty() && !explained.contains(&format!("`{key}`")) => {
            format!(", line {line}, `{key}`")
        }
        _ => format!(", line {line}"),
    }
}

/// What a person needs to know, without the line's text: it may hold a secret.
fn explain(error: &YamlError) -> String {
    match error {
        YamlError::SerdeUnknownField {
            field, expected, ..
        } => {
            let known = nearest(field, expected).map_or_else(
                || format!("known here: {}", expected.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            format!("there is no setting `{field}`; {known}")
        }
        YamlError::SerdeUnknownVariant {
            variant, expected, ..
        } => {
            format!(
                "`{variant}` is not possible here; choose one of: {}",
                expected.join(", ")
            )
        }
        YamlError::SerdeInvalidType { expected, .. }
        | YamlError::SerdeInvalidValue { expected, .. } => {
            format!("what stands there does not fit; {expected} is wanted")
        }
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` stands there twice")
        }
        YamlError::InvalidScalar { ty, .. } => match *ty {
            "u16" => "a number from 1 to 65535 is wanted".to_owned(),
            _ => "a number is wanted".to_owned(),
        },
        YamlError::NullIntoString { .. } => "there is nothing behind the colon".to_owned(),
        YamlError::Unexpected { expected, .. } if expected.contains("mapping") => {
            "a section is wanted there, with its settings indented below it".to_owned()
        }
        other => {
            let text = other.to_string();
            text.lines().next().unwrap_or("it is not YAML").to_owned()
        }
    }
}

fn check(name: &str, config: &Config) -> Result<(), Failure> {
    let mut problems = Problems::default();
    config.homeserver.check(&mut problems);
    config.appservice.check(&mut problems);
    config.web.check(&mut problems);
    config.database.check(&mut problems);
    config.network.check(&mut problems);
    config.bridge.check(&mut problems);
    config
        .double_puppet
        .check(&config.appservice, &mut problems);
    config.metrics.check(&mut problems);
    problems.into_result(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example as an admin would fill it in.
    fn filled_in() -> String {
        super::super::example::example(&mut rand::SeedableRng::seed_from_u64(1))
            .replace("example.org", "my.server")
            .replace("client_id: ...", "client_id: key")
            .replace("client_secret: ...", "client_secret: hush")
    }

    fn problem(text: &str) -> Failure {
        parse("config.yaml", text)
            .and_then(|config| check("config.yaml", &config))
            .expect_err("this configuration is wrong")
    }

    #[test]
    fn the_example_filled_in_is_accepted() {
        let config = parse("config.yaml", &filled_in()).expect("it parses");
        check("config.yaml", &config).expect("it is right");
    }

    #[test]
    fn the_untouched_example_is_known_by_its_values() {
        let text = super::super::example::example(&mut rand::SeedableRng::seed_from_u64(1));
        let failure = problem(&text);
        assert_eq!(failure.status, Status::ExampleValues);
        insta::assert_snapshot!(failure.message);
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_the_way_out() {
        let good = filled_in();
        let cases = [
            (
                "unknown key",
                good.replace(
                    "  address: http://localhost:8008",
                    "  adress: http://localhost:8008",
                ),
            ),
            ("unknown section", good.replace("\nlogging:", "\nloging:")),
            (
                "no address",
                good.replace("address: http://localhost:8008", "address: localhost:8008"),
            ),
            (
                "port out of range",
                good.replace("port: 8445", "port: 84450"),
            ),
            ("wrong word", good.replace("policy: all", "policy: some")),
            ("no text", String::new()),
            ("not YAML", good.replace("homeserver:", "homeserver: [")),
            ("twice", format!("{good}\nlogging: {{}}\n")),
            (
                "short key",
                good.replace("secret_key: ", "secret_key: c2hvcnQ= #"),
            ),
            ("not a level", good.replace("level: info", "level: loud")),
            (
                "tokens gone",
                good.replace("as_token: ", "as_token: # ")
                    .replace("hs_token: ", "hs_token: # "),
            ),
            ("ghosts all one", good.replace("gitter_{id}", "gitter_")),
            (
                "half a listener",
                good.replace(
                    "  hostname: null\n  port: null",
                    "  hostname: 127.0.0.1\n  port: null",
                ),
            ),
        ];
        let report: Vec<String> = cases
            .iter()
            .map(|(name, text)| {
                let failure = problem(text);
                assert_eq!(failure.status, Status::Configuration, "{name}");
                format!("{name}:\n{failure}\n")
            })
            .collect();
        insta::assert_snapshot!(report.join("\n"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told() {
        let failure = load(Path::new("/nowhere/config.yaml")).expect_err("there is no such file");
        assert_eq!(failure.status, Status::Configuration);
        assert!(failure.message.contains("matrix-gitter init"), "{failure}");
        let failure = load(Path::new("/")).expect_err("it is a directory");
        assert_eq!(failure.status, Status::Configuration);
    }
}
