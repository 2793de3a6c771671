//! Answering one Bayeux message.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::hub::{Client, Outlet, ToSocket};
use super::{advice, channels, start_anew};
use crate::ids::RoomId;
use crate::inner::Inner;
use crate::world::Push;
use crate::world::room_view::RoomFields;

/// How a message came in.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    /// The socket's number and its task; None for long-polling.
    pub(crate) socket: Option<(u64, mpsc::UnboundedSender<ToSocket>)>,
    /// How long a connect is held.
    pub(crate) timeout: Duration,
}

/// A connect that is to be held.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) client: String,
    pub(crate) timeout: Duration,
}

/// The answers to the messages of one frame.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    pub(crate) messages: Vec<Value>,
    /// The last connect among them: Faye holds the answers to the whole frame until it is over.
    pub(crate) held: Option<Held>,
    /// Notifications to be sent later.
    pub(crate) later: Vec<Push>,
}

/// Answers the messages of one frame in turn.
pub(crate) fn answer(inner: &mut Inner, messages: &[Value], via: &Via) -> Replies {
    inner.hub.sweep(Instant::now());
    inner.note_presence();
    let mut all = Replies::default();
    for message in messages {
        let Some(message) = message.as_object() else {
            continue;
        };
        let channel = message
            .get("channel")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let reply = match channel {
            "/meta/handshake" => handshake(inner, message, via),
            "/meta/connect" => {
                let (reply, held) = connect(inner, message, via);
                all.held = held.or(all.held);
                reply
            }
            "/meta/subscribe" => subscribe(inner, message),
            "/meta/unsubscribe" => unsubscribe(inner, message),
            "/meta/disconnect" => disconnect(inner, message),
            _ => publish(inner, message, channel),
        };
        all.messages.push(Value::Object(reply));
        all.later.extend(inner.flush());
    }
    all
}

/// The start of an answer: the message's id, the client's if it is known, the channel.
fn reply(message: &Map<String, Value>, client: Option<&str>) -> Map<String, Value> {
    let mut reply = Map::new();
    reply.extend(message.get("id").map(|id| ("id".to_owned(), id.clone())));
    reply.extend(client.map(|client| ("clientId".to_owned(), json!(client))));
    reply.extend(
        message
            .get("channel")
            .map(|channel| ("channel".to_owned(), channel.clone())),
    );
    reply
}

fn fail(mut reply: Map<String, Value>, error: &str, advice: Option<Value>) -> Map<String, Value> {
    reply.insert("successful".to_owned(), json!(false));
    reply.insert("error".to_owned(), json!(error));
    reply.extend(advice.map(|advice| ("advice".to_owned(), advice)));
    reply
}

fn succeed(mut reply: Map<String, Value>) -> Map<String, Value> {
    reply.insert("successful".to_owned(), json!(true));
    reply
}

/// The client id of a message, and whether there is such a client.
fn client_of(inner: &Inner, message: &Map<String, Value>) -> (Option<String>, bool) {
    let id = message
        .get("clientId")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let known = id
        .as_ref()
        .is_some_and(|id| inner.hub.clients.contains_key(id));
    (id, known)
}

const TRANSPORTS: [&str; 6] = [
    "long-polling",
    "cross-origin-long-polling",
    "callback-polling",
    "websocket",
    "eventsource",
    "in-process",
];

