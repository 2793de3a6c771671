//! Making, entering and leaving rooms, and reading what they are.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Event, Place, Refused, User, path};

/// A room with one other.
#[derive(Debug, Clone)]
pub struct Dm {
    /// Room id.
    pub room: String,
    /// Matrix id of the other.
    pub with: String,
}

impl User {
    /// Makes a room; `options` are those of `POST /createRoom`.
    pub async fn create_room(&self, options: &Value) -> anyhow::Result<String> {
        let answer = self.post("v3/createRoom", options).await?;
        answer["room_id"]
            .as_str()
            .map(str::to_owned)
            .context("no room_id in the answer")
    }

    /// Makes a direct chat and invites the other into it, as clients do.
    pub async fn start_dm(&self, with: &str) -> anyhow::Result<Dm> {
        let options =
            json!({ "preset": "trusted_private_chat", "is_direct": true, "invite": [with] });
        let room = self.create_room(&options).await?;
        Ok(Dm {
            room,
            with: with.to_owned(),
        })
    }

    /// Makes a direct chat and waits until the other has come in.
    pub async fn dm(&self, with: &str) -> anyhow::Result<Dm> {
        let dm = self.start_dm(with).await?;
        self.wait_for(&format!("{with} to join"), |event| {
            event.room == dm.room && event.membership_of(with) == Some("join")
        })
        .await?;
        Ok(dm)
    }

    /// Invites somebody.
    pub async fn invite(&self, room: &str, user: &str) -> Result<(), Refused> {
        self.post(
            &path(&["v3", "rooms", room, "invite"]),
            &json!({ "user_id": user }),
        )
        .await
        .map(drop)
    }

    /// Joins, or accepts an invite.
    pub async fn join(&self, room: &str) -> Result<(), Refused> {
        self.post(&path(&["v3", "join", room]), &json!({}))
            .await
            .map(drop)
    }

    /// Leaves, or declines an invite.
    pub async fn leave(&self, room: &str) -> Result<(), Refused> {
        self.post(&path(&["v3", "rooms", room, "leave"]), &json!({}))
            .await
            .map(drop)
    }

    /// Waits for an invite which carries state like this, and gives the room.
    pub async fn wait_for_invite(
        &self,
        what: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<String> {
        let found = self
            .wait_for(what, |event| event.place == Place::Invite && wanted(event))
            .await?;
        Ok(found.room)
    }

    /// Waits for an invite to a room of this name, and gives the room.
    pub async fn wait_for_invite_to(&self, name: &str) -> anyhow::Result<String> {
        self.wait_for_invite(&format!("an invite to a room named {name:?}"), |event| {
            event.kind() == "m.room.name" && event.content()["name"] == name
        })
        .await
    }

    /// The content of one state event of a room.
    pub async fn state(&self, room: &str, kind: &str, key: &str) -> Result<Value, Refused> {
        self.get(&path(&["v3", "rooms", room, "state", kind, key]))
            .await
    }

    /// All state events of a room.
    pub async fn all_state(&self, room: &str) -> Result<Vec<Value>, Refused> {
        let state = self.get(&path(&["v3", "rooms", room, "state"])).await?;
        Ok(state.as_array().cloned().unwrap_or_default())
    }

    /// Sets a state event.
    pub async fn set_state(
        &self,
        room: &str,
        kind: &str,
        key: &str,
        content: &Value,
    ) -> Result<(), Refused> {
        self.put(&path(&["v3", "rooms", room, "state", kind, key]), content)
            .await
            .map(drop)
    }

    /// Matrix ids of those with this membership (`join`, `invite`, `leave`, `ban`), sorted.
    pub async fn members(&self, room: &str, membership: &str) -> Result<Vec<String>, Refused> {
        let query = format!("?membership={membership}");
        let answer = self
            .get(&(path(&["v3", "rooms", room, "members"]) + &query))
            .await?;
        let mut members: Vec<String> = answer["chunk"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(|event| event["state_key"].as_str().map(str::to_owned))
            .collect();
        members.sort();
        Ok(members)
    }

    /// The whole timeline of a room, oldest first, as the homeserver has it.
    pub async fn timeline(&self, room: &str) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut from = String::new();
        loop {
            let mut page = path(&["v3", "rooms", room, "messages"]) + "?dir=b&limit=500";
            if !from.is_empty() {
                let _ = write!(page, "&from={}", path(&[from.as_str()]));
            }
            let answer = self.get(&page).await?;
            for json in answer["chunk"].as_array().map_or(&[][..], Vec::as_slice) {
                let (room, place) = (room.to_owned(), Place::Timeline);
                events.push(Event {
                    room,
                    place,
                    json: json.clone(),
                });
            }
            match answer["end"].as_str() {
                Some(end) => end.clone_into(&mut from),
                None => break,
            }
        }
        events.reverse();
        Ok(events)
    }

    /// Bodies of all messages of a room, oldest first.
    pub async fn bodies(&self, room: &str) -> anyhow::Result<Vec<String>> {
        let timeline = self.timeline(room).await?;
        let messages = timeline
            .iter()
            .filter(|event| event.kind() == "m.room.message");
        Ok(messages.map(|event| event.body().to_owned()).collect())
    }
}
