//! What a Matrix user wrote, as a message for the network.

use std::collections::HashMap;

use remote::{
    Composed, Outgoing, PersonId,
    text::{Element, Mention, Mentioned, Node, RichText, Tag, html},
};
use ruma::{MatrixToUri, MatrixUri, OwnedUserId, UserId, matrix_uri::MatrixId};
use store::Portal;
use url::Url;

use super::{FileContent, TextContent};
use crate::{Ctx, Error};

/// Turns text into a message for the network. Depends on nothing that changes while it is on its way,
/// except how people are called. `link` leads to the file that came with it.
pub(crate) async fn outgoing(
    world: &Ctx,
    portal: &Portal,
    content: &TextContent,
    link: Option<&Url>,
) -> Result<Outgoing, Error> {
    let mut rich = read(content);
    if let (Some(file), Some(link)) = (&content.file, link) {
        let said = rich.unwrap_or_else(|| RichText::plain(&content.body));
        rich = Some(with_file(file, link, said));
    }
    if let Some(rich) = &mut rich {
        let people = people(world, portal, rich).await?;
        name(&mut rich.nodes, &people);
    }
    let text = match rich {
        Some(rich) => Composed::Rich(rich),
        None => Composed::Plain(content.body.clone()),
    };
    // Threads and replies cross as ordinary messages yet: these are their places.
    Ok(Outgoing {
        kind: content.kind,
        text,
        thread: None,
        reply_to: None,
    })
}

/// The formatted text with Matrix's own mentions in it; `None` for what was typed by hand and mentions
/// nobody in particular.
fn read(content: &TextContent) -> Option<RichText> {
    let mut rich = match &content.html {
        Some(html) => html::parse(html, &|element| {
            let user = user(
                element
                    .attribute("href")
                    .filter(|_| element.name() == "a")?,
            )?;
            Some(vec![Node::Mention(Mention {
                who: Mentioned::MatrixUser(user.to_string()),
                label: element.text(),
            })])
        }),
        None if content.everybody && content.body.contains(EVERYBODY) => {
            RichText::plain(&content.body)
        }
        None => return None,
    };
    if content.everybody {
        rich.nodes = ring_everybody(std::mem::take(&mut rich.nodes));
    }
    Some(rich)
}

/// A file as the network shows its own: a link, of a picture the picture; and below it what was said of it.
fn with_file(file: &FileContent, link: &Url, said: RichText) -> RichText {
    let shown = if file.picture {
        let (src, alt) = (link.to_string(), file.name.clone());
        Tag::Image { src, alt }.with(Vec::new())
    } else {
        Node::Text(file.name.clone())
    };
    let (href, title) = (link.to_string(), None);
    let file = Tag::Link { href, title }.with(vec![shown]);
    if said.nodes.is_empty() {
        return RichText { nodes: vec![file] };
    }
    let mut nodes = vec![Tag::Paragraph.with(vec![file])];
    if said
        .nodes
        .iter()
        .any(|node| matches!(node, Node::Element(it) if it.tag.is_block()))
    {
        nodes.extend(said.nodes);
    } else {
        nodes.push(Tag::Paragraph.with(said.nodes));
    }
    RichText { nodes }
}

/// What clients let people type to ring everybody.
const EVERYBODY: &str = "@room";

/// The user that an address is about, if it is one of Matrix's (Matrix spec, appendices, "URIs").
fn user(href: &str) -> Option<OwnedUserId> {
    let id = match MatrixToUri::parse(href) {
        Ok(uri) => uri.id().clone(),
        Err(_) => MatrixUri::parse(href).ok()?.id().clone(),
    };
    match id {
        MatrixId::User(user) => Some(user),
        _ => None,
    }
}

/// Turns `@room` into a mention of everybody, outside code.
fn ring_everybody(nodes: Vec<Node>) -> Vec<Node> {
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Text(text) => {
                let mut rest = text.as_str();
                while let Some((before, after)) = rest.split_once(EVERYBODY) {
                    if !before.is_empty() {
                        out.push(Node::Text(before.to_owned()));
                    }
                    out.push(Node::Mention(Mention {
                        who: Mentioned::Everyone,
                        label: EVERYBODY.to_owned(),
                    }));
                    rest = after;
                }
                if !rest.is_empty() {
                    out.push(Node::Text(rest.to_owned()));
                }
            }
            Node::Element(Element { tag, children })
                if !matches!(tag, Tag::Code | Tag::CodeBlock { .. }) =>
            {
                out.push(tag.with(ring_everybody(children)));
            }
            other => out.push(other),
        }
    }
    out
}

