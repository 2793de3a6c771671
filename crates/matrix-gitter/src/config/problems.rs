//! Collects everything that is wrong with a configuration, so that an admin hears of all of it at once.

use std::fmt::Write as _;

use url::Url;

use super::secret::Secret;
use crate::exit::{Failure, Status};

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    refused: Vec<String>,
    examples: Vec<String>,
}

impl Problems {
    /// A setting cannot be used.
    pub(super) fn refuse(&mut self, key: &str, why: impl AsRef<str>) {
        self.refused.push(format!("`{key}`: {}", why.as_ref()));
    }

    /// A setting must not be empty.
    pub(super) fn required(&mut self, key: &str, value: &str, what: &str) {
        if value.trim().is_empty() {
            self.refuse(key, format!("it is missing; write {what}"));
        }
    }

    /// A setting must not be one of the values in the example.
    pub(super) fn example(&mut self, key: &str, value: &str, examples: &[&str]) {
        if examples.contains(&value) {
            self.examples.push(format!("`{key}` is still `{value}`"));
        }
    }

    /// A secret must be there and not be the placeholder.
    pub(super) fn secret(&mut self, key: &str, value: &Secret) {
        self.required(
            key,
            value.expose(),
            "a secret; `matrix-gitter init` makes a configuration with fresh ones",
        );
        self.example(key, value.expose(), &["..."]);
    }

    /// An address that begins with `http://` or `https://`.
    pub(super) fn web_address(&mut self, key: &str, value: &str) {
        self.address(key, value, &["http", "https"]);
    }

    /// An address with one of these schemes and nothing behind its path. Emptiness is `required`'s to complain about.
    pub(super) fn address(&mut self, key: &str, value: &str, schemes: &[&str]) {
        if value.is_empty() {
            return;
        }
        let choice = schemes
            .iter()
            .map(|scheme| format!("{scheme}://"))
            .collect::<Vec<_>>()
            .join(" or ");
        match Url::parse(value) {
            Err(error) => self.refuse(
                key,
                format!("`{value}` is not an address ({error}); it has to begin with {choice}"),
            ),
            Ok(url) if !schemes.contains(&url.scheme()) || !url.has_host() => {
                self.refuse(key, format!("`{value}` has to begin with {choice}"));
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                self.refuse(
                    key,
                    format!("`{value}` must not have anything behind a ? or #"),
                );
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.refuse(key, "it must not hold a user name or password");
            }
            Ok(_) => {}
        }
    }

    /// A port other than 0.
    pub(super) fn port(&mut self, key: &str, port: u16) {
        if port == 0 {
            self.refuse(key, "0 is not a port");
        }
    }

    /// The localpart of a Matrix user, in its historical spelling (Matrix specification, appendix 4.2.1).
    pub(super) fn localpart(&mut self, key: &str, localpart: &str) {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._=-/+".contains(c);
        if localpart.is_empty() || !localpart.chars().all(allowed) {
            self.refuse(key, format!("`{localpart}` is not the first part of a user id; use a-z, 0-9 and any of . _ = - / +"));
        }
    }

    /// `Err` with everything that is wrong, if anything is.
    pub(super) fn into_result(self, file: &str) -> Result<(), Failure> {
        if !self.refused.is_empty() {
            let mut message = format!("the configuration {file} cannot be used:");
            for problem in self.refused.iter().chain(&self.examples) {
                let _infallible = write!(message, "\n  {problem}");
            }
            return Err(Failure::new(Status::Configuration, message));
        }
        if !self.examples.is_empty() {
            let mut message = format!("the configuration {file} still has example values:");
            for problem in &self.examples {
                let _infallible = write!(message, "\n  {problem}");
            }
            message.push_str("\nPut your own in their places, then start again.");
            return Err(Failure::new(Status::ExampleValues, message));
        }
        Ok(())
    }
}
