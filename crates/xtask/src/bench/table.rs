//! The table that comes out.

use std::fmt::{Display, Formatter, Result};

/// Rows of what, how much, and how much it may be.
#[derive(Default)]
pub(super) struct Table(Vec<[String; 3]>);

impl Table {
    pub(super) fn row(&mut self, what: &str, figure: String, aim: &str) {
        self.0.push([what.to_owned(), figure, aim.to_owned()]);
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "| | measured | aim |\n|---|---|---|")?;
        self.0
            .iter()
            .try_for_each(|[what, figure, aim]| writeln!(out, "| {what} | {figure} | {aim} |"))
    }
}
