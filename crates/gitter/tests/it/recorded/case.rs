//! A recorded case, and which call of the library asks it.

use std::collections::{BTreeMap, BTreeSet};

use gitter::{Draft, Error, MAX_TEXT, MessageId, MessageQuery, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::it::support::{Answer, Asked};

#[derive(Deserialize)]
pub(super) struct Case {
    #[serde(rename = "case")]
    pub(super) name: String,
    pub(super) actor: Option<String>,
    pub(super) request: Request,
    pub(super) response: Response,
}

#[derive(Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<Value>,
    pub(super) raw: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
}

/// A call of the library.
#[derive(Debug)]
pub(super) enum Ask {
    Me,
    Ping,
    Rooms,
    Room(RoomId),
    Resolve(String),
    Join(RoomId),
    Leave(RoomId, UserId),
    SetTopic(RoomId, String),
    Groups,
    Members(RoomId, usize, usize),
    User(String),
    Messages(RoomId, MessageQuery),
    Message(RoomId, MessageId),
    Thread(RoomId, MessageId, Option<u32>),
    Send(RoomId, Draft),
    Edit(RoomId, MessageId, String),
    Delete(RoomId, MessageId),
    Unread(RoomId),
    MarkRead(RoomId, Vec<MessageId>),
    MarkAllRead(RoomId),
    Token(BTreeMap<String, String>),
    Authorize(BTreeMap<String, String>),
    Callback(String),
}

