//! What stands in a line: emphasis, code, links, names, references.

use super::block::Definitions;
use super::{Issue, Name, Rendered, escape, links, scan};

/// Renders lines, and gathers what it finds.
pub(super) struct Inline {
    definitions: Definitions,
    /// Everything but the HTML.
    pub(super) found: Rendered,
    in_link: bool,
    depth: usize,
}

/// Emphasis and links within each other beyond this depth are plain text.
const DEEPEST: usize = 32;

/// What can be escaped by a backslash.
const ESCAPABLE: &str = "\\`*{}[]()#+-.!_>~|";

impl Inline {
    pub(super) fn new(definitions: Definitions) -> Self {
        Self {
            definitions,
            found: Rendered::default(),
            in_link: false,
            depth: 0,
        }
    }

    pub(super) fn render(&mut self, text: &str) -> String {
        if self.depth > DEEPEST {
            return escape_text(text);
        }
        self.depth += 1;
        let mut out = String::new();
        let mut rest = text;
        // The text before had more opening than closing parentheses: a closing one is not part of an address.
        let mut in_brackets = false;
        while !rest.is_empty() {
            let used = if let Some((html, used)) = self.construct(rest, in_brackets) {
                out.push_str(&html);
                in_brackets = false;
                used
            } else {
                let used = plain(rest);
                let chunk = rest.get(..used).unwrap_or_default();
                let text = escape_text(chunk);
                let count = |letter| text.matches(letter).count();
                in_brackets = count('(') > count(')');
                if self.in_link {
                    out.push_str(&text);
                } else {
                    out.push_str(&self.bare_links(&text));
                }
                used
            };
            rest = rest.get(used.max(1)..).unwrap_or_default();
        }
        self.depth -= 1;
        out
    }

    /// What begins here, if anything does: its HTML, and how many bytes it takes.
    fn construct(&mut self, text: &str, in_brackets: bool) -> Option<(String, usize)> {
        escaped(text)
            .or_else(|| self.emphasis(text))
            .or_else(|| code_or_formula(text))
            .or_else(|| self.name(text))
            .or_else(|| self.commit_or_email(text))
            .or_else(|| self.angle_link(text))
            .or_else(|| self.issue(text))
            .or_else(|| self.address(text, in_brackets))
            .or_else(|| {
                scan::tag(text)
                    .map(|used| (escape_text(text.get(..used).unwrap_or_default()), used))
            })
            .or_else(|| self.markdown_link(text))
            .or_else(|| line_break(text))
            .or_else(|| self.struck(text))
    }

    fn emphasis(&mut self, text: &str) -> Option<(String, usize)> {
        let strong = scan::between(text, "__").or_else(|| scan::between(text, "**"));
        if let Some((inner, used)) = strong {
            return Some((format!("<strong>{}</strong>", self.render(inner)), used));
        }
        let (inner, used) = scan::underscored(text).or_else(|| scan::starred(text))?;
        Some((format!("<em>{}</em>", self.render(inner)), used))
    }

    fn struck(&mut self, text: &str) -> Option<(String, usize)> {
        let inner = text
            .strip_prefix("~~")
            .filter(|inner| !inner.starts_with(char::is_whitespace))?;
        let end = inner.match_indices("~~").map(|(at, _)| at).find(|at| {
            inner
                .get(..*at)
                .is_some_and(|inner| !inner.is_empty() && !inner.ends_with(char::is_whitespace))
        })?;
        Some((
            format!("<del>{}</del>", self.render(inner.get(..end)?)),
            end + 4,
        ))
    }