fn handshake(inner: &mut Inner, message: &Map<String, Value>, via: &Via) -> Map<String, Value> {
    let mut answer = reply(message, None);
    answer.insert("version".to_owned(), json!("1.0"));
    answer.insert("supportedConnectionTypes".to_owned(), json!(TRANSPORTS));
    let stop = || Some(json!({ "reconnect": "none", "interval": 864_000_000_u64 }));
    let again = || Some(json!({ "reconnect": "handshake" }));
    let ext = message.get("ext").and_then(Value::as_object);
    let Some(token) = ext.and_then(|ext| ext.get("token")).and_then(Value::as_str) else {
        return fail(answer, "401::Access token required", stop());
    };
    let Some(user) = inner.world.tokens.get(token).map(|known| known.user) else {
        return fail(answer, "401::Invalid access token", stop());
    };
    if message.get("version").is_none() {
        return fail(answer, "402:version:Missing required parameter", again());
    }
    let Some(types) = message
        .get("supportedConnectionTypes")
        .and_then(Value::as_array)
    else {
        return fail(
            answer,
            "402:supportedConnectionTypes:Missing required parameter",
            again(),
        );
    };
    let types: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
    if !types.iter().any(|kind| TRANSPORTS.contains(kind)) {
        let error = format!("301:{}:Connection types not supported", types.join(","));
        return fail(answer, &error, again());
    }
    let id = inner.world.nonce(31);
    inner
        .hub
        .clients
        .insert(id.clone(), Client::new(user, token.to_owned(), via.timeout));
    inner.note_presence();
    let mut context = json!({ "user": inner.world.handshake_view(user) });
    let room: Option<RoomId> = ext
        .and_then(|ext| ext.get("troupeId"))
        .and_then(Value::as_str)
        .and_then(|room| room.parse().ok());
    if let Some(room) = room.filter(|room| inner.world.enterable(*room, user).is_ok()) {
        enter(inner, &id, room);
        if let Ok(view) = inner.world.room_view(room, Some(user), RoomFields::JOINED) {
            context["troupe"] = view;
        }
    }
    answer.insert("clientId".to_owned(), json!(id));
    answer.insert("advice".to_owned(), advice(via.timeout));
    answer.insert(
        "ext".to_owned(),
        json!({ "appVersion": "SANDBOX", "userId": user.to_string(), "context": context }),
    );
    succeed(answer)
}

fn connect(
    inner: &mut Inner,
    message: &Map<String, Value>,
    via: &Via,
) -> (Map<String, Value>, Option<Held>) {
    let (id, known) = client_of(inner, message);
    let Some(id) = id else {
        return (
            fail(
                reply(message, None),
                "402:clientId:Missing required parameter",
                None,
            ),
            None,
        );
    };
    if message.get("connectionType").is_none() {
        return (
            fail(
                reply(message, None),
                "402:connectionType:Missing required parameter",
                None,
            ),
            None,
        );
    }
    let Some(client) = inner.hub.clients.get_mut(&id).filter(|_| known) else {
        let error = format!("401:{id}:Unknown client");
        return (fail(reply(message, None), &error, Some(start_anew())), None);
    };
    client.connected_at = Instant::now();
    client.pending = None;
    let asked = message
        .get("advice")
        .and_then(|advice| advice.get("timeout"))
        .and_then(Value::as_u64);
    let timeout = asked.map_or(client.timeout, |millis| {
        Duration::from_millis(millis).min(client.timeout)
    });
    let mut answer = succeed(reply(message, Some(&id)));
    answer.insert("advice".to_owned(), advice(client.timeout));
    if let Some((number, socket)) = &via.socket {
        for message in client.take_queue() {
            // A socket that is closed loses what was queued, as the real one does.
            let _ = socket.send(ToSocket::Frame(json!([message])));
        }
        client.outlet = Outlet::Socket(*number, socket.clone());
    } else {
        client.outlet = Outlet::Nowhere;
    }
    (
        answer,
        Some(Held {
            client: id,
            timeout,
        }),
    )
}

