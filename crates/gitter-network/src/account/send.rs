//! Sending, changing, and finding again what was sent.

use gitter::{Draft, MessageQuery};
use remote::{Fault, Message, MessageId, MessageKind, Millis, Part, RemoteError, RoomId};

use crate::fault;

use super::{GitterAccount, history};

/// How far Gitter's clock and ours may be apart, in milliseconds.
const SKEW: Millis = 120_000;

/// How many messages are looked through for one that may have been sent.
const SEARCH: usize = 1000;

/// The text as Gitter gets it. A `/me` begins with the sender's name, as Gitter's own web client has it.
fn text(account: &GitterAccount, part: &Part) -> String {
    if part.kind != MessageKind::Emote {
        return part.text.clone();
    }
    let username = &account.me.username;
    let name = gitter_markup::mention(username).unwrap_or_else(|| username.clone());
    format!("{name} {}", part.text)
}

pub(super) async fn send(
    account: &GitterAccount,
    room: &RoomId,
    part: &Part,
) -> Result<Message, RemoteError> {
    let draft = Draft {
        text: text(account, part),
        status: part.kind == MessageKind::Emote,
        parent: part.thread.as_ref().map(|id| id.as_str().into()),
    };
    let sent = account
        .pace
        .writer(&account.client, room)
        .send(&room.as_str().into(), &draft)
        .await
        .map_err(fault::from)?;
    Ok(account.message(room, &sent))
}

pub(super) async fn edit(
    account: &GitterAccount,
    room: &RoomId,
    message: &MessageId,
    part: &Part,
) -> Result<Message, RemoteError> {
    let client = account.pace.writer(&account.client, room);
    let text = text(account, part);
    match client
        .edit(&room.as_str().into(), &message.as_str().into(), &text)
        .await
    {
        Ok(changed) => Ok(account.message(room, &changed)),
        Err(gitter::Error::BadRequest { .. }) => Err(RemoteError::new(
            Fault::Rejected,
            "Gitter does not accept this change; it takes them for ten minutes only",
        )),
        Err(error) => Err(fault::from(error)),
    }
}

pub(super) async fn find(
    account: &GitterAccount,
    room: &RoomId,
    part: &Part,
    after: Option<&MessageId>,
    not_before: Millis,
    known: &[MessageId],
) -> Result<Option<Message>, RemoteError> {
    // The lane waits for this.
    let client = account.client.urgent();
    let messages = if let Some(after) = after {
        history::forwards(&client, room, after, SEARCH).await?
    } else {
        let newest = MessageQuery::newest(100);
        client
            .messages(&room.as_str().into(), &newest)
            .await
            .map_err(fault::from)?
            .items
    };
    let text = text(account, part);
    let fits = |message: &&gitter::Message| {
        message
            .from_user
            .as_ref()
            .is_some_and(|user| user.id.as_str() == account.me.id.as_str())
            && message.virtual_user.is_none()
            && message.sent.as_millisecond() >= not_before.saturating_sub(SKEW)
            && message.parent_id.as_ref().map(gitter::MessageId::as_str)
                == part.thread.as_ref().map(MessageId::as_str)
            && message.status == (part.kind == MessageKind::Emote)
            && !known
                .iter()
                .any(|known| known.as_str() == message.id.as_str())
    };
    let mut own = messages.iter().filter(fits);
    let same = |message: &&gitter::Message| normal(&message.text) == normal(&text);
    let alike = |message: &&gitter::Message| bare(&message.text).eq(bare(&text));
    let found = own
        .clone()
        .find(same)
        .or_else(|| own.clone().find(alike))
        .or_else(|| own.find(|message| message.edited_at.is_some()));
    Ok(found.map(|message| account.message(room, message)))
}

/// A text without what may change on the way.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// What is left of a text when whatever could be taken for a space is not looked at.
fn bare(text: &str) -> impl Iterator<Item = char> {
    let is_space = |c: &char| c.is_whitespace() || c.is_control() || *c == '\u{feff}';
    text.chars().filter(move |c| !is_space(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_make_no_difference() {
        let same = |one: &str, other: &str| bare(one).eq(bare(other));
        assert!(same("a  b\r\n c ", "a b\nc"));
        assert!(same("\u{feff}a\u{a0}b", "a b"));
        assert!(!same("a b", "a c"));
        assert!(!same("a", "ab"));
    }
}
