//! Tables, with bars at the ends of their lines or without.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) align: Vec<Align>,
    pub(super) rows: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Unset,
    Left,
    Center,
    Right,
}

/// A table: a header, a line of dashes, and rows, with bars at the ends of the lines or not.
pub(super) fn table(lines: &[&str]) -> Option<(Table, usize)> {
    let (header, dashes) = (*lines.first()?, *lines.get(1)?);
    let dashes = dashes.trim_matches(' ');
    let is_dash = |letter: char| matches!(letter, '-' | '|' | ' ' | ':');
    let fits = header.contains('|')
        && dashes.contains('|')
        && dashes.contains('-')
        && dashes.chars().all(is_dash);
    if !fits || header.trim_start().starts_with('|') != dashes.starts_with('|') {
        return None;
    }
    let bar_first = dashes.starts_with('|');
    let is_row = |line: &&&str| {
        if bar_first {
            line.trim_start().starts_with('|')
        } else {
            line.contains('|')
        }
    };
    let rows: Vec<Vec<String>> = lines
        .iter()
        .skip(2)
        .take_while(is_row)
        .map(|line| cells(line))
        .collect();
    let align = cells(dashes)
        .iter()
        .map(|cell| match (cell.starts_with(':'), cell.ends_with(':')) {
            (true, true) => Align::Center,
            (true, false) => Align::Left,
            (false, true) => Align::Right,
            (false, false) => Align::Unset,
        })
        .collect();
    let used = 2 + rows.len();
    Some((
        Table {
            header: cells(header),
            align,
            rows,
        },
        used,
    ))
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim_matches(' ');
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|')
        .map(|cell| cell.trim_matches(' ').to_owned())
        .collect()
}
