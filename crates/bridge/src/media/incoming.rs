//! Files of the network, as events.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use homeserver::Upload;
use remote::{
    Attachment, Download, Fault, Message, Pieces, RemoteError,
    text::{Element, Node, Tag},
};
use ruma::OwnedMxcUri;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::Uploaded;

use super::{
    look::{self, Looked},
    name,
};
use crate::{Ctx, Error};

/// A file of at most so many bytes is held as a whole, which is what a blur of it takes.
const WHOLE: usize = 6 << 20;

/// An event that shows a message or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    /// Which part it is: pieces of text count from 0, and a file has the same number in every version of the message.
    pub(crate) part: i64,
    /// It is a file, which does not change when the text around it does.
    pub(crate) is_file: bool,
    /// The event's content.
    pub(crate) content: Value,
}

/// The events that show a message: its text, and the files that it links to. A text that is nothing but links to files which are
/// shown is left out. `texts` is what shows the text.
pub(crate) async fn with_files(
    world: &Ctx,
    login: i64,
    message: &Message,
    texts: Vec<Value>,
) -> Result<Vec<Shown>, Error> {
    let mut shown = Vec::new();
    let mut files = Vec::new();
    for attachment in &message.attachments {
        if let Some(uploaded) = upload(world, login, attachment).await? {
            let name = attachment.name.as_deref().unwrap_or("file");
            let content = content(name, &uploaded.mxc, &uploaded.info);
            files.extend(content.map(|content| (number(&attachment.url), content)));
            shown.push(attachment.url.as_str());
        }
    }
    // Of another user of this bridge, or his own of an earlier time: no need to fetch what is on the homeserver already.
    for url in links(&message.text.nodes) {
        if let Some(link) = super::link::file(world, url).await?
            && let Some(mxc) = &link.mxc
        {
            let content = content(&link.name, mxc, &link.info);
            files.extend(content.map(|content| (number(url), content)));
            shown.push(url);
        }
    }
    let is_told =
        !files.is_empty() && message.sender.is_some() && is_only(&message.text.nodes, &shown);
    let texts = texts.into_iter().filter(|_| !is_told);
    let mut events: Vec<_> = (0..)
        .zip(texts)
        .map(|(part, content)| Shown {
            part,
            is_file: false,
            content,
        })
        .collect();
    let key = world.network.info().event_key;
    for (part, mut content) in files {
        content[key] = json!({"id": message.id, "room": message.room, "part": part});
        events.push(Shown {
            part,
            is_file: true,
            content,
        });
    }
    Ok(events)
}

/// The number of the part that shows a file.
fn number(url: &str) -> i64 {
    // No text has so many pieces.
    const BEHIND_TEXTS: i64 = 1 << 32;
    let digest: [u8; 32] = Sha256::digest(url).into();
    let [a, b, c, d, ..] = digest;
    BEHIND_TEXTS + i64::from(u32::from_be_bytes([a, b, c, d]))
}

/// Whether a text says nothing beside its links to these files.
fn is_only(nodes: &[Node], files: &[&str]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(text) => text.trim().is_empty(),
        Node::Element(Element { tag, children }) => match tag {
            Tag::Link { href: url, .. } | Tag::Image { src: url, .. } => {
                files.contains(&url.as_str())
            }
            Tag::Break => true,
            Tag::Paragraph => is_only(children, files),
            _ => false,
        },
        Node::Mention(_) | Node::MessageLink { .. } => false,
    })
}

/// The links in a text, each once.
fn links(nodes: &[Node]) -> Vec<&str> {
    // More than that nobody sends, save to make trouble.
    const MOST: usize = 10;
    fn look<'a>(nodes: &'a [Node], found: &mut Vec<&'a str>) {
        for node in nodes {
            if let Node::Element(Element { tag, children }) = node {
                if let Tag::Link { href: url, .. } | Tag::Image { src: url, .. } = tag
                    && found.len() < MOST
                    && !found.contains(&url.as_str())
                {
                    found.push(url);
                }
                look(children, found);
            }
        }
    }
    let mut found = Vec::new();
    look(nodes, &mut found);
    found
}

fn content(name: &str, mxc: &str, about: &str) -> Option<Value> {
    let mut content: Value = serde_json::from_str(about).ok()?;
    let name = name::sound(name);
    content["body"] = json!(name);
    content["filename"] = json!(name);
    content["url"] = json!(mxc);
    content["m.mentions"] = json!({});
    Some(content)
}

