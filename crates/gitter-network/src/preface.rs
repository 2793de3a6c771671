//! What a message goes back to, said in it in Gitter's Markdown.
//!
//! One more kind of preface is one more arm in [`with`].

use gitter_markup::to_markdown;
use remote::text::{Node, RichText, Tag};
use remote::{Composed, MessageKind, Preface};

/// A message's Markdown with its preface.
pub(crate) fn with(preface: &Preface, kind: MessageKind, text: &str) -> String {
    match preface {
        Preface::Changes { link } => {
            // As people on Gitter point at a message above.
            let word = Node::Text("Edit".to_owned());
            let word = match link {
                Some(link) => Tag::Link {
                    href: link.clone(),
                    title: None,
                }
                .with(vec![word]),
                None => word,
            };
            let gap = if begins_a_block(text) { "\n\n" } else { " " };
            format!(":point_up: {}:{gap}{text}", markdown(vec![word]))
        }
        Preface::Answers { who, quote } => {
            let said = vec![
                Tag::Strong.with(vec![Node::Text(who.clone())]),
                Node::Text(format!(": {quote}")),
            ];
            let said = markdown(vec![Tag::Quote.with(vec![Tag::Paragraph.with(said)])]);
            // Behind the name of somebody who does something, no quotation begins.
            match kind {
                MessageKind::Emote => format!("{text}\n\n{said}"),
                MessageKind::Text | MessageKind::Notice => format!("{said}\n\n{text}"),
            }
        }
    }
}

fn markdown(nodes: Vec<Node>) -> String {
    let text = to_markdown(&Composed::Rich(RichText { nodes }));
    text.trim_end().to_owned()
}

/// Whether a text begins with what has to stand on a line of its own: code, a quotation, a headline, a list, a table.
fn begins_a_block(text: &str) -> bool {
    let marks = ["```", "~~~", ">", "#", "- ", "* ", "+ ", "|", "    ", "\t"];
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < text.len() && digits.starts_with(". ");
    numbered || marks.iter().any(|mark| text.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_points_at_what_it_changes() {
        let link = Some("https://gitter.im/org/room?at=0123".to_owned());
        let changes = |text: &str| {
            let preface = Preface::Changes { link: link.clone() };
            with(&preface, MessageKind::Text, text)
        };
        let head = ":point_up: [Edit](https://gitter.im/org/room?at=0123):";
        assert_eq!(changes("new"), format!("{head} new"));
        for block in ["```\ncode\n```", "- one\n- two", "12. twelve", "> said"] {
            assert_eq!(changes(block), format!("{head}\n\n{block}"));
        }
        let nowhere = Preface::Changes { link: None };
        let text = with(&nowhere, MessageKind::Text, "new");
        assert_eq!(text, ":point_up: Edit: new");
    }

    #[test]
    fn an_answer_quotes_without_ringing_or_formatting() {
        let preface = Preface::Answers {
            who: "bob".to_owned(),
            quote: "*old* words".to_owned(),
        };
        let said = with(&preface, MessageKind::Text, "mine");
        assert_eq!(said, "> **bob**: \\*old\\* words\n\nmine");
        let done = with(&preface, MessageKind::Emote, "waves");
        assert_eq!(done, "waves\n\n> **bob**: \\*old\\* words");
    }
}
