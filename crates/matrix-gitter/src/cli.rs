//! The command line.
//!
//! To add a command: a variant of [`Command`], a file in `commands/`, and its arm in `commands::run`.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

/// Where the configuration is looked for if nothing is said.
const DEFAULT_CONFIG: &str = "config.yaml";

/// Chat in your Gitter rooms from Matrix, as yourself.
#[derive(Debug, Parser)]
#[command(
    name = "matrix-gitter",
    version,
    about,
    after_help = "First time? `matrix-gitter init`, edit config.yaml, `matrix-gitter register`, give registration.yaml \
                  to your homeserver, `matrix-gitter doctor`, `matrix-gitter run`."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration file
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Where `register` writes the registration
    #[arg(short, long, value_name = "FILE", global = true)]
    registration: Option<PathBuf>,

    /// Where `register` writes the registration of double puppeting, if `double_puppet` is set
    #[arg(long, value_name = "FILE", global = true)]
    double_puppet: Option<PathBuf>,

    /// The same as `init`
    #[arg(short = 'e', long, conflicts_with = "generate_registration")]
    generate_config: bool,

    /// The same as `register`
    #[arg(short = 'g', long)]
    generate_registration: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
enum Command {
    /// Run the bridge (this is also what happens without a command)
    Run,
    /// Write a commented example configuration with fresh secrets; never over an existing file
    Init,
    /// Write the registration for the homeserver
    Register,
    /// Check everything an admin can get wrong, and say how to mend it
    Doctor,
    /// Print name, version and commit
    Version,
}

/// What to do, with what it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Run the bridge.
    Run { config: PathBuf },
    /// Write an example configuration.
    Init { config: PathBuf },
    /// Write the registration, and that of double puppeting if it is set up.
    Register {
        config: PathBuf,
        registration: PathBuf,
        double_puppet: PathBuf,
    },
    /// Check everything.
    Doctor {
        config: PathBuf,
        registration: PathBuf,
    },
    /// Print the version.
    Version,
}

impl Arguments {
    /// What was asked for; ends the program when it asks for two things.
    pub(crate) fn task(self) -> Task {
        self.try_task().unwrap_or_else(|error| error.exit())
    }

    fn try_task(self) -> Result<Task, clap::Error> {
        if self.command.is_some() && (self.generate_config || self.generate_registration) {
            let why = "-e and -g are commands by themselves and go with no other";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, why));
        }
        let config = self.config.unwrap_or_else(|| DEFAULT_CONFIG.into());
        // Beside the configuration, so that both commands find it without being told.
        let registration = self
            .registration
            .unwrap_or_else(|| config.with_file_name("registration.yaml"));
        let double_puppet = self
            .double_puppet
            .unwrap_or_else(|| config.with_file_name("double-puppet.yaml"));
        let command = match self.command {
            Some(command) => command,
            None if self.generate_config => Command::Init,
            None if self.generate_registration => Command::Register,
            None => Command::Run,
        };
        Ok(match command {
            Command::Run => Task::Run { config },
            Command::Init => Task::Init { config },
            Command::Register => Task::Register {
                config,
                registration,
                double_puppet,
            },
            Command::Doctor => Task::Doctor {
                config,
                registration,
            },
            Command::Version => Task::Version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Task {
        let all = ["matrix-gitter"].iter().chain(arguments);
        Arguments::try_parse_from(all)
            .and_then(Arguments::try_task)
            .expect("these arguments are right")
    }

    #[test]
    fn a_bare_call_runs_the_bridge() {
        assert_eq!(
            parse(&["-c", "a/b.yaml"]),
            Task::Run {
                config: "a/b.yaml".into()
            }
        );
        assert_eq!(
            parse(&["run", "-c", "a/b.yaml"]),
            parse(&["-c", "a/b.yaml", "run"])
        );
        assert_eq!(
            parse(&[]),
            Task::Run {
                config: "config.yaml".into()
            }
        );
    }

    #[test]
    fn the_short_aliases_do_what_the_commands_do() {
        assert_eq!(parse(&["-e"]), parse(&["init"]));
        assert_eq!(
            parse(&["-g", "-c", "x/c.yaml"]),
            parse(&["register", "-c", "x/c.yaml"])
        );
        assert_eq!(
            parse(&["-g", "-c", "x/c.yaml"]),
            Task::Register {
                config: "x/c.yaml".into(),
                registration: "x/registration.yaml".into(),
                double_puppet: "x/double-puppet.yaml".into()
            }
        );
        assert_eq!(
            parse(&["-g", "-r", "r.yaml", "--double-puppet", "d.yaml"]),
            Task::Register {
                config: "config.yaml".into(),
                registration: "r.yaml".into(),
                double_puppet: "d.yaml".into()
            }
        );
    }

    #[test]
    fn nonsense_is_wrong_usage() {
        for wrong in [&["fly"][..], &["-e", "-g"], &["run", "-x"], &["init", "-e"]] {
            let all = ["matrix-gitter"].iter().chain(wrong);
            let error = Arguments::try_parse_from(all)
                .and_then(Arguments::try_task)
                .expect_err("these arguments are wrong");
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
