//! What a person typed, as a command.

use super::{Command, TABLE, Told};
use crate::permissions::Level;

/// What a person typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A command, and what follows it.
    Command(Command, &'a str),
    /// Something else.
    Unknown {
        /// The first word.
        word: String,
        /// The command that was perhaps meant.
        nearest: Option<&'static str>,
    },
}

/// Reads it. Nothing at all asks for help.
pub(super) fn parse(text: &str, level: Level) -> Parsed<'_> {
    let text = text.trim();
    let (word, args) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let args = args.trim();
    if word.is_empty() {
        return Parsed::Command(Command::Help, "");
    }
    // People used to other bots write `!help`.
    let bare = word
        .strip_prefix('!')
        .filter(|rest| !rest.is_empty())
        .unwrap_or(word)
        .to_lowercase();
    match find(&bare, level) {
        Some(told) => Parsed::Command(told.command, args),
        None => Parsed::Unknown {
            word: shorten(word),
            nearest: nearest(&bare, level),
        },
    }
}

/// The command with this name or alias, if somebody of this level may know of it.
pub(super) fn find(word: &str, level: Level) -> Option<&'static Told> {
    known(level).find(|told| told.name == word || told.aliases.contains(&word))
}

fn known(level: Level) -> impl Iterator<Item = &'static Told> {
    // Whoever may do nothing still may get out, and is told why by everything else.
    TABLE
        .iter()
        .filter(move |told| told.level <= level.max(Level::User))
}

fn nearest(word: &str, level: Level) -> Option<&'static str> {
    known(level)
        .flat_map(|told| {
            std::iter::once(&told.name)
                .chain(told.aliases)
                .map(|name| (*name, told.name))
        })
        .map(|(name, meant)| (distance(word, name), name.len() / 2, meant))
        .filter(|(distance, half, _)| distance <= &(*half).min(2))
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., meant)| meant)
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbour (restricted edit distance).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

/// Enough of a word to know it again.
fn shorten(word: &str) -> String {
    const LONGEST: usize = 40;
    if word.chars().count() <= LONGEST {
        return word.to_owned();
    }
    word.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_ignore_case_and_space_around() {
        for text in ["list", "LIST", "  List \n", "!list", "ls"] {
            assert_eq!(
                parse(text, Level::User),
                Parsed::Command(Command::List, ""),
                "{text}"
            );
        }
        assert_eq!(
            parse("invite  Org/Room ", Level::User),
            Parsed::Command(Command::Invite, "Org/Room")
        );
    }

    #[test]
    fn nothing_asks_for_help() {
        assert_eq!(parse("", Level::User), Parsed::Command(Command::Help, ""));
        assert_eq!(parse("?", Level::User), Parsed::Command(Command::Help, ""));
    }

    #[test]
    fn the_nearest_command_is_named() {
        let nearest = |text| match parse(text, Level::User) {
            Parsed::Unknown { nearest, .. } => nearest,
            Parsed::Command(..) => panic!("{text} is a command"),
        };
        for (typed, meant) in [
            ("lsit", "list"),
            ("logn", "login"),
            ("longout", "logout"),
            ("gjion x", "gjoin"),
            ("invit org/room", "invite"),
            ("Stauts", "status"),
        ] {
            assert_eq!(nearest(typed), Some(meant), "{typed}");
        }
        assert_eq!(nearest("weather"), None);
        assert_eq!(nearest("ü"), None);
        assert_eq!(nearest(&"x".repeat(10_000)), None);
    }

    #[test]
    fn admin_commands_are_for_admins() {
        assert!(matches!(
            parse("users", Level::User),
            Parsed::Unknown { .. }
        ));
        assert_eq!(
            parse("users", Level::Admin),
            Parsed::Command(Command::Users, "")
        );
    }

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(distance("lsit", "list"), 1);
        assert_eq!(distance("list", "list"), 0);
        assert_eq!(distance("", "list"), 4);
        assert_eq!(distance("lists", "list"), 1);
    }
}
