//! From rich text to Gitter's Markdown.
//!
//! What Gitter cannot show loses its formatting, never its characters. A plain body, typed by hand, goes through `typed` first.
//! To write one more kind of formatting: its arm in `block` or in `inline`.

mod block;
mod inline;

use remote::{Composed, RichText, Said};

use crate::escape::{Escaper, GAP, underscores_matter};
use crate::typed;

/// How long a message may be, in UTF-16 code units (Gitter 21.15, recorded cases `msg_send_exact_4096`, `msg_send_4097`).
pub const MAX_UNITS: usize = 4096;

/// Writes what a person has written as Gitter's Markdown. Never empty.
pub fn to_markdown(composed: &Composed) -> String {
    let markdown = match composed {
        Composed::Plain(text) => typed::to_markdown(&[Said::Text(text.clone())]),
        Composed::Addressed(pieces) => typed::to_markdown(pieces),
        Composed::Rich(text) => rich(text),
        Composed::Captioned { shown, said } => {
            format!("{}\n\n{}", rich(shown), typed::to_markdown(said))
        }
    };
    // Characters that nobody sees, and which servers and databases are at odds about.
    let unseen = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    let markdown: String = markdown.chars().filter(|c| !unseen(c)).collect();
    let markdown = markdown.trim_end().trim_matches('\n');
    if markdown.trim().is_empty() {
        GAP.to_string()
    } else {
        markdown.to_owned()
    }
}

/// How a person is mentioned, or `None` if Gitter's Markdown cannot say that name.
pub fn mention(username: &str) -> Option<String> {
    let ends_well = username.ends_with(|c: char| c.is_ascii_alphanumeric());
    let sound = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (ends_well && username.chars().all(sound)).then(|| format!("@{username}"))
}

fn rich(text: &RichText) -> String {
    let mut all = String::new();
    inline::pieces(&text.nodes, &mut all);
    let escaper = Escaper {
        underscores: underscores_matter(&all),
        linked: false,
    };
    block::write(&text.nodes, escaper)
}

pub(crate) use inline::write as write_inline;
