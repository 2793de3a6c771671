//! From a message's HTML, as Gitter renders it, to rich text.
//!
//! What each element is like was recorded from Gitter 21.15 (cases `msg_send_*`). To read one more: an arm in `Reader::element`.

use remote::text::html::{self, Foreign};
use remote::text::{Element, Mention, Mentioned, Node, Tag, allowed_link};
use remote::{MessageId, PersonId, RichText};

use crate::emoji;

/// Where issues of a room's repository can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// `https://github.com`
    GitHub,
    /// `https://gitlab.com`
    GitLab,
}

/// The repository a room belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forge<'a> {
    /// Where it lives.
    pub kind: ForgeKind,
    /// `owner/repository`.
    pub repository: &'a str,
}

/// An entry of a message's `mentions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownMention<'a> {
    /// The name as written, without `@`.
    pub screen_name: &'a str,
    /// Who it is; `None` if nobody has exactly that name.
    pub user_id: Option<&'a str>,
    /// It rings everybody in the room.
    pub announcement: bool,
}

/// A message as Gitter gives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming<'a> {
    /// Rendered by Gitter; empty where there is none.
    pub html: &'a str,
    /// The Markdown; used where there is no `html`.
    pub text: &'a str,
    /// Who is mentioned.
    pub mentions: &'a [KnownMention<'a>],
    /// Whether it is a `/me` message, whose text begins with the sender's name.
    pub status: bool,
    /// The sender's username.
    pub sender: Option<&'a str>,
    /// Gitter's web address without a slash at the end; links to messages are recognised by it.
    pub site: &'a str,
    /// The repository of the room, for issues that name none.
    pub forge: Option<Forge<'a>>,
}

/// Reads a message.
///
/// Mentions become typed ones, formulas their TeX, pictures links (Matrix clients show no pictures from the web), emoji
/// shortcodes emoji; the colours of code are dropped. From a `/me` message one leading mention of the sender is taken away.
pub fn to_rich(message: &Incoming<'_>) -> RichText {
    let mut rich = if message.html.is_empty() {
        RichText::plain(message.text.trim())
    } else {
        html::parse(message.html, &|it| message.element(it))
    };
    if message.status {
        let whole = rich.clone();
        message.strip_sender(&mut rich.nodes);
        // Whoever does nothing is there at least.
        if remote::text::text_of(&rich.nodes).trim().is_empty() {
            rich = whole;
        }
    }
    finish(&mut rich.nodes);
    rich
}

impl Incoming<'_> {
    fn element(&self, it: &Foreign<'_>) -> Option<Vec<Node>> {
        match it.name() {
            "span" if it.has_class("mention") => Some(vec![self.mention(it)]),
            "span" if it.has_class("groupmention") => Some(vec![self.group_mention(it)]),
            "span" if it.has_class("katex-display") => formula(it, true),
            "span" if it.has_class("katex") => formula(it, false),
            "a" => self.link(it),
            "img" => Some(picture(it)),
            "pre" => code_block(it),
            _ => None,
        }
    }

    fn mention(&self, it: &Foreign<'_>) -> Node {
        let text = it.text();
        let name = it
            .attribute("data-screen-name")
            .unwrap_or_else(|| text.trim_start_matches('@'));
        let known = self
            .mentions
            .iter()
            .find(|known| known.screen_name == name && !known.announcement);
        let who = match known.and_then(|known| known.user_id) {
            Some(id) => Mentioned::Person {
                id: PersonId::from(id),
                username: Some(name.to_owned()),
            },
            None => Mentioned::Name(name.to_owned()),
        };
        Node::Mention(Mention {
            who,
            label: format!("@{name}"),
        })
    }

    fn group_mention(&self, it: &Foreign<'_>) -> Node {
        let label = it.text();
        let name = label.trim_start_matches(['@', '/']);
        let rung = |known: &KnownMention<'_>| known.announcement && known.screen_name == name;
        if self.mentions.iter().any(rung) {
            Node::Mention(Mention {
                who: Mentioned::Everyone,
                label,
            })
        } else {
            Node::Text(label)
        }
    }

    fn link(&self, it: &Foreign<'_>) -> Option<Vec<Node>> {
        let address = it.attribute("href").and_then(allowed_link);
        if let Some(message) = address.as_deref().and_then(|href| self.message_of(href)) {
            let href = address.unwrap_or_default();
            return Some(vec![Node::MessageLink {
                message,
                href,
                children: unlinked(it.children()),
            }]);
        }
        if let Some(href) = address {
            let mut children = unlinked(it.children());
            if children.is_empty() {
                children.push(Node::Text(href.clone()));
            }
            return Some(vec![Tag::Link { href, title: None }.with(children)]);
        }
        let href = self.issue(it)?;
        Some(vec![Tag::Link { href, title: None }.with(it.children())])
    }

    /// The message that a permalink (`…/org/room?at=<id>`) leads to.
    fn message_of(&self, href: &str) -> Option<MessageId> {
        if self.site.is_empty() {
            return None;
        }
        let (_, query) = href
            .strip_prefix(self.site)?
            .strip_prefix('/')?
            .split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        let id = query.split('&').find_map(|pair| pair.strip_prefix("at="))?;
        let sound = id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit());
        sound.then(|| MessageId::from(id))
    }

    /// The address of an issue or commit that Gitter has recognised without making a link of it.
    fn issue(&self, it: &Foreign<'_>) -> Option<String> {
        let named = it
            .attribute("data-issue-repo")
            .or_else(|| it.attribute("data-commit-repo"))
            .filter(|name| !name.is_empty());
        let repository = named.or(self.forge.map(|forge| forge.repository))?;
        let kind = match it.attribute("data-provider") {
            Some("github") => ForgeKind::GitHub,
            Some("gitlab") => ForgeKind::GitLab,
            // A repository that is named in a room which has none: nearly all of them are on GitHub.
            _ => self.forge.map_or(ForgeKind::GitHub, |forge| forge.kind),
        };
        let (base, between) = match kind {
            ForgeKind::GitHub => ("https://github.com", ""),
            ForgeKind::GitLab => ("https://gitlab.com", "/-"),
        };
        if let Some(issue) = it.attribute("data-issue") {
            return allowed_link(&format!("{base}/{repository}{between}/issues/{issue}"));
        }
        let commit = it.attribute("data-commit-sha")?;
        allowed_link(&format!("{base}/{repository}{between}/commit/{commit}"))
    }

    /// Takes one leading mention of the sender away, with the space behind it.
    fn strip_sender(&self, nodes: &mut Vec<Node>) {
        let Some(sender) = self.sender else { return };
        let is_sender = |label: &str| {
            label
                .strip_prefix('@')
                .is_some_and(|name| name.eq_ignore_ascii_case(sender))
        };
        match nodes.first_mut() {
            Some(Node::Element(Element {
                tag: Tag::Paragraph,
                children,
            })) => self.strip_sender(children),
            Some(Node::Mention(mention)) if is_sender(&mention.label) => {
                nodes.remove(0);
                if let Some(Node::Text(text)) = nodes.first_mut() {
                    *text = text.trim_start().to_owned();
                }
            }
            Some(Node::Text(text)) => {
                let word = text.split(' ').next().unwrap_or_default();
                if is_sender(word) {
                    *text = text
                        .get(word.len()..)
                        .unwrap_or_default()
                        .trim_start()
                        .to_owned();
                }
            }
            _ => {}
        }
    }
}