    /// `@name`, `@/group`.
    fn name(&mut self, text: &str) -> Option<(String, usize)> {
        let after = text.strip_prefix('@')?;
        if let Some(group) = after.strip_prefix('/') {
            let length = scan::run(group, |letter| scan::is_word(letter) || letter == '-');
            let name = group.get(..length).filter(|name| !name.is_empty())?;
            self.found.mentions.push(Name {
                name: name.to_owned(),
                group: true,
            });
            let html = format!(
                "<span data-link-type=\"groupmention\" data-group-name=\"{name}\" class=\"groupmention\">@/{name}</span>"
            );
            return Some((html, length + 2));
        }
        let fits =
            |letter: char| scan::is_word(letter) || matches!(letter, '-' | '.' | ':' | '[' | ']');
        let ends = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '[' | ']');
        let name = after.get(..scan::run(after, fits))?;
        let name = name.trim_end_matches(|letter| !ends(letter));
        if name.is_empty() {
            return None;
        }
        self.found.mentions.push(Name {
            name: name.to_owned(),
            group: false,
        });
        let html = format!(
            "<span data-link-type=\"mention\" data-screen-name=\"{name}\" class=\"mention\">@{name}</span>"
        );
        Some((html, name.len() + 1))
    }

    /// `owner/repo@abcdef1`, `me@example.org`.
    fn commit_or_email(&mut self, text: &str) -> Option<(String, usize)> {
        if let Some(repo) = scan::repo(text) {
            let sha = text.get(repo..)?.strip_prefix('@').unwrap_or_default();
            let length = scan::run(sha, |letter| matches!(letter, 'a'..='f' | '0'..='9')).min(40);
            if length >= 7 {
                return Some((
                    links::commit(text.get(..repo)?, sha.get(..length)?, None),
                    repo + 1 + length,
                ));
            }
        }
        let local = scan::run(text, |letter| scan::is_local(letter) || letter == '#');
        let domain = text.get(local..)?.strip_prefix('@').filter(|_| local > 0)?;
        let length = links::domain_length(domain)?;
        let address = escape_text(text.get(..local + 1 + length)?);
        self.found.urls.push(format!("mailto:{address}"));
        Some((
            format!("<a href=\"mailto:{address}\" rel=\"nofollow\">{address}</a>"),
            local + 1 + length,
        ))
    }

    /// `<https://…>`.
    fn angle_link(&mut self, text: &str) -> Option<(String, usize)> {
        let end = text.strip_prefix('<')?.find([' ', '>'])? + 1;
        let inner = text
            .get(1..end)
            .filter(|_| text.get(end..).is_some_and(|rest| rest.starts_with('>')))?;
        if inner.contains(":/") {
            let href = escape_text(inner);
            return Some((self.link(&href, &href), end + 1));
        }
        let (local, domain) = inner.split_once('@')?;
        if local.is_empty() || domain.is_empty() {
            return None;
        }
        let address = escape_text(inner.strip_prefix("mailto:").unwrap_or(inner));
        Some((self.link(&format!("mailto:{address}"), &address), end + 1))
    }

    /// `#12`, `owner/repo#12`.
    fn issue(&mut self, text: &str) -> Option<(String, usize)> {
        let repo = scan::repo(text)
            .filter(|repo| text.get(*repo..).is_some_and(|rest| rest.starts_with('#')));
        let start = repo.unwrap_or(0);
        let digits = text.get(start..)?.strip_prefix('#')?;
        let length = scan::run(digits, |letter| letter.is_ascii_digit());
        let number = digits.get(..length).filter(|number| !number.is_empty())?;
        let repo = repo.and_then(|repo| text.get(..repo));
        let used = start + 1 + length;
        self.found.issues.push(Issue {
            number: number.to_owned(),
            repo: repo.map(str::to_owned),
        });
        Some((
            links::issue("issue", number, repo, None, text.get(..used)?),
            used,
        ))
    }

    /// A bare `https://…`.
    fn address(&mut self, text: &str, in_brackets: bool) -> Option<(String, usize)> {
        if self.in_link {
            return None;
        }
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| text.starts_with(scheme))?
            .len();
        let run = scan::run(text, |letter| {
            !letter.is_whitespace() && !matches!(letter, '<' | '\u{FEFF}')
        });
        let never_last =
            |letter: char| ".,:;\"']".contains(letter) || (in_brackets && letter == ')');
        let address = text.get(..run)?.trim_end_matches(never_last);
        if address.len() < scheme + 2 {
            return None;
        }
        let href = escape_text(address);
        Some((self.link(&href, &href), address.len()))
    }

    /// `[text](address)`, `![text](address)`, `[text][name]`, `[name]`.
    fn markdown_link(&mut self, text: &str) -> Option<(String, usize)> {
        let image = text.starts_with('!');
        let open = if image { text.get(1..)? } else { text };
        if let Some((label, href, title, used)) = scan::link(open) {
            let used = used + usize::from(image);
            return Some((self.labelled(image, label, href, title), used));
        }
        let (label, after) = scan::bracketed(open)?;
        let before = text.len() - after.len();
        let named = after.trim_start();
        let (name, used) = match scan::bracketed(named) {
            Some(("", rest)) => (label, text.len() - rest.len()),
            Some((name, rest)) => (name, text.len() - rest.len()),
            None => (label, before),
        };
        let name = name
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        let href = self
            .definitions
            .get(&name)
            .or_else(|| self.definitions.get(&label.to_lowercase()))?
            .clone();
        Some((self.labelled(image, label, &href, None), used))
    }

    fn labelled(&mut self, image: bool, label: &str, href: &str, title: Option<&str>) -> String {
        let href = escape_text(href);
        if image {
            let (href, _) = links::legal(&href);
            let title = title
                .map(|title| format!(" title=\"{}\"", escape_text(title)))
                .unwrap_or_default();
            self.found.urls.push(href.clone());
            return format!(
                "<img src=\"{href}\" alt=\"{}\"{title} rel=\"nofollow\">",
                escape_text(label)
            );
        }
        let outer = std::mem::replace(&mut self.in_link, true);
        let label = self.render(label);
        self.in_link = outer;
        self.link(&href, &label)
    }

    /// A link, or the short name of what it leads to. Both arguments are HTML.
    fn link(&mut self, href: &str, label: &str) -> String {
        let (href, altered) = links::legal(href);
        if let Some(reference) = links::reference(&href) {
            let from = Some((href.as_str(), reference.provider));
            if reference.kind == "commit" {
                return links::commit(&reference.repo, &reference.id, from);
            }
            self.found.issues.push(Issue {
                number: reference.id.clone(),
                repo: Some(reference.repo.clone()),
            });
            return links::issue(
                reference.kind,
                &reference.id,
                Some(&reference.repo),
                from,
                &reference.text,
            );
        }
        self.found.urls.push(href.clone());
        let class = if altered {
            "link link-tooltip"
        } else {
            "link "
        };
        format!(
            "<a href=\"{href}\" rel=\"nofollow noopener noreferrer\" target=\"_blank\" class=\"{class}\">{label}</a>"
        )
    }

    /// Links what looks like an address without saying so: `www.example.org`, `example.org/path`. It has to end where a
    /// word ends.
    fn bare_links(&mut self, text: &str) -> String {
        let mut out = String::new();
        for (at, word) in text.split(' ').enumerate() {
            if at > 0 {
                out.push(' ');
            }
            let (word, quote) = match word.strip_suffix("&quot;") {
                Some(word) => (word, "&quot;"),
                None => (word, ""),
            };
            let start = word
                .find(|letter: char| letter.is_ascii_alphanumeric())
                .unwrap_or(0);
            let (before, candidate) = word.split_at(start);
            if links::is_bare_address(candidate) {
                let href = format!("http://{candidate}");
                out.push_str(before);
                out.push_str(&self.link(&href, candidate));
            } else {
                out.push_str(word);
            }
            out.push_str(quote);
        }
        out
    }
}