fn subscribe(inner: &mut Inner, message: &Map<String, Value>) -> Map<String, Value> {
    let (id, known) = client_of(inner, message);
    let mut answer = reply(message, id.as_deref());
    answer.extend(
        message
            .get("subscription")
            .map(|name| ("subscription".to_owned(), name.clone())),
    );
    let Some(id) = id else {
        return fail(answer, "402:clientId:Missing required parameter", None);
    };
    if !known {
        return fail(
            answer,
            &format!("401:{id}:Unknown client"),
            Some(start_anew()),
        );
    }
    let name = match message.get("subscription") {
        Some(Value::String(name)) => name.clone(),
        // Several at once: Gitter's authoriser takes the list for one odd name.
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            return fail(
                answer,
                &format!("404::Unknown subscription {}", names.join(",")),
                None,
            );
        }
        _ => return fail(answer, "402:subscription:Missing required parameter", None),
    };
    let Some(user) = inner.hub.clients.get(&id).map(|client| client.user) else {
        return fail(
            answer,
            &format!("401:{id}:Unknown client"),
            Some(start_anew()),
        );
    };
    let channel = match channels::read(&name).and_then(|channel| {
        channels::admit(&inner.world, user, &channel)?;
        Ok(channel)
    }) {
        Ok(channel) => channel,
        Err(error) => return fail(answer, &error, None),
    };
    if let Some(room) = channel.room() {
        enter(inner, &id, room);
    }
    let asked = message.get("ext").and_then(|ext| ext.get("snapshot"));
    if let Some(snapshot) = channels::snapshot(&inner.world, user, &channel, asked) {
        answer.insert("ext".to_owned(), json!({ "snapshot": snapshot }));
    }
    if let Some(client) = inner.hub.clients.get_mut(&id) {
        client.channels.insert(name);
    }
    succeed(answer)
}

/// The client's person is in this room now: his last visit is noted, and others see him come and go.
fn enter(inner: &mut Inner, client: &str, room: RoomId) {
    let Some(found) = inner.hub.clients.get_mut(client) else {
        return;
    };
    let user = found.user;
    found.visit(room);
    inner.note_presence();
    inner.world.touch(room, user);
    // Before the subscription counts, so that nobody hears of his own coming.
    let _later = inner.flush();
}

fn unsubscribe(inner: &mut Inner, message: &Map<String, Value>) -> Map<String, Value> {
    let (id, _) = client_of(inner, message);
    let mut answer = reply(message, id.as_deref());
    answer.extend(
        message
            .get("subscription")
            .map(|name| ("subscription".to_owned(), name.clone())),
    );
    let Some(id) = id else {
        return fail(answer, "402:clientId:Missing required parameter", None);
    };
    let Some(client) = inner.hub.clients.get_mut(&id) else {
        return fail(
            answer,
            &format!("401:{id}:Unknown client"),
            Some(start_anew()),
        );
    };
    if let Some(name) = message.get("subscription").and_then(Value::as_str) {
        client.channels.remove(name);
    }
    succeed(answer)
}

fn disconnect(inner: &mut Inner, message: &Map<String, Value>) -> Map<String, Value> {
    let (id, _) = client_of(inner, message);
    let Some(id) = id else {
        return fail(
            reply(message, None),
            "402:clientId:Missing required parameter",
            None,
        );
    };
    // Dropping the client drops what wakes its held poll, which then ends.
    if inner.hub.clients.remove(&id).is_none() {
        return fail(
            reply(message, None),
            &format!("401:{id}:Unknown client"),
            Some(start_anew()),
        );
    }
    inner.note_presence();
    succeed(reply(message, Some(&id)))
}

/// Clients may publish to `/api/v1/ping2` and nowhere else.
fn publish(inner: &mut Inner, message: &Map<String, Value>, channel: &str) -> Map<String, Value> {
    let (id, known) = client_of(inner, message);
    let answer = reply(message, id.as_deref());
    if channel.starts_with("/meta/") {
        return fail(answer, &format!("403:{channel}:Forbidden channel"), None);
    }
    if channel != "/api/v1/ping2" {
        return fail(answer, "403::Push access denied", None);
    }
    if !known {
        return fail(answer, "401::Client does not exist", Some(start_anew()));
    }
    succeed(answer)
}
