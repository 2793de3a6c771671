//! What a Matrix user wrote, as a message for the network.

use std::collections::HashMap;

use remote::{
    Composed, Outgoing, PersonId, Said,
    text::{Element, Mention, Mentioned, Node, RichText, Tag, html},
};
use ruma::{MatrixToUri, MatrixUri, OwnedUserId, UserId, matrix_uri::MatrixId};
use store::Portal;
use url::Url;

use super::{
    FileContent, TextContent,
    names_in_text::{Calling, Callings, call, handles},
};
use crate::{Ctx, Error};

/// Turns text into a message for the network. Depends on nothing that changes while it is on its way,
/// except how people are called. `link` leads to the file that came with it.
pub(crate) async fn outgoing(
    world: &Ctx,
    portal: &Portal,
    content: &TextContent,
    link: Option<&Url>,
) -> Result<Outgoing, Error> {
    let mut written = read(content);
    let people = people(world, portal, &written.text).await?;
    name(&mut written.text.nodes, &people);
    let callings = callings(world, portal, content, &written).await?;
    let mut text = compose(written, callings);
    if let (Some(file), Some(link)) = (&content.file, link) {
        text = with_file(file, link, text);
    }
    Ok(Outgoing {
        kind: content.kind,
        text,
        thread: None,
        reply_to: None,
        preface: None,
    })
}

/// What somebody wrote, before anybody is looked for in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text; if it was typed by hand, one piece with its line ends in it.
    pub text: RichText,
    /// It was typed by hand: no client formatted it.
    pub by_hand: bool,
}

/// A file as the network shows its own: a link, of a picture the picture; and below it what was said of it.
fn with_file(file: &FileContent, link: &Url, said: Composed) -> Composed {
    let shown = if file.picture {
        let (src, alt) = (link.to_string(), file.name.clone());
        Tag::Image { src, alt }.with(Vec::new())
    } else {
        Node::Text(file.name.clone())
    };
    let (href, title) = (link.to_string(), None);
    let file = Tag::Link { href, title }.with(vec![shown]);
    let alone = |file| RichText { nodes: vec![file] };
    let said = match said {
        Composed::Plain(text) if text.trim().is_empty() => return Composed::Rich(alone(file)),
        Composed::Rich(text) if text.nodes.is_empty() => return Composed::Rich(alone(file)),
        Composed::Plain(text) => vec![Said::Text(text)],
        Composed::Addressed(said) | Composed::Captioned { said, .. } => said,
        Composed::Rich(text) => {
            let mut nodes = vec![Tag::Paragraph.with(vec![file])];
            let block = |node: &Node| matches!(node, Node::Element(it) if it.tag.is_block());
            if text.nodes.iter().any(block) {
                nodes.extend(text.nodes);
            } else {
                nodes.push(Tag::Paragraph.with(text.nodes));
            }
            return Composed::Rich(RichText { nodes });
        }
    };
    let shown = alone(file);
    Composed::Captioned { shown, said }
}

