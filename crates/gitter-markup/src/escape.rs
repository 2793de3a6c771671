//! Characters that Gitter's renderer would take for markup or for somebody's name, made to show as themselves.
//!
//! Backslashes work before `` \ ` * { } [ ] ( ) # + - . ! _ > ~ | ``; where there is no such escape (`@`, `$$`, a line of
//! `===`), a zero-width space does it. The rules are those of a Markdown of 2014 and were tried on Gitter 21.15's renderer.
//! To add a trap: an arm in [`Escaper::text`] or [`line_start`].

use std::borrow::Cow;

/// Shows nothing and ends a name or a mark.
pub(crate) const GAP: char = '\u{200B}';

/// What may mean something at the start of a line, and nothing within it.
pub(crate) const LINE_STARTS: [char; 19] = [
    '#', '>', '+', '-', '*', '=', '|', ':', '~', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// How long an address may be, in bytes, that is written twice, in a link which must not be cut.
pub(crate) const LONGEST: usize = 1200;

/// Writes text so that it is shown as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Escaper {
    /// Whether underscores have to be escaped; see [`underscores_matter`].
    pub(crate) underscores: bool,
    /// Whether it stands in what a link shows, where an address is text.
    pub(crate) linked: bool,
}

/// Whether some underscore in the whole message is not inside a word: then one inside a word could open emphasis which that
/// one closes, escaped or not, so all of them have to be escaped.
pub(crate) fn underscores_matter(text: &str) -> bool {
    let bytes = text.as_bytes();
    let word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    // An address may have to be written as a link, which does not begin as a word does.
    text.contains("_http")
        || bytes.iter().enumerate().any(|(at, &byte)| {
            byte == b'_' && !(word(at.checked_sub(1)) && word(at.checked_add(1)))
        })
}

impl Escaper {
    /// Adds running text without line breaks to `out`.
    pub(crate) fn text(self, text: &str, out: &mut String) {
        let text = spaced(text);
        if self.linked {
            return self.words(&text, out);
        }
        let mut rest = &*text;
        while let Some((start, end)) = find_url(rest) {
            self.words(&rest[..start], out);
            unbracket(out);
            let bracket = out.ends_with("< ");
            let (url, behind) = rest[start..].split_at(end - start);
            self.url(url, behind, out);
            rest = behind;
            if bracket && rest.starts_with('>') {
                out.push(' ');
            }
        }
        self.words(rest, out);
    }

    /// An address that stays one to be clicked on. Gitter takes whatever follows it up to the next space for a part of it, our
    /// escapes included.
    fn url(self, url: &str, behind: &str, out: &mut String) {
        let end = behind.find(|c: char| c.is_whitespace() || c == '<');
        let tail = &behind[..end.unwrap_or(behind.len())];
        let harmless = |c: char| ".,:;!?'\")".contains(c);
        // The semicolon of an entity is none of the address's.
        let entity = url.rfind('&').is_some_and(|at| {
            is_entity(&format!(
                "{}{}",
                &url[at + 1..],
                if tail.starts_with(';') { ";" } else { "" }
            ))
        }) || holds_entity(url);
        // A bare one with brackets would lose its last bracket, one with `@/all` in it would ring everybody, and one with an
        // entity would be another.
        let misread = url.contains(['(', ')']) || url.contains("@/") || entity;
        let word = out.rsplit(char::is_whitespace).next().unwrap_or_default();
        let in_name = word
            .get(word.len().saturating_sub(300)..)
            .unwrap_or(word)
            .contains('@');
        if misread || in_name || !tail.chars().all(harmless) {
            if url.len() > LONGEST {
                return self.words(url, out);
            }
            open_label(out);
            self.label(url, out);
            out.push_str("](");
            out.push_str(&target(url));
            out.push(')');
        } else {
            out.push_str(url);
        }
    }

    /// What an address shows of itself.
    fn label(self, url: &str, out: &mut String) {
        let mut label = String::from(GAP);
        let inside = Self {
            linked: true,
            ..self
        };
        inside.words(url, &mut label);
        out.push_str(&in_label(label.trim_start_matches(GAP)));
    }

