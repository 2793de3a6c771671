//! What an address becomes: a link, a reference to an issue or commit on a known host, or a joke.

use super::{escape, scan};

/// Where `javascript:` and `data:` addresses lead instead.
const INSTEAD: &str = "https://goo.gl/7NDM3x";

/// The address to link to, and whether it is not the one that was written.
pub(super) fn legal(href: &str) -> (String, bool) {
    let href = href.trim();
    let lower = href.to_lowercase();
    if lower.starts_with("javascript:") || lower.starts_with("data:") {
        return (INSTEAD.to_owned(), true);
    }
    if ["http://", "https://", "//"]
        .iter()
        .any(|start| lower.starts_with(start))
    {
        return (href.to_owned(), false);
    }
    (format!("http://{href}"), false)
}

/// A thing on GitHub or GitLab that has a short name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// `issue`, `pr`, `mr` or `commit`.
    pub(super) kind: &'static str,
    pub(super) provider: &'static str,
    pub(super) repo: String,
    pub(super) id: String,
    pub(super) text: String,
}

/// The thing an address names, if it is one of those.
pub(super) fn reference(href: &str) -> Option<Reference> {
    let rest = href
        .strip_prefix("https://")
        .or_else(|| href.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    if path.contains('#') || path.contains('?') {
        return None;
    }
    let parts: Vec<&str> = path.split('/').collect();
    let (provider, repo, kind, id) = match (host, parts.as_slice()) {
        ("github.com", [owner, name, kind, id]) => {
            ("github", format!("{owner}/{name}"), *kind, *id)
        }
        ("gitlab.com", [group @ .., "-", kind, id] | [group @ .., kind, id])
            if group.len() >= 2 =>
        {
            ("gitlab", group.join("/"), *kind, *id)
        }
        _ => return None,
    };
    let number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let hash = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let (kind, text) = match kind {
        "issues" if number => ("issue", format!("{repo}#{id}")),
        "pull" if number && provider == "github" => ("pr", format!("{repo}#{id}")),
        "merge_requests" if number && provider == "gitlab" => ("mr", format!("{repo}!{id}")),
        "commit" if hash => ("commit", format!("{repo}@{}", id.get(..7).unwrap_or(id))),
        _ => return None,
    };
    Some(Reference {
        kind,
        provider,
        repo,
        id: id.to_owned(),
        text,
    })
}

/// The element for an issue, a pull request or a merge request; without an address if only its name was written.
pub(super) fn issue(
    kind: &str,
    number: &str,
    repo: Option<&str>,
    from: Option<(&str, &str)>,
    text: &str,
) -> String {
    let mut out = format!("<a target=\"_blank\" data-link-type=\"{kind}\" data-issue=\"{number}\"");
    if let Some((href, provider)) = from {
        out.extend([" href=\"", href, "\" data-provider=\"", provider, "\""]);
    }
    if let Some(repo) = repo {
        out.extend([" data-issue-repo=\"", &escape(repo), "\""]);
    }
    out + &format!(" class=\"{kind}\">{text}</a>")
}

/// The element for a commit.
pub(super) fn commit(repo: &str, sha: &str, from: Option<(&str, &str)>) -> String {
    let short = sha.get(..7).unwrap_or(sha);
    let (href, provider) = match from {
        Some((href, provider)) => (
            format!(" href=\"{href}\""),
            format!(" data-provider=\"{provider}\""),
        ),
        None => (String::new(), String::new()),
    };
    format!(
        "<a{href} target=\"_blank\" data-link-type=\"commit\"{provider} data-commit-sha=\"{sha}\" data-commit-repo=\"{repo}\" class=\"commit\">{repo}@{short}</a>"
    )
}

/// Whether a word is an address though it does not say so: `www.example.org`, `example.org/path`.
pub(super) fn is_bare_address(word: &str) -> bool {
    let good_end = word
        .chars()
        .next_back()
        .is_some_and(|last| !"`!()[]{};:'\".,<>?«»“”‘’".contains(last));
    if !good_end || word.contains(['(', ')', '<', '>']) || word.contains("&lt;") {
        return false;
    }
    if let Some(rest) = word.strip_prefix("www") {
        let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        return rest
            .strip_prefix('.')
            .is_some_and(|rest| rest.chars().count() >= 2);
    }
    let Some((host, path)) = word.split_once('/') else {
        return false;
    };
    let Some((name, top)) = host.rsplit_once('.') else {
        return false;
    };
    let part = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '-')
    };
    let short = (2..=4).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_lowercase());
    short && !name.is_empty() && name.chars().all(part) && path.chars().count() >= 2
}

/// How many bytes of a host's name there are at the start.
pub(super) fn domain_length(domain: &str) -> Option<usize> {
    let label = |text: &str| {
        let run = text.get(
            ..scan::run(text, |letter| {
                letter.is_ascii_alphanumeric() || letter == '-'
            }),
        )?;
        let run = run.trim_end_matches('-');
        (!run.is_empty() && !run.starts_with('-')).then_some(run.len())
    };
    let mut length = label(domain)?;
    while let Some(more) = domain
        .get(length..)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(label)
    {
        length += 1 + more;
    }
    Some(length)
}