fn escaped(text: &str) -> Option<(String, usize)> {
    let letter = text
        .strip_prefix('\\')?
        .chars()
        .next()
        .filter(|letter| ESCAPABLE.contains(*letter))?;
    Some((
        if letter == '>' {
            "&gt;".to_owned()
        } else {
            letter.to_string()
        },
        2,
    ))
}

fn code_or_formula(text: &str) -> Option<(String, usize)> {
    if let Some((code, used)) = scan::code_span(text) {
        return Some((format!("<code>{}</code>", escape(code)), used));
    }
    let inner = text.strip_prefix("$$")?;
    let end = inner.find("$$")?;
    let formula = escape(inner.get(..end)?);
    let html = format!(
        "<span class=\"katex\"><span class=\"katex-mathml\"><math><semantics><mrow><mtext>{formula}</mtext></mrow><annotation encoding=\"application/x-tex\">{formula}</annotation></semantics></math></span><span class=\"katex-html\" aria-hidden=\"true\">{formula}</span></span>"
    );
    Some((html, end + 4))
}

fn line_break(text: &str) -> Option<(String, usize)> {
    let spaces = scan::run(text, |letter| letter == ' ');
    let after = text.get(spaces..)?.strip_prefix('\n')?;
    (!after.trim().is_empty()).then_some(("<br>".to_owned(), spaces + 1))
}

/// How many bytes of plain text there are: at least one character, and then up to where something else may begin.
fn plain(text: &str) -> usize {
    let mut ends = text.char_indices().map(|(at, _)| at).skip(1);
    ends.find(|at| text.get(*at..).is_some_and(may_begin))
        .unwrap_or(text.len())
}

fn may_begin(text: &str) -> bool {
    if text.starts_with(['\\', '<', '!', '[', '_', '*', '`', '~', '#', '@', '\n'])
        || ["$$", "http://", "https://"]
            .iter()
            .any(|start| text.starts_with(start))
    {
        return true;
    }
    let follows = |length: usize, what: char| {
        text.get(length..)
            .is_some_and(|rest| rest.starts_with(what))
    };
    let spaces = scan::run(text, |letter| letter == ' ');
    if spaces > 0 {
        return follows(spaces, '\n');
    }
    follows(scan::run(text, scan::is_local), '@')
        || scan::repo(text).is_some_and(|length| follows(length, '#'))
}

/// Makes text safe inside HTML; what is written as an entity already stays one.
fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, piece) in text.split('&').enumerate() {
        if at > 0 {
            out.push_str(if is_entity(piece) { "&" } else { "&amp;" });
        }
        out.push_str(&escape(piece));
    }
    out
}

fn is_entity(after: &str) -> bool {
    let after = after.strip_prefix('#').unwrap_or(after);
    let length = scan::run(after, scan::is_word);
    length > 0
        && after
            .get(length..)
            .is_some_and(|rest| rest.starts_with(';'))
}