    fn words(self, text: &str, out: &mut String) {
        let brackets = text.contains("](")
            || text.contains("]:")
            || text.contains("][")
            || text.matches('[').count() != text.matches(']').count();
        for (at, c) in text.char_indices() {
            let behind = &text[at + c.len_utf8()..];
            let next = behind.chars().next();
            let before = text[..at].chars().next_back();
            if is_line_start(out) && line_start(&text[at..], out) {
                continue;
            }
            if c == '@' || c == '/' && (before == Some(':') || before.is_none()) {
                unbracket(out);
            }
            // What is no address must not look like one, in which nothing can be escaped.
            let scheme = || out.ends_with("http") || out.ends_with("https");
            if c == ':' && !self.linked && behind.starts_with("//") && scheme() {
                out.extend([':', GAP]);
                continue;
            }
            match c {
                '\\' if next.is_none_or(|next| "\\`*{}[]()#+-.!_>~|".contains(next)) => {
                    out.push_str("\\\\");
                }
                '*' | '`' => out.extend(['\\', c]),
                '_' if self.underscores => out.push_str("\\_"),
                '~' if [before, next]
                    .iter()
                    .any(|one| one.is_none_or(|c| c == '~')) =>
                {
                    out.push_str("\\~");
                }
                // For Gitter a link may end at the last of these, wherever its label ended.
                '(' if out.ends_with(']') => out.extend([GAP, '(']),
                '[' | ']' if brackets => out.extend(['\\', c]),
                '#' if next.is_none_or(|next| next.is_ascii_digit()) => out.push_str("\\#"),
                '<' => out.extend(std::iter::once('<').chain(tag_breaker(behind))),
                '&' if is_entity(behind) => out.push_str("&amp;"),
                '$' if before == Some('$') || before.is_none() && out.ends_with('$') => {
                    out.extend([GAP, '$']);
                }
                '@' if self.linked
                    || !is_address(before.or_else(|| out.chars().next_back()), behind) =>
                {
                    out.extend(['@', GAP]);
                }
                c => out.push(c),
            }
        }
    }
}

/// The text with spaces for what Gitter turns into spaces before it looks for code and lists, and without what it takes for a line's end and
/// what nobody sees.
fn spaced(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() || matches!(c, '\u{A0}' | '\u{2424}' | '\u{FEFF}')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\r' | '\u{A0}' => out.push(' '),
            '\u{2424}' => out.push('\u{21B5}'),
            // It shows nothing, and for a server in JavaScript it is a space: an address would end there.
            '\u{FEFF}' => out.push('\u{2060}'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether what follows is the first thing in its line.
pub(crate) fn is_line_start(out: &str) -> bool {
    // Nearly always so, and looking for the line's start each time would take long in a long line.
    if !matches!(out.bytes().next_back(), None | Some(b'\n' | b' ')) {
        return false;
    }
    let line = out.rsplit('\n').next().unwrap_or_default();
    line.bytes().all(|b| b == b' ')
}

/// Escapes what means something at the start of a line only. True if it has written the first character.
fn line_start(text: &str, out: &mut String) -> bool {
    let Some(c) = text.chars().next() else {
        return false;
    };
    let behind = &text[c.len_utf8()..];
    // A line of dashes and the like underlines the one before it, or is a rule, or makes a table of its neighbours.
    if text.trim_end().chars().all(|c| "-=:|+_* ".contains(c))
        && text.contains(['-', '=', '_', '*'])
    {
        out.push(GAP);
        return false;
    }
    match c {
        '#' | '>' | '|' => out.extend(['\\', c]),
        '+' | '-' if behind.is_empty() || behind.starts_with(' ') => out.extend(['\\', c]),
        // The fourth space would make code of it.
        ' ' if text.starts_with("    ") || out.ends_with("   ") => out.extend([GAP, c]),
        '0'..='9' => {
            let digits = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            let point = &text[digits..];
            if point != "." && !point.starts_with(". ") {
                return false;
            }
            // The caller goes on behind the first digit; the point must not be seen as a list's.
            out.push(GAP);
            return false;
        }
        _ => return false,
    }
    true
}

/// Whether `@` may stay: it is in the middle of a word (an e-mail address), or somebody is meant by name.
///
/// Names on Gitter are ASCII letters, digits, `_`, `-` and `.`; people on Matrix write them as on Gitter. What has a colon in it is
/// a Matrix id, `@room` means everybody on Matrix, and `@/` begins a group.
fn is_address(before: Option<char>, behind: &str) -> bool {
    // Nobody knows yet what comes behind the text.
    if behind.is_empty() || behind.starts_with('/') {
        return false;
    }
    let end = behind.find(|c| !is_name_char(c)).unwrap_or(behind.len());
    let name = behind[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() {
        return !behind.starts_with(is_name_char);
    }
    let plausible = !name.contains([':', '[', ']']) && name != "room";
    // What stands in the middle of a word is an e-mail address, up to a colon at least: `git@example.org:a/b`.
    plausible || before.is_some_and(|c| c.is_ascii_alphanumeric())
}

/// What a name may consist of in Gitter's eyes.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.:[]".contains(c)
}

/// What may stand before the `@` of an e-mail address in Gitter's eyes, marks of emphasis and code included.
pub(crate) fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c)
}

