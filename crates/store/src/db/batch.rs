//! Several statements in one go.
//!
//! A statement is a trip to the thread of SQLite's connection and back, and the trips cost more than the statements. So
//! a method that needs several puts them into a [`Batch`]; where one depends on another, SQL decides.

use super::value::{Arg, Row};

/// Statements, each with its values.
#[derive(Default)]
pub(crate) struct Batch<'a> {
    statements: Vec<Statement<'a>>,
    /// It waits for its turn: of two batches that do, the rows of the first have the lower ids and are committed before
    /// the second begins. A lane is worked by id, so a row must not appear behind one that was worked.
    pub(super) in_turn: bool,
}

pub(super) struct Statement<'a> {
    pub(super) sql: &'static str,
    pub(super) args: Vec<Arg<'a>>,
}

/// What one statement gave.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    /// How many rows it wrote, if it writes.
    pub(crate) touched: u64,
}

/// More than that are not put into one text: each text is kept prepared.
const AT_ONCE: usize = 16;

impl<'a> Batch<'a> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// For putting rows into lanes.
    pub(crate) fn in_turn() -> Self {
        Self {
            in_turn: true,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, sql: &'static str, args: &[Arg<'a>]) {
        let args = args.to_vec();
        self.statements.push(Statement { sql, args });
    }

    pub(super) fn statements(&self) -> &[Statement<'a>] {
        &self.statements
    }

    /// As few texts of several statements as is sensible, to be run one after the other.
    pub(super) fn texts(&self) -> Vec<(String, Vec<Arg<'a>>)> {
        let mut texts = Vec::new();
        for statements in self.statements.chunks(AT_ONCE) {
            let (mut text, mut args) = (String::new(), Vec::new());
            for statement in statements {
                renumber(statement.sql, args.len(), &mut text);
                text.push(';');
                args.extend_from_slice(&statement.args);
            }
            texts.push((text, args));
        }
        texts
    }
}

/// Appends a statement whose values come after `before` others: `$1` becomes `$3`, if these are two.
fn renumber(sql: &str, before: usize, text: &mut String) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse().map_or(before, |it: usize| it + before);
        text.push('$');
        text.push_str(&number.to_string());
        text.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::args;

    #[test]
    fn values_are_numbered_through() {
        let mut batch = Batch::new();
        batch.add("A $1, $2, $1", args!["x", "y"]);
        batch.add("B", &[]);
        batch.add("C $1 $10", &[Arg::Bool(true); 10]);
        let texts: Vec<_> = batch
            .texts()
            .into_iter()
            .map(|(text, args)| (text, args.len()))
            .collect();
        assert_eq!(texts, [("A $1, $2, $1;B;C $3 $12;".to_owned(), 12)]);
    }

    #[test]
    fn many_become_several_texts() {
        let mut batch = Batch::new();
        for _ in 0..=AT_ONCE {
            batch.add("A $1", args![1]);
        }
        let texts: Vec<_> = batch.texts().into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts.len(), 2);
        assert_eq!(texts[1], "A $1;");
    }
}
