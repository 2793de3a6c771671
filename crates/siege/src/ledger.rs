//! What people said on Matrix, and how it has to stand on Gitter in the end.

use std::sync::{Mutex, PoisonError};

/// What a message on Matrix is in the thread of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// What somebody said on Matrix, by its number.
    Said(usize),
    /// A message of Gitter, by its id there.
    Gitter(String),
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) number: usize,
    /// By whom, as a number of [`World::members`](crate::world::World::members).
    pub(crate) by: usize,
    /// Where, as a number of [`World::rooms`](crate::world::World::rooms).
    pub(crate) room: usize,
    pub(crate) event: String,
    /// How often it was changed.
    pub(crate) version: usize,
    pub(crate) redacted: bool,
    pub(crate) root: Option<Root>,
}

impl Said {
    /// How it reads now.
    pub(crate) fn text(&self) -> String {
        text(self.number, self.version)
    }
}

/// What message `number` says after `version` changes.
pub(crate) fn text(number: usize, version: usize) -> String {
    format!("m{number:05} v{version}")
}

/// The number and version of a text that was said on Matrix, perhaps below a quotation.
pub(crate) fn read(text: &str) -> Option<(usize, usize)> {
    let (number, version) = last_paragraph(text).split_once(' ')?;
    Some((
        number.strip_prefix('m')?.parse().ok()?,
        version.strip_prefix('v')?.parse().ok()?,
    ))
}

/// A text without what it quotes.
pub(crate) fn last_paragraph(text: &str) -> &str {
    text.rsplit("\n\n").next().unwrap_or(text)
}

/// All messages said on Matrix, in the order in which they were said.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Vec<Said>>);

impl Ledger {
    pub(crate) fn add(&self, said: Said) {
        self.lock().push(said);
    }

    pub(crate) fn all(&self) -> Vec<Said> {
        self.lock().clone()
    }

    /// Notes what became of a message.
    pub(crate) fn change(&self, number: usize, change: impl FnOnce(&mut Said)) {
        if let Some(said) = self.lock().iter_mut().find(|it| it.number == number) {
            change(said);
        }
    }

    /// The newest `count` messages of somebody in a room that were not redacted.
    pub(crate) fn newest(&self, by: usize, room: usize, count: usize) -> Vec<Said> {
        let said = self.lock();
        let mine = said
            .iter()
            .rev()
            .filter(|it| it.by == by && it.room == room && !it.redacted);
        mine.take(count).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_again_also_below_a_quotation() {
        assert_eq!(read(&text(12, 3)), Some((12, 3)));
        assert_eq!(
            read("> ben: m00001 v0\n\nm00012 v3"),
            Some((12, 3)),
            "not what is quoted"
        );
        assert_eq!(read("g00012 v3"), None);
    }
}