/// Reads a message: Matrix's HTML with its pills as mentions, or what was typed by hand.
pub fn read(content: &TextContent) -> Written {
    match &content.html {
        Some(html) => Written {
            text: html::parse(html, &|element| {
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
            by_hand: false,
        },
        None => Written {
            text: RichText {
                nodes: vec![Node::Text(content.body.clone())],
            },
            by_hand: true,
        },
    }
}

/// The text for the network, with everybody in it who is called by name.
pub fn compose(written: Written, callings: Callings) -> Composed {
    let nodes = call(written.text.nodes, callings);
    if !written.by_hand {
        return Composed::Rich(RichText { nodes });
    }
    let said: Vec<_> = nodes
        .into_iter()
        .filter_map(|node| match node {
            Node::Text(text) => Some(Said::Text(text)),
            Node::Mention(mention) => Some(Said::Mention(mention)),
            // Nothing else is made of a single text.
            Node::Element(_) | Node::MessageLink { .. } => None,
        })
        .collect();
    match <[Said; 1]>::try_from(said) {
        Ok([Said::Text(text)]) => Composed::Plain(text),
        Ok(said) => Composed::Addressed(said.into()),
        Err(said) => Composed::Addressed(said),
    }
}

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

/// Everything by which people may be called in this text.
async fn callings(
    world: &Ctx,
    portal: &Portal,
    content: &TextContent,
    written: &Written,
) -> Result<Callings, Error> {
    /// So many names behind an `@` are looked up.
    const AT_MOST: usize = 50;
    let mut callings = Callings {
        everybody: content.everybody,
        ..Callings::default()
    };
    for handle in handles(&written.text.nodes).into_iter().take(AT_MOST) {
        if let Some(person) = by_handle(world, portal, &handle).await? {
            callings.handles.insert(handle, person);
        }
    }
    let pilled = written.text.mentions();
    if let Some(users) = &content.mentioned {
        for user in users {
            let Some(who) = person(world, portal, user).await? else {
                continue;
            };
            if !pilled.contains(&&who) {
                add_names(world, user, &who, &mut callings.names).await?;
            }
        }
    } else if written.by_hand && begins_with_name(&content.body) {
        // An older client, which rings whoever is named.
        let Some(room) = &portal.room_id else {
            return Ok(callings);
        };
        for ghost in world.store.ghosts_of(room).await? {
            let who = Mentioned::Person {
                id: PersonId::new(ghost.person_id),
                username: Some(ghost.username.clone()),
            };
            let shown = ghost.display_name.unwrap_or_default();
            let bare = world.names.without_template(&shown, &ghost.username);
            for name in [bare, Some(shown.as_str())].into_iter().flatten() {
                callings.names.push(Calling {
                    name: name.to_owned(),
                    who: who.clone(),
                    anywhere: false,
                });
            }
        }
    }
    Ok(callings)
}

/// Whether the text may begin with somebody's name and the mark that clients put behind it.
fn begins_with_name(body: &str) -> bool {
    const LONGEST: usize = 260;
    let end = body.floor_char_boundary(LONGEST);
    let line = body[..end].lines().next().unwrap_or_default();
    line.contains([':', ','])
}

/// Who is meant by a word behind an `@`; nobody if the network will know by itself.
async fn by_handle(world: &Ctx, portal: &Portal, handle: &str) -> Result<Option<Mentioned>, Error> {
    if handle.contains(':') {
        return person(world, portal, &format!("@{handle}")).await;
    }
    let ghost = world.store.ghost_by_username(handle).await?;
    // Some networks know people in the exact case of their names only.
    Ok(ghost
        .filter(|ghost| ghost.username != handle)
        .map(|ghost| Mentioned::Person {
            id: PersonId::new(ghost.person_id),
            username: Some(ghost.username),
        }))
}

/// What clients write for this Matrix user where they make no pill.
async fn add_names(
    world: &Ctx,
    user: &str,
    who: &Mentioned,
    names: &mut Vec<Calling>,
) -> Result<(), Error> {
    let mut add = |name: &str, anywhere| {
        names.push(Calling {
            name: name.to_owned(),
            who: who.clone(),
            anywhere,
        });
    };
    add(user, true);
    let Mentioned::Person { id, username } = who else {
        return Ok(());
    };
    let ghost = world.store.ghost(id.as_str()).await?;
    if let Some(shown) = ghost.and_then(|ghost| ghost.display_name) {
        let username = username.as_deref().unwrap_or_default();
        if let Some(bare) = world.names.without_template(&shown, username) {
            add(bare, bare == shown);
        }
        add(&shown, true);
    }
    Ok(())
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
    use serde_json::json;

    use super::*;

    fn content(body: &str, html: Option<&str>) -> TextContent {
        TextContent {
            kind: MessageKind::Text,
            body: body.to_owned(),
            html: html.map(ToOwned::to_owned),
            file: None,
            everybody: false,
            mentioned: None,
        }
    }

    fn rich(html: &str) -> RichText {
        read(&content("", Some(html))).text
    }

    fn composed(body: &str, html: Option<&str>, everybody: bool) -> Composed {
        let callings = Callings {
            everybody,
            ..Callings::default()
        };
        compose(read(&content(body, html)), callings)
    }

    fn mention(who: Mentioned, label: &str) -> Node {
        Node::Mention(Mention {
            who,
            label: label.to_owned(),
        })
    }

    #[test]
    fn what_is_said_of_a_file_is_read_as_any_message() {
        let file = FileContent {
            mxc: "mxc://a/b".to_owned(),
            name: "a.txt".to_owned(),
            picture: false,
            about: json!({}),
        };
        let link = Url::parse("https://bridge.example/media/x/a.txt").unwrap();
        let with = |said| with_file(&file, &link, said);
        let Composed::Rich(alone) = with(Composed::Plain(" ".to_owned())) else {
            panic!("nothing was typed")
        };
        let shown = alone.clone();
        assert_eq!(
            with(Composed::Plain("*look* `here`".to_owned())),
            Composed::Captioned {
                shown,
                said: vec![Said::Text("*look* `here`".to_owned())],
            }
        );
        let formatted = with(Composed::Rich(rich("<b>look</b>")));
        let Composed::Rich(text) = formatted else {
            panic!("a client formatted it")
        };
        assert_eq!(
            html::render(&text, &remote::text::NoNames),
            "<p><a href=\"https://bridge.example/media/x/a.txt\">a.txt</a></p><p><strong>look</strong></p>"
        );
        assert_eq!(
            with(Composed::Rich(RichText::default())),
            Composed::Rich(alone)
        );
    }

    #[test]
    fn typed_by_hand_stays_as_typed() {
        for everybody in [false, true] {
            let text = "**hi**\nnobody in particular";
            let plain = Composed::Plain(text.to_owned());
            assert_eq!(composed(text, None, everybody), plain);
        }
    }

    #[test]
    fn pills_become_mentions() {
        for href in [
            "https://matrix.to/#/@bob:example.org",
            "https://matrix.to/#/%40bob%3Aexample.org",
            "matrix:u/bob:example.org?action=chat",
        ] {
            let html = format!("<mx-reply>gone</mx-reply>hi <a href=\"{href}\">Bob</a>!");
            let text = rich(&html);
            let bob = mention(Mentioned::MatrixUser("@bob:example.org".to_owned()), "Bob");
            assert_eq!(
                text.nodes,
                [Node::Text("hi ".into()), bob, Node::Text("!".into())],
                "{href}"
            );
        }
        let room = rich("<a href=\"https://matrix.to/#/!room:example.org\">room</a>");
        assert!(room.mentions().is_empty());
    }

    #[test]
    fn everybody_is_rung_only_if_meant() {
        let everybody = Mention {
            who: Mentioned::Everyone,
            label: "@room".to_owned(),
        };
        assert_eq!(
            composed("@room\n*lunch*", None, true),
            Composed::Addressed(vec![
                Said::Mention(everybody.clone()),
                Said::Text("\n*lunch*".to_owned()),
            ])
        );
        assert_eq!(
            composed("@room", None, true),
            Composed::Addressed(vec![Said::Mention(everybody.clone())])
        );
        let html = "<b>@room</b> <code>@room</code>";
        let Composed::Rich(text) = composed("", Some(html), true) else {
            panic!("formatted")
        };
        assert_eq!(text.mentions(), [&Mentioned::Everyone]);
        assert_eq!(
            text.nodes[0],
            Tag::Strong.with(vec![Node::Mention(everybody)])
        );
        let Composed::Rich(text) = composed("", Some(html), false) else {
            panic!("formatted")
        };
        assert!(text.mentions().is_empty());
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