pub(super) fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recordings/rest.jsonl");
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The ids of the people in the recordings.
fn id_of(actor: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recordings/world.json");
    let world: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    world["users"][actor]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

impl Case {
    pub(super) fn url(&self) -> Url {
        Url::parse("http://gitter.test")
            .unwrap()
            .join(&self.request.path)
            .unwrap()
    }

    /// The path, with the actor's own id as `me`: Gitter takes either.
    fn path(&self) -> Vec<String> {
        let mut path: Vec<String> = self
            .url()
            .path_segments()
            .unwrap()
            .map(str::to_owned)
            .collect();
        if let (Some(actor), Some("user")) = (&self.actor, path.get(1).map(String::as_str))
            && path.get(2).is_some_and(|id| *id == id_of(actor))
            && path.len() > 3
        {
            "me".clone_into(&mut path[2]);
        }
        path
    }

    pub(super) fn query(&self) -> BTreeMap<String, String> {
        self.url().query_pairs().into_owned().collect()
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.request
            .headers
            .get("Authorization")?
            .strip_prefix("Bearer ")
    }

    fn form(&self) -> BTreeMap<String, String> {
        let raw = self.request.raw.as_deref().unwrap_or_default();
        url::form_urlencoded::parse(raw.as_bytes())
            .into_owned()
            .collect()
    }

    /// The body, of which some were recorded as text.
    fn body(&self) -> Option<Value> {
        let raw = || serde_json::from_str(self.request.raw.as_deref()?).ok();
        self.request.json.clone().or_else(raw)
    }

    /// The body, if it is an object with these keys and, perhaps, the others.
    fn object(&self, must: &[&str], may: &[&str]) -> Option<Map<String, Value>> {
        if !self.is_json() {
            return None;
        }
        let object = self.body()?.as_object()?.clone();
        let fits = must.iter().all(|key| object.contains_key(*key))
            && object
                .keys()
                .all(|key| must.contains(&key.as_str()) || may.contains(&key.as_str()));
        fits.then_some(object)
    }

    fn is_json(&self) -> bool {
        self.request
            .headers
            .get("Content-Type")
            .is_some_and(|kind| kind == "application/json")
            && !self.request.headers.contains_key("Transfer-Encoding")
    }

    fn keys(&self) -> BTreeSet<String> {
        self.query().into_keys().collect()
    }

    /// The call that asks this, if there is one.
    pub(super) fn ask(&self) -> Option<Ask> {
        let path = self.path();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if self.request.host == "web" {
            return self.ask_oauth(&path);
        }
        let plain = |name: &String| {
            matches!(
                name.as_str(),
                "Authorization" | "Content-Type" | "Transfer-Encoding"
            )
        };
        if !self.request.headers.keys().all(plain) {
            return None;
        }
        if self.request.headers.is_empty() && path == ["v1", "user", "me"] && self.keys().is_empty()
        {
            return Some(Ask::Ping);
        }
        self.token()?;
        let query = self.query();
        let number = |key: &str| query.get(key).map(|value| value.parse::<u32>());
        let none = self.keys().is_empty();
        Some(match (self.request.method.as_str(), &path[1..]) {
            ("GET", ["user", "me"]) if none => Ask::Me,
            ("GET", ["rooms"]) if none => Ask::Rooms,
            ("GET", ["groups"]) if none => Ask::Groups,
            ("GET", ["users", name]) if none => Ask::User((*name).to_owned()),
            ("GET", ["rooms", room]) if none => Ask::Room((*room).into()),
            ("POST", ["rooms"]) if none => {
                Ask::Resolve(self.object(&["uri"], &[])?["uri"].as_str()?.to_owned())
            }
            ("POST", ["user", "me", "rooms"]) if none => {
                Ask::Join(self.object(&["id"], &[])?["id"].as_str()?.into())
            }
            ("PUT", ["rooms", room]) => {
                let topic = self.object(&["topic"], &[])?["topic"].as_str()?.to_owned();
                Ask::SetTopic((*room).into(), topic)
            }
            ("DELETE", ["rooms", room, "users", user]) if none => {
                Ask::Leave((*room).into(), (*user).into())
            }
            ("GET", ["rooms", room, "users"])
                if self
                    .keys()
                    .iter()
                    .all(|key| key == "skip" || key == "limit") =>
            {
                let number = |key, usual| {
                    number(key)
                        .map_or(Some(usual), Result::ok)
                        .map(|n| n as usize)
                };
                Ask::Members((*room).into(), number("skip", 0)?, number("limit", 30)?)
            }
            ("GET", ["rooms", room, "chatMessages"]) => {
                Ask::Messages((*room).into(), self.which()?)
            }
            ("GET", ["rooms", room, "chatMessages", message]) if none => {
                Ask::Message((*room).into(), (*message).into())
            }
            ("GET", ["rooms", room, "chatMessages", parent, "thread"]) => {
                let limit = number("limit").transpose().ok()?;
                Ask::Thread((*room).into(), (*parent).into(), limit)
            }
            ("POST", ["rooms", room, "chatMessages"]) => {
                let body = self.object(&["text"], &["status", "parentId"])?;
                let draft = Draft {
                    text: body["text"].as_str()?.to_owned(),
                    status: body.get("status").is_some_and(|status| status == true),
                    parent: body.get("parentId").and_then(Value::as_str).map(Into::into),
                };
                Ask::Send((*room).into(), draft)
            }
            ("PUT", ["rooms", room, "chatMessages", message]) => {
                let text = self.object(&["text"], &[])?["text"].as_str()?.to_owned();
                Ask::Edit((*room).into(), (*message).into(), text)
            }
            ("DELETE", ["rooms", room, "chatMessages", message]) => {
                Ask::Delete((*room).into(), (*message).into())
            }
            ("GET", ["user", "me", "rooms", room, "unreadItems"]) => Ask::Unread((*room).into()),
            ("POST", ["user", "me", "rooms", room, "unreadItems"]) => {
                let messages: Vec<MessageId> =
                    serde_json::from_value(self.object(&["chat"], &[])?["chat"].clone()).ok()?;
                (!messages.is_empty()).then_some(Ask::MarkRead((*room).into(), messages))?
            }
            ("DELETE", ["user", "me", "rooms", room, "unreadItems", "all"]) => {
                Ask::MarkAllRead((*room).into())
            }
            _ => return None,
        })
    }

    fn which(&self) -> Option<MessageQuery> {
        let mut which = MessageQuery::default();
        for (key, value) in self.query() {
            match key.as_str() {
                "beforeId" => which.before = Some(value.into()),
                "afterId" => which.after = Some(value.into()),
                "aroundId" => which.around = Some(value.into()),
                "limit" => which.limit = Some(value.parse().ok()?),
                "includeThreads" if value == "true" => which.include_threads = true,
                _ => return None,
            }
        }
        Some(which)
    }

    fn ask_oauth(&self, path: &[&str]) -> Option<Ask> {
        let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
        match (self.request.method.as_str(), path) {
            ("POST", ["login", "oauth", "token"]) => {
                let form = self.form();
                let ours = [
                    "client_id",
                    "client_secret",
                    "code",
                    "grant_type",
                    "redirect_uri",
                ];
                let plain = self.request.headers.keys().eq(["Content-Type"]);
                (plain
                    && self.keys().is_empty()
                    && keys(&form) == ours
                    && form["grant_type"] == "authorization_code")
                    .then_some(Ask::Token(form))
            }
            ("GET", ["login", "oauth", "authorize"]) => {
                let query = self.query();
                let ours = ["client_id", "redirect_uri", "response_type", "state"];
                (keys(&query) == ours).then_some(Ask::Authorize(query))
            }
            ("POST", ["login", "oauth", "authorize", "decision"]) => Some(Ask::Callback(
                self.response.headers.get("Location")?.clone(),
            )),
            _ => None,
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let headers = self
            .response
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "Transfer-Encoding" | "Set-Cookie"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let body = match (&self.response.json, &self.response.text) {
            (Some(json), _) => serde_json::to_vec(json).unwrap(),
            (None, Some(text)) => text.clone().into_bytes(),
            (None, None) => Vec::new(),
        };
        Answer {
            status: self.response.status,
            headers,
            body,
        }
    }

    /// The answer's JSON, once it is known to be a success.
    pub(super) fn json(&self) -> &Value {
        self.response.json.as_ref().unwrap()
    }

    /// Compares what was asked with what was recorded.
    pub(super) fn compare(&self, asked: &Asked) {
        assert_eq!(asked.method.as_str(), self.request.method);
        let sent = Url::parse("http://gitter.test")
            .unwrap()
            .join(&asked.uri.to_string())
            .unwrap();
        let path: Vec<String> = sent.path_segments().unwrap().map(str::to_owned).collect();
        assert_eq!(path, self.path());
        let mut query: BTreeMap<String, String> = sent.query_pairs().into_owned().collect();
        if path.last().is_some_and(|last| last == "users") {
            // Members are always asked for by pages; these are Gitter's own defaults.
            for (key, value) in [("skip", "0"), ("limit", "30")] {
                if !self.keys().contains(key) && query.get(key).is_some_and(|sent| sent == value) {
                    query.remove(key);
                }
            }
        }
        assert_eq!(query, self.query());
        let header = |name: &str| asked.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            header("authorization").map(str::trim_end),
            self.request
                .headers
                .get("Authorization")
                .map(|value| value.trim_end())
        );
        assert_eq!(header("accept"), Some("application/json"));
        assert_eq!(header("transfer-encoding"), None);
        let body = &asked.body;
        assert_eq!(
            header("content-type"),
            self.request.headers.get("Content-Type").map(String::as_str)
        );
        if self.request.headers.contains_key("Content-Type") {
            assert_eq!(
                header("content-length"),
                Some(body.len().to_string().as_str())
            );
        } else {
            assert!(body.is_empty());
        }
        if self.is_json() {
            assert_eq!(
                Some(serde_json::from_slice::<Value>(body).unwrap()),
                self.body()
            );
        } else if !body.is_empty() {
            let sent: BTreeMap<String, String> =
                url::form_urlencoded::parse(body).into_owned().collect();
            assert_eq!(sent, self.form());
        }
    }

    /// The error that belongs to the recorded status; `None` for a success.
    pub(super) fn expected(&self, ask: &Ask) -> Option<Error> {
        let reads = self.request.method == "GET";
        let long = match ask {
            Ask::Send(_, draft) => draft.text.encode_utf16().count() > MAX_TEXT,
            Ask::Edit(_, _, text) => text.encode_utf16().count() > MAX_TEXT,
            _ => false,
        };
        Some(match self.response.status {
            200 | 204 => return None,
            400 if long => Error::TooLarge,
            400 => Error::BadRequest { status: 400 },
            401 => Error::Unauthorised,
            403 => Error::Forbidden,
            404 => Error::NotFound,
            413 => Error::TooLarge,
            500 => Error::ServerFault {
                status: 500,
                effect: if reads {
                    gitter::Effect::None
                } else {
                    gitter::Effect::Unknown
                },
            },
            other => panic!("no error is known for status {other}"),
        })
    }
}
