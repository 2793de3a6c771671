//! What the account's person has read.
//!
//! Gitter keeps a list of what is unread and takes single messages off it, so the list is read first: mostly that is all,
//! since a room with nothing unread needs no second request.

use std::collections::BTreeSet;

use gitter::MessageId;
use remote::{ReadUpTo, RemoteError, RoomId};

use super::GitterAccount;
use crate::fault;

/// Replies of a thread that are looked at; Gitter gives no more at once.
const REPLIES: u32 = 100;

pub(super) async fn mark(
    account: &GitterAccount,
    room: &RoomId,
    up_to: &ReadUpTo,
) -> Result<(), RemoteError> {
    let client = account.client.background();
    let room = gitter::RoomId::from(room.as_str());
    let last = MessageId::from(up_to.message.as_str());
    let unread = client.unread(&room).await.map_err(fault::from)?;
    // Later messages have greater ids; two of the same second may be the other way round, which the next receipt mends.
    let mut read: BTreeSet<MessageId> = unread
        .chat
        .into_iter()
        .chain(unread.mention)
        .filter(|id| *id <= last)
        .collect();
    if read.is_empty() {
        return Ok(());
    }
    if let Some(thread) = &up_to.thread {
        let parent = MessageId::from(thread.as_str());
        let replies = client
            .thread(&room, &parent, None, Some(REPLIES))
            .await
            .map_err(fault::from)?;
        let replies: BTreeSet<_> = replies.into_iter().map(|reply| reply.id).collect();
        read.retain(|id| replies.contains(id) || *id == last);
    }
    let read: Vec<_> = read.into_iter().collect();
    client.mark_read(&room, &read).await.map_err(fault::from)
}
