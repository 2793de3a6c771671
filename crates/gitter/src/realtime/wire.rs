//! Bayeux messages as they are on the wire, and what Gitter puts into them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Change, Channel, Notice};
use crate::models::lenient;
use crate::{MessageId, RoomId, Unread, UserId};

/// A message to the server.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outgoing<'a> {
    pub(super) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supported_connection_types: Option<&'a [&'a str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subscription: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<OutgoingAdvice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ext: Option<OutgoingExt<'a>>,
    pub(super) id: String,
}

#[derive(Serialize)]
pub(super) struct OutgoingAdvice {
    pub(super) timeout: u32,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutgoingExt<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conn_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) snapshot: Option<bool>,
}

/// A message from the server.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Incoming<'a> {
    pub(super) channel: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) successful: Option<bool>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) error: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) client_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) advice: Option<Advice>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) ext: Option<Ext>,
    #[serde(default, borrow)]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize)]
pub(super) struct Advice {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) reconnect: Option<Reconnect>,
    /// Milliseconds before the next attempt.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) interval: Option<u64>,
    /// Milliseconds for which a connect may stay unanswered.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) timeout: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reconnect {
    Retry,
    Handshake,
    None,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ext {
    /// Counts what is delivered to one client, from 1.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) c: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) user_id: Option<UserId>,
}

impl Incoming<'_> {
    /// The number before the first colon of `error`. Gitter writes `status::text`, Faye `code:parameters:text`.
    pub(super) fn code(&self) -> Option<u16> {
        self.error.as_deref()?.split(':').next()?.parse().ok()
    }

    pub(super) fn is_successful(&self) -> bool {
        self.successful == Some(true)
    }
}

/// The messages in a frame: a list, or a single one. `None` if it is neither.
pub(super) fn messages(frame: &[u8]) -> Option<Vec<&RawValue>> {
    if let Ok(list) = serde_json::from_slice::<Vec<&RawValue>>(frame) {
        return Some(list);
    }
    let single = serde_json::from_slice::<&RawValue>(frame).ok()?;
    single.get().starts_with('{').then(|| vec![single])
}

/// Reads what was pushed on a channel. `Ok(None)` for what means nothing here, `Err` for what cannot be read.
pub(super) fn change(
    channel: &Channel,
    data: &RawValue,
) -> Result<Option<Change>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(default)]
        operation: Option<String>,
        #[serde(default, borrow)]
        model: Option<&'a RawValue>,
        #[serde(default)]
        notification: Option<String>,
    }
    #[derive(Deserialize)]
    struct Gone<T> {
        id: T,
    }
    fn read<'a, T: Deserialize<'a>>(model: &'a RawValue) -> Result<T, serde_json::Error> {
        serde_json::from_str(model.get())
    }

    let envelope: Data<'_> = serde_json::from_str(data.get())?;
    if let Some(kind) = envelope.notification {
        return Ok(Some(Change::Notice(notice(kind, data)?)));
    }
    let (Some(operation), Some(model)) = (envelope.operation, envelope.model) else {
        return Ok(None);
    };
    Ok(Some(match (channel, operation.as_str()) {
        (Channel::Messages(_), "create") => Change::MessageCreated(read(model)?),
        (Channel::Messages(_), "update") => Change::MessageUpdated(read(model)?),
        (Channel::Messages(_), "patch") => Change::MessagePatched(read(model)?),
        (Channel::Messages(_), "remove") => Change::MessageRemoved(read::<Gone<_>>(model)?.id),
        (Channel::Members(_), "create") => Change::MemberCreated(read(model)?),
        (Channel::Members(_), "update" | "patch") => Change::MemberUpdated(read(model)?),
        (Channel::Members(_), "remove") => Change::MemberRemoved(read::<Gone<_>>(model)?.id),
        (Channel::Rooms | Channel::Room(_), "create") => Change::RoomCreated(read(model)?),
        (Channel::Rooms | Channel::Room(_), "update") => Change::RoomUpdated(read(model)?),
        (Channel::Rooms | Channel::Room(_), "patch") => Change::RoomPatched(read(model)?),
        (Channel::Rooms | Channel::Room(_), "remove") => {
            Change::RoomRemoved(read::<Gone<_>>(model)?.id)
        }
        (Channel::Events(_), "create") => Change::EventCreated(read(model)?),
        _ => return Ok(None),
    }))
}

fn notice(kind: String, data: &RawValue) -> Result<Notice, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        #[serde(default, deserialize_with = "lenient::or_default")]
        troupe_id: Option<RoomId>,
        #[serde(default, deserialize_with = "lenient::or_default")]
        chat_id: Option<MessageId>,
        #[serde(default, deserialize_with = "lenient::or_default")]
        user_id: Option<UserId>,
        #[serde(default, deserialize_with = "lenient::or_default")]
        status: Option<String>,
        #[serde(default, deserialize_with = "lenient::or_default")]
        items: Option<Unread>,
    }
    let data: Data = serde_json::from_str(data.get())?;
    Ok(match (kind.as_str(), data.user_id) {
        ("user_notification", _) => Notice::Alert {
            room: data.troupe_id,
            message: data.chat_id,
        },
        ("presence", Some(user)) => Notice::Presence {
            user,
            here: data.status.as_deref() == Some("in"),
        },
        ("unread_items", _) => Notice::Unread(data.items.unwrap_or_default()),
        ("unread_items_removed", _) => Notice::Read(data.items.unwrap_or_default()),
        ("mark_all_read", _) => Notice::AllRead,
        ("token_revoked", _) => Notice::TokenRevoked,
        _ => Notice::Other(kind),
    })
}