/// Who the mentioned Matrix users are on the network, as far as they are anybody there.
async fn people(
    world: &Ctx,
    portal: &Portal,
    text: &RichText,
) -> Result<HashMap<String, Mentioned>, Error> {
    let mut people = HashMap::new();
    for mentioned in text.mentions() {
        let Mentioned::MatrixUser(user) = mentioned else {
            continue;
        };
        if let Some(person) = person(world, portal, user).await? {
            people.insert(user.clone(), person);
        }
    }
    Ok(people)
}

async fn person(world: &Ctx, portal: &Portal, user: &str) -> Result<Option<Mentioned>, Error> {
    if user == portal.mxid
        && let Some(login) = world.store.login_of(user).await?
    {
        return Ok(Some(Mentioned::Person {
            id: PersonId::new(login.person_id),
            username: Some(login.username),
        }));
    }
    let Some(id) = <&UserId>::try_from(user)
        .ok()
        .and_then(|user| world.names.person(user))
    else {
        return Ok(None);
    };
    let ghost = world.store.ghost(id.as_str()).await?;
    Ok(Some(Mentioned::Person {
        id,
        username: ghost.map(|ghost| ghost.username),
    }))
}

fn name(nodes: &mut [Node], people: &HashMap<String, Mentioned>) {
    for node in nodes {
        match node {
            Node::Mention(mention) => {
                if let Mentioned::MatrixUser(user) = &mention.who
                    && let Some(person) = people.get(user)
                {
                    mention.who = person.clone();
                }
            }
            Node::Element(Element { children, .. }) | Node::MessageLink { children, .. } => {
                name(children, people);
            }
            Node::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use remote::MessageKind;

    use super::*;

    fn rich(body: &str, html: Option<&str>, everybody: bool) -> Option<RichText> {
        let html = html.map(ToOwned::to_owned);
        read(&TextContent {
            kind: MessageKind::Text,
            body: body.to_owned(),
            html,
            file: None,
            everybody,
        })
    }

    fn mention(who: Mentioned, label: &str) -> Node {
        Node::Mention(Mention {
            who,
            label: label.to_owned(),
        })
    }

    #[test]
    fn typed_by_hand_stays_as_typed() {
        assert_eq!(rich("**hi** @room", None, false), None);
        assert_eq!(rich("nobody in particular", None, true), None);
    }

    #[test]
    fn pills_become_mentions() {
        for href in [
            "https://matrix.to/#/@bob:example.org",
            "https://matrix.to/#/%40bob%3Aexample.org",
            "matrix:u/bob:example.org?action=chat",
        ] {
            let html = format!("<mx-reply>gone</mx-reply>hi <a href=\"{href}\">Bob</a>!");
            let text = rich("hi Bob!", Some(&html), false).unwrap();
            let bob = mention(Mentioned::MatrixUser("@bob:example.org".to_owned()), "Bob");
            assert_eq!(
                text.nodes,
                [Node::Text("hi ".into()), bob, Node::Text("!".into())],
                "{href}"
            );
        }
        let room = rich(
            "x",
            Some("<a href=\"https://matrix.to/#/!room:example.org\">room</a>"),
            false,
        )
        .unwrap();
        assert!(room.mentions().is_empty());
    }

    #[test]
    fn everybody_is_rung_only_if_meant() {
        let everybody = mention(Mentioned::Everyone, "@room");
        let text = rich("@room\nlunch", None, true).unwrap();
        assert_eq!(
            text.nodes,
            [
                everybody.clone(),
                Tag::Break.with(vec![]),
                Node::Text("lunch".into())
            ]
        );
        let text = rich("", Some("<b>@room</b> <code>@room</code>"), true).unwrap();
        assert_eq!(text.mentions(), [&Mentioned::Everyone]);
        assert_eq!(text.nodes[0], Tag::Strong.with(vec![everybody]));
        assert!(
            rich("", Some("<b>@room</b>"), false)
                .unwrap()
                .mentions()
                .is_empty()
        );
    }

    #[test]
    fn people_are_named_at_any_depth() {
        let user = "@gitter_1:example.org".to_owned();
        let bob = Mentioned::Person {
            id: PersonId::from("1"),
            username: Some("bob".to_owned()),
        };
        let mut text = vec![Tag::Quote.with(vec![
            Tag::Paragraph.with(vec![mention(Mentioned::MatrixUser(user.clone()), "Bob")]),
        ])];
        name(&mut text, &HashMap::from([(user, bob.clone())]));
        assert_eq!(
            text,
            [Tag::Quote.with(vec![Tag::Paragraph.with(vec![mention(bob, "Bob")])])]
        );
    }
}