/// A formula, drawn by KaTeX; the source stands in an annotation.
fn formula(it: &Foreign<'_>, display: bool) -> Option<Vec<Node>> {
    let tex = it.find("annotation")?.text().trim().to_owned();
    (!tex.is_empty()).then(|| vec![Tag::Math { tex, display }.with(Vec::new())])
}

fn picture(it: &Foreign<'_>) -> Vec<Node> {
    let alt = it.attribute("alt").unwrap_or_default();
    match it.attribute("src").and_then(allowed_link) {
        Some(href) => {
            let shown = if alt.is_empty() {
                href.clone()
            } else {
                alt.to_owned()
            };
            vec![Tag::Link { href, title: None }.with(vec![Node::Text(shown)])]
        }
        None => vec![Node::Text(alt.to_owned())],
    }
}

/// A block of code. Gitter names the language in a bare class, and only where the writer has.
fn code_block(it: &Foreign<'_>) -> Option<Vec<Node>> {
    let code = it.find("code")?;
    let sound = |class: &&str| {
        class
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+#.-".contains(c))
    };
    let language = code
        .attribute("class")
        .and_then(|classes| classes.split_ascii_whitespace().find(sound));
    let text = it.text().trim_end_matches('\n').to_owned();
    if text.is_empty() {
        return Some(Vec::new());
    }
    Some(vec![
        Tag::CodeBlock {
            language: language.map(str::to_owned),
        }
        .with(vec![Node::Text(text)]),
    ])
}

/// The same without links, since a link cannot hold another one.
fn unlinked(nodes: Vec<Node>) -> Vec<Node> {
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Element(Element {
                tag: Tag::Link { .. },
                children,
            })
            | Node::MessageLink { children, .. } => {
                out.extend(unlinked(children));
            }
            Node::Element(Element { tag, children }) => out.push(tag.with(unlinked(children))),
            node => out.push(node),
        }
    }
    out
}

/// Whatever Gitter leaves to the reader's client: shortcodes of emoji, boxes to tick, formulas that stand alone.
fn finish(nodes: &mut [Node]) {
    for node in nodes {
        match node {
            Node::Text(text) => *text = emoji::replace(text),
            Node::Mention(_)
            | Node::Element(Element {
                tag: Tag::Code | Tag::CodeBlock { .. } | Tag::Math { .. },
                ..
            }) => {}
            Node::Element(element) => {
                if let Tag::Item { ticked } = &mut element.tag
                    && ticked.is_none()
                {
                    *ticked = take_box(&mut element.children);
                }
                finish(&mut element.children);
                if element.tag == Tag::Paragraph {
                    stand_alone(element);
                }
            }
            Node::MessageLink { children, .. } => finish(children),
        }
    }
}

/// A formula that is all a paragraph holds stands in a line of its own.
fn stand_alone(paragraph: &mut Element) {
    if let [
        Node::Element(Element {
            tag: Tag::Math { tex, .. },
            children,
        }),
    ] = paragraph.children.as_mut_slice()
    {
        let tag = Tag::Math {
            tex: std::mem::take(tex),
            display: true,
        };
        *paragraph = Element {
            tag,
            children: std::mem::take(children),
        };
    }
}

/// Takes `[x]` or `[ ]` away from the start of an item, where Gitter leaves them as text.
fn take_box(children: &mut Vec<Node>) -> Option<bool> {
    match children.first_mut()? {
        Node::Text(text) => {
            let (mark, rest) = text.split_at_checked(3)?;
            let ticked = match mark {
                "[x]" | "[X]" => true,
                "[ ]" => false,
                _ => return None,
            };
            let rest = rest.strip_prefix(' ')?.trim_start().to_owned();
            *text = rest;
            if text.is_empty() {
                children.remove(0);
            }
            Some(ticked)
        }
        Node::Element(Element {
            tag: Tag::Paragraph,
            children,
        }) => take_box(children),
        _ => None,
    }
}
