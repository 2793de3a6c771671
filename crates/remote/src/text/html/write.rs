//! From rich text to the HTML that Matrix allows.

use std::fmt::Write as _;

use crate::text::{Element, Mention, Named, Naming, Node, Tag, text_of};
use crate::{MessageId, RichText};

/// Writes rich text as HTML with nothing but tags and attributes that Matrix allows
/// (Matrix spec, `m.room.message` msgtypes).
pub fn render(text: &RichText, naming: &dyn Naming) -> String {
    let mut out = String::new();
    nodes(&text.nodes, naming, &mut out);
    out
}

/// The same names without their links, since a link cannot hold another one.
struct Unlinked<'a>(&'a dyn Naming);

impl Naming for Unlinked<'_> {
    fn mention(&self, mention: &Mention) -> Named {
        Named {
            href: None,
            ..self.0.mention(mention)
        }
    }

    fn message(&self, message: &MessageId) -> Option<String> {
        self.0.message(message)
    }
}

fn nodes(list: &[Node], naming: &dyn Naming, out: &mut String) {
    for node in list {
        match node {
            Node::Text(text) => running(text, out),
            Node::Element(it) => element(it, naming, out),
            Node::Mention(mention) => {
                let named = naming.mention(mention);
                match named.href {
                    Some(href) => {
                        open("a", &[("href", &href)], out);
                        escape(&named.label, out);
                        out.push_str("</a>");
                    }
                    None => running(&named.label, out),
                }
            }
            Node::MessageLink {
                message,
                href,
                children,
            } => {
                let known = naming.message(message);
                open("a", &[("href", known.as_ref().unwrap_or(href))], out);
                nodes(children, &Unlinked(naming), out);
                out.push_str("</a>");
            }
        }
    }
}

fn element(it: &Element, naming: &dyn Naming, out: &mut String) {
    let number;
    let class;
    let mut attributes: Vec<(&str, &str)> = Vec::new();
    let name = match &it.tag {
        Tag::Strong => "strong",
        Tag::Emphasis => "em",
        Tag::Underline => "u",
        Tag::Strike => "del",
        Tag::Superscript => "sup",
        Tag::Subscript => "sub",
        Tag::Code => {
            out.push_str("<code>");
            escape(&text_of(&it.children), out);
            return out.push_str("</code>");
        }
        Tag::CodeBlock { language } => {
            out.push_str("<pre>");
            class = language
                .as_ref()
                .map(|language| format!("language-{language}"));
            attributes.extend(class.as_ref().map(|class| ("class", class.as_str())));
            open("code", &attributes, out);
            escape(&text_of(&it.children), out);
            return out.push_str("</code></pre>");
        }
        Tag::Quote => "blockquote",
        Tag::Paragraph => "p",
        Tag::Break => return out.push_str("<br>"),
        Tag::Rule => return out.push_str("<hr>"),
        Tag::Heading(level) => ["h1", "h2", "h3", "h4", "h5"]
            .get(usize::from(level.saturating_sub(1)))
            .copied()
            .unwrap_or("h6"),
        Tag::List { start: None } => "ul",
        Tag::List { start: Some(start) } => {
            number = start.to_string();
            if *start != 1 {
                attributes.push(("start", &number));
            }
            "ol"
        }
        Tag::Item { .. } => "li",
        // Matrix knows no `title` there.
        Tag::Link { href, .. } => {
            attributes.push(("href", href));
            "a"
        }
        Tag::Image { src, alt } => return open("img", &[("src", src), ("alt", alt)], out),
        Tag::Table => "table",
        Tag::TableHead => "thead",
        Tag::TableBody => "tbody",
        Tag::Row => "tr",
        Tag::HeaderCell => "th",
        Tag::Cell => "td",
        Tag::Details => "details",
        Tag::Summary => "summary",
        Tag::Spoiler { reason } => {
            attributes.push(("data-mx-spoiler", reason.as_deref().unwrap_or_default()));
            "span"
        }
        Tag::Math { tex, display } => {
            attributes.push(("data-mx-maths", tex));
            if *display { "div" } else { "span" }
        }
    };
    open(name, &attributes, out);
    match it.tag {
        Tag::Item { ticked: Some(true) } => out.push_str("☑ "),
        Tag::Item {
            ticked: Some(false),
        } => out.push_str("☐ "),
        _ => {}
    }
    if let (Tag::Math { tex, .. }, true) = (&it.tag, it.children.is_empty()) {
        out.push_str("<code>");
        escape(tex, out);
        out.push_str("</code>");
    }
    match it.tag {
        Tag::Link { .. } => nodes(&it.children, &Unlinked(naming), out),
        _ => nodes(&it.children, naming, out),
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "</{name}>");
}

fn open(name: &str, attributes: &[(&str, &str)], out: &mut String) {
    out.push('<');
    out.push_str(name);
    for (attribute, value) in attributes {
        let _ = write!(out, " {attribute}=\"");
        escape(value, out);
        out.push('"');
    }
    out.push('>');
}

/// Running text: a line break which found its way into it is shown as one.
fn running(text: &str, out: &mut String) {
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str("<br>");
        }
        escape(line, out);
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // HTML cannot say this one in any way.
            '\0' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
}
