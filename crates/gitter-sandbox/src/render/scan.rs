//! Recognising what a line begins, and where something inside a line ends.

/// Nothing but spaces.
pub(super) fn is_blank(line: &str) -> bool {
    line.chars().all(|letter| letter == ' ')
}

/// The mark of a list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bullet {
    pub(super) indent: usize,
    pub(super) ordered: bool,
    /// Where the item's text begins, in bytes.
    pub(super) body: usize,
}

/// `* `, `+ `, `- ` or `1. ` at the start of a line.
pub(super) fn bullet(line: &str) -> Option<Bullet> {
    let rest = line.trim_start_matches(' ');
    let indent = line.len() - rest.len();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mark = if digits > 0 {
        rest.get(digits..)?.starts_with('.').then_some(digits + 1)?
    } else {
        rest.starts_with(['*', '+', '-']).then_some(1)?
    };
    let after = rest.get(mark..)?;
    let spaces = after.len() - after.trim_start_matches(' ').len();
    (spaces > 0).then_some(Bullet {
        indent,
        ordered: digits > 0,
        body: indent + mark + spaces,
    })
}

/// `# text`, also without the space: the level and the text.
pub(super) fn heading(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches(' ');
    let marks = rest.bytes().take_while(|byte| *byte == b'#').count();
    if marks == 0 || (marks == 1 && rest.len() == 1) {
        return None;
    }
    let mut level = marks.min(6);
    // Nothing but marks: the last one is the text.
    if level == rest.len() {
        level -= 1;
    }
    let text = rest.get(level..)?.trim_matches(' ');
    let shorter = text.trim_end_matches('#').trim_end_matches(' ');
    if text.is_empty() {
        return None;
    }
    Some((level, if shorter.is_empty() { "#" } else { shorter }))
}

/// A line that begins with a reference such as `#12`: it looks like a heading and is none.
pub(super) fn is_issue(line: &str) -> bool {
    let Some(rest) = line.trim_start_matches(' ').strip_prefix('#') else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (1..=6).contains(&digits)
        && !rest
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(is_word))
}

/// `===` or `---`: the level of the heading above.
pub(super) fn underline(line: &str) -> Option<usize> {
    let line = line.trim_matches(' ');
    if line.len() < 2 || !line.bytes().all(|byte| matches!(byte, b'=' | b'-')) {
        return None;
    }
    Some(if line.ends_with('=') { 1 } else { 2 })
}

/// Three or more of `-`, `*`, `_`, with spaces between.
pub(super) fn is_rule(line: &str) -> bool {
    let marks = line.chars().filter(|letter| *letter != ' ').count();
    marks >= 3
        && line
            .chars()
            .all(|letter| matches!(letter, ' ' | '-' | '*' | '_'))
}

/// A rule that is not deeper than a list, and so ends it.
pub(super) fn is_rule_at(line: &str, indent: usize) -> bool {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    is_rule(line) && spaces <= indent
}

/// `> text`.
pub(super) fn is_quote(line: &str) -> bool {
    line.trim_start_matches(' ')
        .strip_prefix('>')
        .is_some_and(|rest| !rest.is_empty())
}

pub(super) fn unquote(line: &str) -> &str {
    let Some(rest) = line.trim_start_matches(' ').strip_prefix('>') else {
        return line;
    };
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// `[name]: address`: both.
pub(super) fn definition(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line
        .trim_start_matches(' ')
        .strip_prefix('[')?
        .split_once("]:")?;
    let address = rest.trim_start_matches(' ').split(' ').next()?;
    let address = address.trim_start_matches('<').trim_end_matches('>');
    (!name.is_empty() && !name.contains(']') && !address.is_empty()).then_some((name, address))
}

/// A letter, a digit or `_`.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// What may stand before the `@` of an e-mail address, without `#`.
pub(super) fn is_local(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ".!$%&'*+/=?^_`{|}~-".contains(letter)
}

/// How many bytes from the start fit.
pub(super) fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|letter: char| !fits(letter))
        .unwrap_or(text.len())
}

/// `owner/name` at the start: how many bytes.
pub(super) fn repo(text: &str) -> Option<usize> {
    let part = |letter: char| is_word(letter) || matches!(letter, '-' | '.');
    let owner = run(text, part);
    let name = run(text.get(owner..)?.strip_prefix('/')?, part);
    (owner > 0 && name > 0).then_some(owner + 1 + name)
}

/// Text between `mark`s at the start, where the closing one is not followed by `mark`'s letter. At least one character.
pub(super) fn between<'a>(text: &'a str, mark: &str) -> Option<(&'a str, usize)> {
    let inner = text.strip_prefix(mark)?;
    let letter = mark.chars().next()?;
    let first = inner.chars().next()?.len_utf8();
    let mut from = first;
    while let Some(at) = inner.get(from..)?.find(mark).map(|at| at + from) {
        let end = at + mark.len();
        if !inner.get(end..)?.starts_with(letter) {
            return Some((inner.get(..at)?, mark.len() + end));
        }
        from = at + 1;
    }
    None
}

