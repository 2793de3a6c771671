//! The requests, as the Matrix spec (client-server API, v1.11 and later) words them.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use ruma::{EventId, MxcUri, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};

use super::call::{Body, Call, Repeat};
use super::json::{at, creation, id, lacks, member, with_reason};
use super::{Client, Counters, RequestKind, media};
use crate::{
    Actor, ByteRange, Direction, Download, Error, Homeserver, InDoubt, IncomingEvent, NewEvent,
    NewRoom, NewState, Profile, RoomMember, TimelinePage, Upload,
};

#[async_trait]
impl Homeserver for Client {
    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }

    async fn whoami(&self) -> Result<OwnedUserId, Error> {
        self.who(None).await
    }

    async fn versions(&self) -> Result<Vec<String>, Error> {
        let call = Call {
            kind: RequestKind::Versions,
            method: Method::GET,
            path: &["_matrix", "client", "versions"],
            query: vec![],
            body: Body::Nothing,
            repeat: Repeat::Safe,
        };
        let answer = self.call(None, call).await?;
        let versions = answer
            .get("versions")
            .and_then(Value::as_array)
            .ok_or_else(|| lacks("versions"))?;
        Ok(versions
            .iter()
            .filter_map(|version| version.as_str().map(ToOwned::to_owned))
            .collect())
    }

    async fn ping(&self, txn: &str) -> Result<Duration, Error> {
        let call = Call {
            kind: RequestKind::Ping,
            method: Method::POST,
            path: &[
                "_matrix",
                "client",
                "v1",
                "appservice",
                &self.settings.appservice_id,
                "ping",
            ],
            query: vec![],
            body: Body::Json(json!({ "transaction_id": txn })),
            repeat: Repeat::Never,
        };
        let answer = self.call(None, call).await?;
        let took = answer
            .get("duration_ms")
            .and_then(Value::as_u64)
            .ok_or_else(|| lacks("duration_ms"))?;
        Ok(Duration::from_millis(took))
    }

    async fn register(&self, localpart: &str) -> Result<(), Error> {
        let body = json!({
            "type": "m.login.application_service",
            "username": localpart,
            "inhibit_login": true,
        });
        let call = Call {
            kind: RequestKind::Register,
            method: Method::POST,
            path: &["_matrix", "client", "v3", "register"],
            query: vec![],
            body: Body::Json(body),
            repeat: Repeat::Safe,
        };
        match self.call(None, call).await {
            Ok(_) => Ok(()),
            Err(error) if error.errcode() == Some("M_USER_IN_USE") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn set_display_name(&self, who: &Actor, name: &str) -> Result<(), Error> {
        let user = self.user_id(who).as_str();
        let path = ["profile", user, "displayname"];
        let body = json!({ "displayname": name });
        self.put(RequestKind::SetDisplayName, who, &path, vec![], body)
            .await
            .map(drop)
    }

    async fn set_avatar(&self, who: &Actor, avatar: Option<&MxcUri>) -> Result<(), Error> {
        let user = self.user_id(who).as_str();
        let path = ["profile", user, "avatar_url"];
        // The spec has no word for "none" here; homeservers take the empty text for it.
        let body = json!({ "avatar_url": avatar.map_or("", |uri| uri.as_str()) });
        self.put(RequestKind::SetAvatar, who, &path, vec![], body)
            .await
            .map(drop)
    }

    async fn profile(&self, user: &UserId) -> Result<Profile, Error> {
        let path = ["profile", user.as_str()];
        let answer = match self.bot_get(RequestKind::Profile, &path, vec![]).await {
            Err(error) if error.is_not_found() => return Ok(Profile::default()),
            answer => answer?,
        };
        let field = |name: &str| {
            let value = answer.get(name).and_then(Value::as_str);
            value
                .filter(|value| !value.is_empty())
                .map(ToOwned::to_owned)
        };
        Ok(Profile {
            display_name: field("displayname"),
            avatar: field("avatar_url").map(OwnedMxcUri::from),
        })
    }

    async fn upload(
        &self,
        bytes: Vec<u8>,
        mime: &str,
        name: Option<&str>,
    ) -> Result<OwnedMxcUri, Error> {
        let call = Call {
            kind: RequestKind::Upload,
            method: Method::POST,
            path: &["_matrix", "media", "v3", "upload"],
            query: name
                .map(|name| ("filename", name.to_owned()))
                .into_iter()
                .collect(),
            body: Body::File {
                bytes,
                mime: mime.to_owned(),
            },
            repeat: Repeat::Safe,
        };
        let answer = self.call(Some(&Actor::Bot), call).await?;
        media::uri(&answer)
    }

    async fn upload_stream(&self, upload: Upload<'_>) -> Result<OwnedMxcUri, Error> {
        self.send_file(upload).await
    }

    async fn download(&self, file: &MxcUri, range: Option<ByteRange>) -> Result<Download, Error> {
        self.fetch_file(file, range).await
    }

    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, Error> {
        let call = Call {
            kind: RequestKind::CreateRoom,
            method: Method::POST,
            path: &["_matrix", "client", "v3", "createRoom"],
            query: vec![],
            body: Body::Json(creation(room)),
            repeat: Repeat::UnlessDone,
        };
        let answer = self.call(Some(&Actor::Bot), call).await?;
        id(&answer, "room_id")
    }

    async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, Error> {
        let answer = self
            .bot_get(RequestKind::JoinedRooms, &["joined_rooms"], vec![])
            .await?;
        let rooms = answer
            .get("joined_rooms")
            .and_then(Value::as_array)
            .ok_or_else(|| lacks("joined_rooms"))?;
        let ids = rooms.iter().filter_map(Value::as_str);
        Ok(ids.filter_map(|id| RoomId::parse(id).ok()).collect())
    }

    async fn invite(
        &self,
        who: &Actor,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let body = with_reason(json!({ "user_id": user }), reason);
        let asked = self
            .in_room(
                RequestKind::Invite,
                who,
                room,
                "invite",
                body,
                Repeat::UnlessDone,
            )
            .await;
        match asked {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.unless_member(refusal, who, room, user, &["join", "invite"])
                    .await
            }
        }
    }

    async fn join(&self, who: &Actor, room: &RoomId) -> Result<(), Error> {
        self.in_room(
            RequestKind::Join,
            who,
            room,
            "join",
            json!({}),
            Repeat::Safe,
        )
        .await
    }

    async fn leave(&self, who: &Actor, room: &RoomId, reason: Option<&str>) -> Result<(), Error> {
        let body = with_reason(json!({}), reason);
        match self
            .in_room(RequestKind::Leave, who, room, "leave", body, Repeat::Safe)
            .await
        {
            Ok(()) => Ok(()),
            Err(refusal) => {
                let user = self.user_id(who);
                self.unless_member(refusal, who, room, user, &["leave", "ban"])
                    .await
            }
        }
    }

    async fn forget(&self, who: &Actor, room: &RoomId) -> Result<(), Error> {
        match self
            .in_room(
                RequestKind::Forget,
                who,
                room,
                "forget",
                json!({}),
                Repeat::Safe,
            )
            .await
        {
            Err(error) if error.is_not_found() => Ok(()),
            result => result,
        }
    }

    async fn kick(&self, room: &RoomId, user: &UserId, reason: Option<&str>) -> Result<(), Error> {
        let body = with_reason(json!({ "user_id": user }), reason);
        match self
            .in_room(
                RequestKind::Kick,
                &Actor::Bot,
                room,
                "kick",
                body,
                Repeat::Safe,
            )
            .await
        {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.unless_member(refusal, &Actor::Bot, room, user, &["leave", "ban"])
                    .await
            }
        }
    }

    async fn send(&self, event: &NewEvent<'_>) -> Result<OwnedEventId, Error> {
        let path = ["rooms", event.room.as_str(), "send", event.kind, event.txn];
        let repeat = match event.in_doubt {
            InDoubt::SendAgain => Repeat::Safe,
            InDoubt::Tell => Repeat::UnlessDone,
        };
        let answer = self
            .put_unless(
                repeat,
                RequestKind::Send,
                event.who,
                &path,
                at(event.ts),
                event
                    .who
                    .marked(event.content, &self.settings.appservice_id),
            )
            .await?;
        id(&answer, "event_id")
    }

    async fn set_state(&self, state: &NewState<'_>) -> Result<OwnedEventId, Error> {
        let path = ["rooms", state.room.as_str(), "state", state.kind, state.key];
        let answer = self
            .put(
                RequestKind::SetState,
                state.who,
                &path,
                at(state.ts),
                state
                    .who
                    .marked(state.content, &self.settings.appservice_id),
            )
            .await?;
        id(&answer, "event_id")
    }

    async fn state(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error> {
        self.state_as(&Actor::Bot, room, kind, key).await
    }

    async fn members(&self, room: &RoomId) -> Result<Vec<RoomMember>, Error> {
        let path = ["rooms", room.as_str(), "members"];
        let query = vec![("not_membership", "leave".to_owned())];
        let answer = self.bot_get(RequestKind::Members, &path, query).await?;
        let chunk = answer
            .get("chunk")
            .and_then(Value::as_array)
            .ok_or_else(|| lacks("chunk"))?;
        Ok(chunk.iter().filter_map(member).collect())
    }

    async fn redact(
        &self,
        who: &Actor,
        room: &RoomId,
        event: &EventId,
        reason: Option<&str>,
        txn: &str,
    ) -> Result<OwnedEventId, Error> {
        let path = ["rooms", room.as_str(), "redact", event.as_str(), txn];
        let body = who.marked(
            &with_reason(json!({}), reason),
            &self.settings.appservice_id,
        );
        let answer = self
            .put(RequestKind::Redact, who, &path, vec![], body)
            .await?;
        id(&answer, "event_id")
    }

    async fn read_receipt(&self, who: &Actor, room: &RoomId, event: &EventId) -> Result<(), Error> {
        let call = Call {
            kind: RequestKind::ReadReceipt,
            method: Method::POST,
            path: &[
                "_matrix",
                "client",
                "v3",
                "rooms",
                room.as_str(),
                "receipt",
                "m.read",
                event.as_str(),
            ],
            query: vec![],
            body: Body::Json(json!({})),
            repeat: Repeat::Safe,
        };
        self.call(Some(who), call).await.map(drop)
    }

    async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<IncomingEvent>, Error> {
        let path = ["rooms", room.as_str(), "event", event.as_str()];
        match self.bot_get(RequestKind::Event, &path, vec![]).await {
            Err(error) if error.is_not_found() || error.is_forbidden() => Ok(None),
            answer => Ok(IncomingEvent::parse(&answer?.to_string(), Some(room)).ok()),
        }
    }

    async fn timeline(
        &self,
        room: &RoomId,
        from: Option<&str>,
        direction: Direction,
        senders: &[&UserId],
        limit: u16,
    ) -> Result<TimelinePage, Error> {
        let direction = match direction {
            Direction::Backward => "b",
            Direction::Forward => "f",
        };
        let mut query = vec![("dir", direction.to_owned()), ("limit", limit.to_string())];
        query.extend(from.map(|from| ("from", from.to_owned())));
        if !senders.is_empty() {
            query.push(("filter", json!({ "senders": senders }).to_string()));
        }
        let path = ["rooms", room.as_str(), "messages"];
        let answer = self.bot_get(RequestKind::Timeline, &path, query).await?;
        let chunk = answer
            .get("chunk")
            .and_then(Value::as_array)
            .ok_or_else(|| lacks("chunk"))?;
        Ok(TimelinePage {
            events: chunk
                .iter()
                .filter_map(|event| IncomingEvent::parse(&event.to_string(), Some(room)).ok())
                .collect(),
            next: answer
                .get("end")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
        })
    }
}

impl Client {
    /// Whether we can speak as somebody; gives whom the homeserver then takes us for. Unlike
    /// [`whoami`](Homeserver::whoami), he has to be registered.
    pub async fn whoami_as(&self, who: &Actor) -> Result<OwnedUserId, Error> {
        self.who(Some(who)).await
    }

    async fn who(&self, who: Option<&Actor>) -> Result<OwnedUserId, Error> {
        let path = ["account", "whoami"];
        let answer = self.get(RequestKind::Whoami, who, &path, vec![]).await?;
        id(&answer, "user_id")
    }
}
