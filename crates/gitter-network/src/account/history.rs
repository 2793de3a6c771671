//! Reading a room, page by page.

use gitter::{Client, MessageQuery};
use remote::{History, Message, MessageId, RemoteError, RoomId};

use crate::fault;

use super::GitterAccount;

/// How many messages one request brings at most.
const PAGE: u32 = 100;

/// Reads up to `limit` messages, oldest first. Catching up and comparing are for the background; somebody who opens a room waits for
/// the rest.
pub(super) async fn read(
    account: &GitterAccount,
    room: &RoomId,
    which: &History,
    limit: usize,
) -> Result<Vec<Message>, RemoteError> {
    let raw = match which {
        History::After(after) => forwards(&account.client.background(), room, after, limit).await?,
        History::Newest => backwards(&account.client, room, None, limit).await?,
        History::NewestAgain => backwards(&account.client.background(), room, None, limit).await?,
        History::Before(before) => backwards(&account.client, room, Some(before), limit).await?,
    };
    Ok(raw
        .iter()
        .map(|message| account.message(room, message))
        .collect())
}

fn ask(limit: usize, have: usize) -> u32 {
    u32::try_from(limit.saturating_sub(have))
        .unwrap_or(PAGE)
        .min(PAGE)
}

/// Those after a message, until `limit` or the end.
pub(super) async fn forwards(
    client: &Client,
    room: &RoomId,
    after: &MessageId,
    limit: usize,
) -> Result<Vec<gitter::Message>, RemoteError> {
    let room = gitter::RoomId::from(room.as_str());
    let mut cursor = gitter::MessageId::from(after.as_str());
    let mut messages = Vec::new();
    while messages.len() < limit {
        let ask = ask(limit, messages.len());
        let page = client
            .messages(&room, &MessageQuery::after(&cursor, ask))
            .await
            .map_err(fault::from)?;
        let full = page.received >= ask as usize;
        let Some(last) = page.items.last() else { break };
        cursor = last.id.clone();
        messages.extend(page);
        if !full {
            break;
        }
    }
    Ok(messages)
}

/// Those before a message (the newest ones without one), until `limit` or the beginning.
async fn backwards(
    client: &Client,
    room: &RoomId,
    before: Option<&MessageId>,
    limit: usize,
) -> Result<Vec<gitter::Message>, RemoteError> {
    let room = gitter::RoomId::from(room.as_str());
    let mut cursor = before.map(|id| gitter::MessageId::from(id.as_str()));
    let mut messages = Vec::new();
    while messages.len() < limit {
        let ask = ask(limit, messages.len());
        let query = match &cursor {
            Some(before) => MessageQuery::before(before, ask),
            None => MessageQuery::newest(ask),
        };
        let mut page = client.messages(&room, &query).await.map_err(fault::from)?;
        let full = page.received >= ask as usize;
        let Some(first) = page.items.first() else {
            break;
        };
        cursor = Some(first.id.clone());
        page.items.append(&mut messages);
        messages = page.items;
        if !full {
            break;
        }
    }
    Ok(messages)
}