/// Emphasis by single stars. Double stars inside belong to the text where that works out.
pub(super) fn starred(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('*')?;
    for keep_pairs in [true, false] {
        let mut letters = inner.char_indices().peekable();
        let mut first = true;
        while let Some((at, letter)) = letters.next() {
            let next_is_star = letters.peek().is_some_and(|(_, next)| *next == '*');
            if letter == '*' && !first && !next_is_star {
                return Some((inner.get(..at)?, at + 2));
            }
            if letter == '*' && next_is_star && keep_pairs {
                letters.next();
            }
            first = false;
        }
    }
    None
}

/// Emphasis by single underscores, whose closing one ends a word.
pub(super) fn underscored(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('_')?;
    let mut letters = inner.char_indices().peekable();
    let mut first = true;
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        if letter == '_' {
            if !first && !next.is_some_and(is_word) {
                return Some((inner.get(..at)?, at + 2));
            }
            // Two in a row belong to the text; a single one in a word ends the attempt.
            if next != Some('_') {
                return None;
            }
            letters.next();
        }
        first = false;
    }
    None
}

/// Code between runs of backticks.
pub(super) fn code_span(text: &str) -> Option<(&str, usize)> {
    let ticks = run(text, |letter| letter == '`');
    if ticks == 0 {
        return None;
    }
    let mut at = ticks;
    while let Some(found) = text.get(at..)?.find('`').map(|found| found + at) {
        let length = run(text.get(found..)?, |letter| letter == '`');
        if length == ticks {
            let inner = text.get(ticks..found)?.trim();
            return (!inner.is_empty()).then_some((inner, found + length));
        }
        at = found + length;
    }
    None
}

/// A raw HTML tag or comment at the start: how many bytes.
pub(super) fn tag(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|end| end + 3);
    }
    let rest = text.strip_prefix('<')?;
    let name = rest.strip_prefix('/').unwrap_or(rest);
    if !name.starts_with(is_word) {
        return None;
    }
    let mut quote = None;
    for (at, letter) in text.char_indices().skip(1) {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

/// The text in square brackets at the start, brackets within brackets included: the text, and what follows.
pub(super) fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((text.get(1..at)?, text.get(at + 1..)?));
                }
            }
            _ if at == 0 => return None,
            _ => {}
        }
    }
    None
}

/// `[label](address "title")` at the start: the label, the address, the title, and how many bytes. It ends at the last `](` that
/// brackets on the way allow, with no regard to where another one ended.
pub(super) fn link(text: &str) -> Option<(&str, &str, Option<&str>, usize)> {
    let inner = text.strip_prefix('[')?;
    let mut found = None;
    let mut at = 0;
    while let Some(next) = inner.get(at..)?.find(['[', ']']) {
        let (mark, after) = (at + next, at + next + 1);
        let rest = inner.get(after..)?;
        if inner.get(mark..)?.starts_with('[') {
            match rest.find(']') {
                Some(end) => at = after + end + 1,
                None => break,
            }
            continue;
        }
        if let Some((href, title, used)) = target(rest) {
            found = Some((inner.get(..mark)?, href, title, 1 + after + used));
        }
        if !rest
            .find(['[', ']'])
            .is_some_and(|at| rest.get(at..).is_some_and(|it| it.starts_with(']')))
        {
            break;
        }
        at = after;
    }
    found
}

/// `(address "title")` at the start: the address, the title, and how many bytes.
pub(super) fn target(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let rest = text.strip_prefix('(')?;
    let start = run(rest, char::is_whitespace);
    let open = rest.get(start..)?;
    let (open, start) = match open.strip_prefix('<') {
        Some(inner) => (inner, start + 1),
        None => (open, start),
    };
    for (at, letter) in open.char_indices() {
        if !letter.is_whitespace() && letter != ')' && letter != '>' {
            continue;
        }
        let address = open.get(..at)?;
        let after = open.get(at..)?;
        let after = after.strip_prefix('>').unwrap_or(after);
        let trimmed = after.trim_start();
        if trimmed.len() < after.len()
            && let Some((title, used)) = title(trimmed)
        {
            let used = open.len() - trimmed.len() + used;
            return Some((address, Some(title), start + used + 1));
        }
        if trimmed.starts_with(')') {
            return Some((address, None, start + (open.len() - trimmed.len()) + 2));
        }
    }
    None
}

/// `"title")` at the start: the title, and how many bytes.
fn title(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix(['"', '\''])?;
    for (at, _) in inner.match_indices(['"', '\'']) {
        let after = inner.get(at + 1..)?;
        let trimmed = after.trim_start();
        if trimmed.starts_with(')') {
            return Some((inner.get(..at)?, text.len() - trimmed.len() + 1));
        }
    }
    None
}
