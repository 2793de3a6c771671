//! Everything a user's client has been told by `/sync`, in the order in which it came.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::Value;

/// In which part of the answer to `/sync` an event stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Timeline of a room the user is in.
    Timeline,
    /// State before the timeline.
    State,
    /// What comes with an invite: state without event ids.
    Invite,
    /// A room the user has left or was put out of.
    Left,
}

/// One event as the user saw it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Room id.
    pub room: String,
    /// Where in the answer to `/sync` it stood.
    pub place: Place,
    /// The event itself.
    pub json: Value,
}

impl Event {
    fn text(&self, pointer: &str) -> &str {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// `event_id`
    pub fn id(&self) -> &str {
        self.text("/event_id")
    }

    /// `type`
    pub fn kind(&self) -> &str {
        self.text("/type")
    }

    /// `sender`
    pub fn sender(&self) -> &str {
        self.text("/sender")
    }

    /// `state_key`, if it is a state event.
    pub fn state_key(&self) -> Option<&str> {
        self.json.get("state_key").and_then(Value::as_str)
    }

    /// `content`
    pub fn content(&self) -> &Value {
        self.json.get("content").unwrap_or(&Value::Null)
    }

    /// `content.body`
    pub fn body(&self) -> &str {
        self.text("/content/body")
    }

    /// `content.formatted_body`
    pub fn html(&self) -> &str {
        self.text("/content/formatted_body")
    }

    /// `content.msgtype`
    pub fn msgtype(&self) -> &str {
        self.text("/content/msgtype")
    }

    /// Is it a message in the timeline, sent by this user?
    pub fn is_message_of(&self, sender: &str) -> bool {
        self.place == Place::Timeline && self.kind() == "m.room.message" && self.sender() == sender
    }

    /// Is it the membership of `user`, and which?
    pub fn membership_of(&self, user: &str) -> Option<&str> {
        (self.kind() == "m.room.member" && self.state_key() == Some(user))
            .then(|| self.text("/content/membership"))
    }
}

/// What `/sync` has told so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) since: Option<String>,
    pub(super) events: Vec<Event>,
    /// `join`, `invite` or `leave`, by room.
    pub(super) rooms: HashMap<String, String>,
    /// By room and reader, the event up to which he has read.
    pub(super) receipts: HashMap<(String, String), String>,
    ids: HashSet<String>,
}

impl Seen {
    /// Takes in one answer to `/sync`.
    pub(super) fn take_in(&mut self, answer: &Value) {
        self.since = answer["next_batch"].as_str().map(str::to_owned);
        for (section, parts) in [
            ("invite", &[("invite_state", Place::Invite)][..]),
            (
                "join",
                &[("state", Place::State), ("timeline", Place::Timeline)][..],
            ),
            (
                "leave",
                &[("state", Place::Left), ("timeline", Place::Left)][..],
            ),
        ] {
            let Some(rooms) = answer["rooms"][section].as_object() else {
                continue;
            };
            for (room, told) in rooms {
                self.rooms.insert(room.clone(), section.to_owned());
                self.note_receipts(room, &told["ephemeral"]["events"]);
                for (part, place) in parts {
                    let events = told[part]["events"]
                        .as_array()
                        .map_or(&[][..], Vec::as_slice);
                    for json in events {
                        self.add(room, *place, json);
                    }
                }
            }
        }
    }

    fn note_receipts(&mut self, room: &str, ephemeral: &Value) {
        let events = ephemeral.as_array().into_iter().flatten();
        let receipts = events.filter(|event| event["type"] == "m.receipt");
        let read = receipts
            .filter_map(|event| event["content"].as_object())
            .flatten();
        for (event, by) in read {
            for reader in by["m.read"]
                .as_object()
                .into_iter()
                .flat_map(|by| by.keys())
            {
                let key = (room.to_owned(), reader.clone());
                self.receipts.insert(key, event.clone());
            }
        }
    }

    fn add(&mut self, room: &str, place: Place, json: &Value) {
        // What stood in the timeline can come again as state.
        let fresh = json["event_id"]
            .as_str()
            .is_none_or(|id| self.ids.insert(id.to_owned()));
        if fresh {
            self.events.push(Event {
                room: room.to_owned(),
                place,
                json: json.clone(),
            });
        }
    }

    /// The last events in short, for a failure message.
    pub(super) fn summary(&self) -> String {
        let from = self.events.len().saturating_sub(40);
        let mut text = String::new();
        for event in self.events.get(from..).unwrap_or_default() {
            let room: String = event.room.chars().take(8).collect();
            let content: String = event.content().to_string().chars().take(220).collect();
            let _ = writeln!(
                text,
                "  {room} {:?} {} from {}: {content}",
                event.place,
                event.kind(),
                event.sender()
            );
        }
        text
    }
}