/// The file on the homeserver; `None` if it cannot be had, and then its link has to do. Fails only with what may pass.
async fn upload(
    world: &Ctx,
    login: i64,
    attachment: &Attachment,
) -> Result<Option<Uploaded>, Error> {
    // Whoever is before us needs a place to go on, so nobody may have one while he waits for him.
    let turn = world.media.addresses.lock(attachment.url.clone());
    let _turn = world.lanes.meanwhile(turn).await;
    if let Some(uploaded) = world.store.uploaded(&attachment.url).await? {
        return Ok(Some(uploaded));
    }
    let Some(account) = world.connections.account(login) else {
        return Ok(None);
    };
    let fetch = async {
        let _permit = world.media.fetches.acquire().await.ok();
        // Asked only now, since those who waited for their turn need not all find out for themselves.
        if world.media.is_away(world.now()) {
            return None;
        }
        Some(match account.fetch_attachment(attachment).await {
            Ok(download) => carry(world, attachment, download).await,
            Err(error) => Err(error.into()),
        })
    };
    // What comes slowly must not keep other rooms waiting.
    let Some(fetched) = world.lanes.meanwhile(fetch).await else {
        return Ok(None);
    };
    match fetched {
        Ok(uploaded) => {
            world.media.is_settled(&attachment.url);
            world
                .store
                .put_uploaded(&attachment.url, &uploaded, world.now())
                .await?;
            Ok(Some(uploaded))
        }
        Err(Error::Homeserver(error)) if Error::from(error.clone()).is_transient() => {
            if is_stumbling(world, &attachment.url, &error).await {
                tracing::warn!(%error, "the homeserver answers, but takes a file amiss; it stays a link");
                world.media.is_settled(&attachment.url);
                return Ok(None);
            }
            Err(error.into())
        }
        Err(Error::Store(error)) => Err(error.into()),
        Err(error) => {
            world.media.is_settled(&attachment.url);
            if matches!(&error, Error::Remote(it) if it.fault == Fault::Unavailable) {
                world.media.went_away(world.now());
            }
            tracing::info!(%error, "a file stays a link");
            Ok(None)
        }
    }
}

/// Whether it is over this one file that the homeserver fails: nothing that is said after it should wait for ever.
async fn is_stumbling(world: &Ctx, address: &str, error: &homeserver::Error) -> bool {
    // These would be the same with any file.
    let is_general = matches!(
        error,
        homeserver::Error::RateLimited { .. } | homeserver::Error::Unreachable { sent: false, .. }
    ) || error.is_unknown_token();
    !is_general && world.media.stumbles(address) && world.homeserver.versions().await.is_ok()
}

fn too_large() -> Error {
    Error::Refused("the file is larger than the bridge carries".to_owned())
}

/// Brings a file to the homeserver.
async fn carry(
    world: &Ctx,
    attachment: &Attachment,
    download: Download,
) -> Result<Uploaded, Error> {
    let most = world.config.media.max_size;
    let Download { length, mut pieces } = download;
    if length.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let hold = match length {
        Some(length) if length > WHOLE as u64 => look::BEGINNING,
        _ => WHOLE,
    };
    let (start, rest) = read(&mut *pieces, hold).await?;
    let whole = rest.is_none();
    if whole && start.len() as u64 > most {
        return Err(too_large());
    }
    if whole && start.is_empty() {
        return Err(Error::Refused("the file is empty".to_owned()));
    }
    let looked = at_leisure(world, start.clone(), whole).await?;
    let name = attachment.name.as_deref().map(name::sound);
    let name = name.as_deref();
    let (mxc, size) = match (rest, length) {
        (None, _) => {
            let size = start.len() as u64;
            let bytes = Vec::from(start);
            (
                world.homeserver.upload(bytes, looked.mime, name).await?,
                size,
            )
        }
        (Some(rest), Some(length)) => {
            let mxc = stream_on(world, start, rest, pieces, length, looked.mime, name).await?;
            (mxc, length)
        }
        // Homeservers want to know beforehand how long a file is, and longer ones are not held.
        (Some(_), None) => return Err(too_large()),
    };
    let info = looked.about(size);
    Ok(Uploaded {
        mxc: mxc.to_string(),
        info: info.to_string(),
    })
}

/// The beginning of a file, and the piece behind it if there is more.
async fn read(pieces: &mut dyn Pieces, most: usize) -> Result<(Bytes, Option<Bytes>), RemoteError> {
    let mut start = BytesMut::new();
    while let Some(piece) = pieces.next().await? {
        if start.len() + piece.len() > most {
            return Ok((start.freeze(), Some(piece)));
        }
        start.extend_from_slice(&piece);
    }
    Ok((start.freeze(), None))
}

/// Looks at a file where it holds up nobody.
async fn at_leisure(world: &Ctx, bytes: Bytes, whole: bool) -> Result<Looked, Error> {
    let _permit = world.media.looks.acquire().await.ok();
    tokio::task::spawn_blocking(move || look::look(&bytes, whole))
        .await
        .map_err(|_| Error::Refused("the file cannot be read".to_owned()))
}

/// Stores a file while it comes.
async fn stream_on(
    world: &Ctx,
    start: Bytes,
    next: Bytes,
    pieces: Box<dyn Pieces>,
    length: u64,
    mime: &str,
    name: Option<&str>,
) -> Result<OwnedMxcUri, Error> {
    // A failure of the one side shows as one of the other.
    let broke = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&broke);
    let waiting = [next, start].map(Some);
    let body = stream::unfold(
        (waiting, pieces, noted),
        |(mut waiting, mut pieces, noted)| async move {
            let held = waiting.iter_mut().rev().find_map(Option::take);
            let piece = match held {
                Some(piece) => Ok(piece),
                None => match pieces.next().await {
                    Ok(piece) => Ok(piece?),
                    Err(error) => {
                        noted.store(true, Ordering::Relaxed);
                        Err(homeserver::Error::Garbled(error.sentence))
                    }
                },
            };
            Some((piece, (waiting, pieces, noted)))
        },
    );
    let upload = Upload {
        body: Box::pin(body),
        length,
        mime,
        name,
    };
    let stored = world.homeserver.upload_stream(upload).await;
    if stored.is_err() && broke.load(Ordering::Relaxed) {
        return Err(RemoteError::new(Fault::Unavailable, "The file broke off").into());
    }
    Ok(stored?)
}
