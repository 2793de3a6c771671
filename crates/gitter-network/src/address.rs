//! How people name a room.

use url::Url;

/// The address meant by what was typed: `org/room`, `org/repo/channel`, `org` or `@username`; with or without a slash or the web
/// site's address in front, in any case. Gitter does not care for case either, so it is kept.
pub(crate) fn parse(typed: &str, web_url: &Url) -> Option<String> {
    let typed = typed.trim();
    let path = below(typed, web_url.as_str().trim_end_matches('/'))
        .or_else(|| below(typed, "https://gitter.im"))
        .or_else(|| below(typed, "http://gitter.im"))
        .or_else(|| below(typed, "gitter.im"))
        .unwrap_or(typed);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path).trim_end_matches('/');
    if let Some(name) = path.strip_prefix('@') {
        return is_part(name).then(|| format!("@{name}"));
    }
    let parts = path.split('/').count();
    (parts <= 3 && path.split('/').all(is_part)).then(|| path.to_owned())
}

/// What stands behind the site's address, if it is in front. Its own slash stays.
fn below<'a>(typed: &'a str, site: &str) -> Option<&'a str> {
    let (front, rest) = typed.split_at_checked(site.len())?;
    (front.eq_ignore_ascii_case(site) && rest.starts_with('/')).then_some(rest)
}

/// A part of a uri, or a username: letters, digits, `_`, `-`, `.`; `~` is in the names of deleted accounts.
fn is_part(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && part
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn rooms_and_people_are_understood() {
        let site = "https://chat.example.org/".parse().unwrap();
        for (typed, address) in [
            ("org/room", Some("org/room")),
            ("/Org/Room/", Some("Org/Room")),
            (" https://gitter.im/org/room?at=12#x ", Some("org/room")),
            (
                "HTTPS://Chat.Example.Org/org/repo/channel",
                Some("org/repo/channel"),
            ),
            ("gitter.im/org", Some("org")),
            ("@alice_gitlab", Some("@alice_gitlab")),
            ("https://gitter.im/@alice", Some("@alice")),
            ("grün/größe", Some("grün/größe")),
            ("@ghost~12", Some("@ghost~12")),
            ("@", None),
            ("@a/b", None),
            ("a//b", None),
            ("a/../b", None),
            ("a/b/c/d", None),
            ("two words", None),
            ("https://other.example/a", None),
            ("#room:example.org", None),
            ("", None),
        ] {
            assert_eq!(parse(typed, &site).as_deref(), address, "{typed}");
        }
    }
}