/// What stands in angle brackets with `@` or `:/` in it is an address for Gitter, and loses its brackets, unless there is a space.
///
/// Looks no further back than any such address is long.
pub(crate) fn unbracket(out: &mut String) {
    if let Some(at) = open_bracket(out) {
        out.insert(at, ' ');
    }
}

/// Behind the `<` that may have begun an address.
pub(crate) fn open_bracket(out: &str) -> Option<usize> {
    let mut last = out.bytes().enumerate().rev().take(300);
    let (at, byte) = last.find(|(_, byte)| matches!(byte, b'<' | b' ' | b'>'))?;
    (byte == b'<').then_some(at + 1)
}

/// What has to follow a `<` so that it does not begin a tag or an address, inside which nothing can be escaped. `Vec<String>`
/// looks like a tag and may do so, since it is shown as it is.
fn tag_breaker(behind: &str) -> Option<char> {
    let stretch = behind.find('>').and_then(|end| behind.get(..end));
    let Some(stretch) = stretch else {
        return behind
            .starts_with(|c: char| c.is_alphanumeric() || "_/!".contains(c))
            .then_some(GAP);
    };
    let harmless = |c: char| c.is_ascii_alphanumeric() || " =./:;,%?()+".contains(c);
    (!stretch.chars().all(harmless)).then_some(GAP)
}

fn holds_entity(text: &str) -> bool {
    text.match_indices('&')
        .any(|(at, _)| is_entity(&text[at + 1..]))
}

fn is_entity(behind: &str) -> bool {
    let name = behind.strip_prefix('#').unwrap_or(behind);
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(0);
    end > 0 && name[end..].starts_with(';')
}

/// The first address on the web in a text, without the punctuation that ends its sentence.
pub(crate) fn find_url(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("http")?;
        let rest = &text[start..];
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| rest.starts_with(scheme));
        if let Some(scheme) = scheme {
            let end =
                rest.find(|c: char| c.is_whitespace() || c.is_control() || "<>`\"".contains(c));
            let url = &rest[..end.unwrap_or(rest.len())];
            let url = url.split("](").next().unwrap_or_default();
            let mut url =
                url.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~', ']', GAP]);
            while url.ends_with(')') && url.matches(')').count() > url.matches('(').count() {
                url = url[..url.len() - 1]
                    .trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~', ']']);
            }
            if url.len() > scheme.len() {
                return Some((start, start + url.len()));
            }
        }
        from = start + 4;
    }
}

/// Opens the square brackets of a link, which must neither make a picture of it nor be a part of a name.
pub(crate) fn open_label(out: &mut String) {
    let rest = out.trim_end_matches(is_name_char);
    if out.ends_with('!') || rest.ends_with('@') {
        out.push(GAP);
    }
    out.push('[');
}

/// The same inside the square brackets of a link, among which Gitter counts escaped ones, too; it leaves entities to the reader's
/// browser. Named ones, since a number in one would be an issue's.
pub(crate) fn in_label(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut chars = markdown.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| matches!(next, '[' | ']')) => {}
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            '[' => out.push_str("&lsqb;"),
            ']' => out.push_str("&rsqb;"),
            c => out.push(c),
        }
    }
    out
}

/// What is shown in the place of a picture.
pub(crate) fn picture_label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = spaced(text).replace('\n', " ");
    for (at, c) in text.char_indices() {
        match c {
            '[' => out.push_str("&lsqb;"),
            ']' => out.push_str("&rsqb;"),
            '&' if is_entity(&text[at + 1..]) => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

/// An address as the target of a Markdown link.
pub(crate) fn target(href: &str) -> String {
    let mut out = String::with_capacity(href.len());
    for (at, c) in href.char_indices() {
        match c {
            '&' if is_entity(&href[at + 1..]) => out.push_str("&amp;"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '"' => out.push_str("%22"),
            '\'' => out.push_str("%27"),
            '*' => out.push_str("%2A"),
            '`' => out.push_str("%60"),
            '\\' => out.push_str("%5C"),
            '\u{FEFF}' => out.push_str("%EF%BB%BF"),
            c if c.is_whitespace() || c.is_control() => out.push_str("%20"),
            c => out.push(c),
        }
    }
    out.replace("@/", "%40/")
}
