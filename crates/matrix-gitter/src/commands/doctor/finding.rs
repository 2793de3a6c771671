//! What a check found.

use std::io::IsTerminal as _;

use crate::exit::Status;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Warning,
    Failed(Status),
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    outcome: Outcome,
    what: String,
    details: String,
    advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(what: &str, details: &str) -> Self {
        Self {
            outcome: Outcome::Ok,
            what: what.to_owned(),
            details: details.to_owned(),
            advice: None,
        }
    }

    /// It may work all the same.
    pub(super) fn warning(what: &str, problem: &str, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self {
            outcome: Outcome::Warning,
            what: what.to_owned(),
            details: problem.to_owned(),
            advice,
        }
    }

    /// It cannot work. `status` is how `doctor` ends on account of it.
    pub(super) fn failed(what: &str, problem: &str, advice: &str, status: Status) -> Self {
        let advice = Some(advice.to_owned());
        Self {
            outcome: Outcome::Failed(status),
            what: what.to_owned(),
            details: problem.to_owned(),
            advice,
        }
    }

    /// The line for a person; what goes on below it is indented.
    fn line(&self, colours: bool) -> String {
        let (word, colour) = match self.outcome {
            Outcome::Ok => ("ok     ", "32"),
            Outcome::Warning => ("warning", "33"),
            Outcome::Failed(_) => ("failed ", "31"),
        };
        let word = if colours {
            format!("\u{1b}[{colour}m{word}\u{1b}[0m")
        } else {
            word.to_owned()
        };
        let advice = self
            .advice
            .as_ref()
            .map_or_else(String::new, |advice| format!(" -> {advice}"));
        let text = format!("{}: {}{advice}", self.what, self.details);
        format!("{word}  {}", text.replace('\n', "\n         "))
    }
}

/// All findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Prints it and keeps it.
    #[expect(clippy::print_stdout, reason = "it is what was asked for")]
    pub(super) fn add(&mut self, finding: Finding) {
        println!("{}", finding.line(std::io::stdout().is_terminal()));
        self.0.push(finding);
    }

    /// How `doctor` ends: by the first thing that failed, since what comes later often fails because of it.
    pub(super) fn status(&self) -> Status {
        self.0
            .iter()
            .find_map(|finding| match finding.outcome {
                Outcome::Failed(status) => Some(status),
                Outcome::Ok | Outcome::Warning => None,
            })
            .unwrap_or(Status::Fine)
    }

    /// The last line.
    pub(super) fn summary(&self) -> String {
        let count = |wanted: fn(&Outcome) -> bool| {
            self.0
                .iter()
                .filter(|finding| wanted(&finding.outcome))
                .count()
        };
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let warnings = count(|outcome| matches!(outcome, Outcome::Warning));
        match (failed, warnings) {
            (0, 0) => "All is well.".to_owned(),
            (0, 1) => "It can run; one warning.".to_owned(),
            (0, warnings) => format!("It can run; {warnings} warnings."),
            (1, _) => "One thing has to be mended.".to_owned(),
            (failed, _) => format!("{failed} things have to be mended; begin with the first."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_is_and_how_to_mend_it() {
        assert_eq!(
            Finding::ok("database", "fine").line(false),
            "ok       database: fine"
        );
        assert_eq!(
            Finding::failed(
                "homeserver",
                "nobody answers\nat all",
                "start it",
                Status::Homeserver
            )
            .line(false),
            "failed   homeserver: nobody answers\n         at all -> start it"
        );
    }

    #[test]
    fn the_first_failure_decides_the_status_and_warnings_do_not() {
        let mut findings = Findings::default();
        findings.add(Finding::warning("a", "b", "c"));
        assert_eq!(findings.status(), Status::Fine);
        assert_eq!(findings.summary(), "It can run; one warning.");
        findings.add(Finding::failed("a", "b", "c", Status::Database));
        findings.add(Finding::failed("a", "b", "c", Status::Homeserver));
        assert_eq!(findings.status(), Status::Database);
        assert_eq!(
            findings.summary(),
            "2 things have to be mended; begin with the first."
        );
    }
}
