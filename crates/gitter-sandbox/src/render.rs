//! Message text to HTML, as Gitter renders it.

/// A reference to an issue or a merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) number: String,
    pub(crate) repo: Option<String>,
}

/// The HTML of a message, and what was found in it, in order of appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    pub(crate) urls: Vec<String>,
    /// Names behind `@`.
    pub(crate) mentions: Vec<String>,
    /// Names behind `@/`.
    pub(crate) groups: Vec<String>,
    pub(crate) issues: Vec<Issue>,
}

pub(crate) fn render(text: &str) -> Rendered {
    let html = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br>");
    Rendered {
        html,
        ..Rendered::default()
    }
}

/// Makes text safe inside HTML, quotes included.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
