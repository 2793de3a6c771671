//! Settings from the environment: `MATRIX_GITTER_<SECTION>__<KEY>`, deeper ones with `__` between their parts; with `_FILE` behind it, the
//! value is read from the file it names.

use std::ffi::OsString;

use serde_json::Value;

use super::Config;
use super::nearest::nearest;
use crate::exit::{Failure, Status};

/// What all our variables begin with.
const PREFIX: &str = "MATRIX_GITTER_";
/// What says that the value stands in a file.
const FILE: &str = "_FILE";

/// A setting that the environment overrides.
#[derive(Debug)]
struct Override {
    variable: String,
    path: Vec<String>,
    value: String,
}

/// Puts the environment's settings over those of the file.
pub(super) fn apply(
    from_file: Config,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Config, Failure> {
    let mut config = from_file;
    for variable in variables {
        let Some(setting) = read(variable)? else {
            continue;
        };
        config = put(&config, &setting)?;
    }
    Ok(config)
}

fn read((variable, text): (OsString, OsString)) -> Result<Option<Override>, Failure> {
    // A name that is no text matches no setting, which is said below.
    let variable = variable.to_string_lossy().into_owned();
    let Some(name) = variable
        .strip_prefix(PREFIX)
        .filter(|name| name.contains("__"))
    else {
        return Ok(None);
    };
    let text = text
        .into_string()
        .map_err(|_| refuse(&variable, "its value is not UTF-8"))?;
    let (name, value) = match name.strip_suffix(FILE) {
        None => (name, text),
        Some(name) => {
            let content = std::fs::read_to_string(&text).map_err(|error| {
                refuse(
                    &variable,
                    &format!("the file `{text}` cannot be read: {error}"),
                )
            })?;
            // Editors and `echo` end a file with a line break that is no part of the secret.
            (name, content.trim_end_matches(['\r', '\n']).to_owned())
        }
    };
    let path = name.to_lowercase().split("__").map(str::to_owned).collect();
    Ok(Some(Override {
        variable,
        path,
        value,
    }))
}

/// The configuration with one setting replaced. A value is taken as text where text fits, else as YAML: a port stays a number, and a
/// password of digits stays text.
fn put(config: &Config, setting: &Override) -> Result<Config, Failure> {
    let as_text = Value::String(setting.value.clone());
    let as_yaml = serde_saphyr::from_str::<Value>(&setting.value).ok();
    let mut problem = None;
    for value in [Some(as_text), as_yaml].into_iter().flatten() {
        let mut tree = serde_json::to_value(config)
            .map_err(|error| refuse(&setting.variable, &error.to_string()))?;
        let mut place = &mut tree;
        for (depth, part) in setting.path.iter().enumerate() {
            let Some(map) = place.as_object_mut() else {
                let parent = setting.path.get(..depth).unwrap_or_default().join(".");
                return Err(refuse(
                    &setting.variable,
                    &format!("`{parent}` has no settings below it"),
                ));
            };
            if !map.contains_key(part) {
                let known: Vec<&str> = map.keys().map(String::as_str).collect();
                let hint = nearest(part, &known)
                    .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
                return Err(refuse(
                    &setting.variable,
                    &format!("there is no setting `{}`{hint}", setting.path.join(".")),
                ));
            }
            place = &mut map[part];
        }
        *place = value;
        match serde_json::from_value(tree) {
            Ok(config) => return Ok(config),
            // The second try's complaint names the type that was wanted, without the value of what may be a secret.
            Err(error) => problem = Some(error.classify()),
        }
    }
    let kind = problem.map_or(
        "",
        |_| " (a number, true or false, or one of the values in the documentation)",
    );
    Err(refuse(
        &setting.variable,
        &format!("its value does not fit `{}`{kind}", setting.path.join(".")),
    ))
}

fn refuse(variable: &str, why: &str) -> Failure {
    Failure::new(
        Status::Configuration,
        format!("the environment variable {variable} cannot be used: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, Failure> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        apply(Config::default(), variables)
    }

    #[test]
    fn each_kind_of_setting_can_be_overridden() {
        let config = with(&[
            ("MATRIX_GITTER_HOMESERVER__DOMAIN", "my.server"),
            ("MATRIX_GITTER_APPSERVICE__PORT", "9000"),
            ("MATRIX_GITTER_APPSERVICE__BOT__USERNAME", "bridge"),
            ("MATRIX_GITTER_APPSERVICE__AS_TOKEN", "12345"),
            ("MATRIX_GITTER_WEB__PORT", "8446"),
            ("MATRIX_GITTER_BRIDGE__SPACE", "false"),
            (
                "MATRIX_GITTER_BRIDGE__PERMISSIONS",
                "{\"my.server\": user, \"@me:my.server\": admin}",
            ),
            ("MATRIX_GITTER_BRIDGE__INVITES__POLICY", "none"),
            ("MATRIX_GITTER_DEMO", "not ours: no section"),
            ("PATH", "/bin"),
        ])
        .expect("all of these are right");
        assert_eq!(config.homeserver.domain, "my.server");
        assert_eq!(config.appservice.port, 9000);
        assert_eq!(config.appservice.bot.username, "bridge");
        assert_eq!(config.appservice.as_token.expose(), "12345");
        assert_eq!(config.web.port, Some(8446));
        assert!(!config.bridge.space);
        assert_eq!(config.bridge.permissions.len(), 2);
        assert_eq!(
            config.bridge.invites.policy,
            crate::config::bridge::InvitePolicy::None
        );
    }

    #[test]
    fn a_value_can_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "s3cret\n").expect("it can be written");
        let path = file.path().to_str().expect("its name is text");
        let config =
            with(&[("MATRIX_GITTER_NETWORK__CLIENT_SECRET_FILE", path)]).expect("it is read");
        assert_eq!(config.network.client_secret.expose(), "s3cret");
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = || OsString::from_vec(vec![b'h', 0xff, b'i']);
        let prefixed = [b"MATRIX_GITTER_WEB__".as_slice(), &[0xff]].concat();
        for (name, value, says) in [
            (
                "MATRIX_GITTER_APPSERVICE__AS_TOKEN".into(),
                odd(),
                "MATRIX_GITTER_APPSERVICE__AS_TOKEN cannot be used: its value is not UTF-8",
            ),
            (
                OsString::from_vec(prefixed),
                "1".into(),
                "MATRIX_GITTER_WEB__\u{fffd} cannot be used: there is no setting",
            ),
        ] {
            let failure =
                apply(Config::default(), [(name, value)].into_iter()).expect_err("not text");
            assert_eq!(failure.status, Status::Configuration);
            assert!(failure.message.contains(says), "{failure}");
        }
        // What is not ours may be as it likes.
        let others = [("LS_COLORS".into(), odd()), (odd(), odd())];
        apply(Config::default(), others.into_iter()).expect("none of these is ours");
    }

    #[test]
    fn what_does_not_fit_is_refused_without_its_value() {
        for (name, value, says) in [
            (
                "MATRIX_GITTER_APPSERVICE__PROT",
                "1",
                "there is no setting `appservice.prot`; did you mean `port`?",
            ),
            (
                "MATRIX_GITTER_APPSERVICE__PORT",
                "hunter2",
                "its value does not fit `appservice.port`",
            ),
            (
                "MATRIX_GITTER_HOMESERVER__DOMAIN__X",
                "1",
                "`homeserver.domain` has no settings below it",
            ),
            (
                "MATRIX_GITTER_DATABASE__URI_FILE",
                "/nowhere/at/all",
                "cannot be read",
            ),
        ] {
            let failure = with(&[(name, value)]).expect_err(name);
            assert_eq!(failure.status, Status::Configuration);
            assert!(
                failure.message.contains(says) && failure.message.contains(name),
                "{failure}"
            );
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
    }
}
