//! Playing a recorded session: the client's frames and the REST calls between them are sent, what comes back is gathered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::case::client;
use crate::compare::differences;
use crate::stage::{Stage, recordings};

/// What comes later than this is taken for lost.
const DEADLINE: Duration = Duration::from_secs(10);
/// Notifications recorded so many milliseconds before a step were not caused by it.
const APART: u64 = 500;

/// A request under way: the status and the body of its answer.
type Poll = JoinHandle<Result<(u16, String), reqwest::Error>>;
type Writer = SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>;

/// What a socket received: messages, and at its end the code with which it was closed.
#[derive(Default)]
struct Inbox {
    messages: Vec<Value>,
    closed: Option<u16>,
}

struct Socket {
    writer: Writer,
    reader: JoinHandle<()>,
}

/// A session that is being played.
pub(crate) struct Replay {
    pub(crate) stage: Stage,
    http: Client,
    sockets: BTreeMap<String, Socket>,
    inboxes: BTreeMap<String, Arc<Mutex<Inbox>>>,
    polls: BTreeMap<String, Poll>,
    /// What each socket received in the recording, with the time.
    recorded: BTreeMap<String, Vec<(u64, Value)>>,
    hook: Option<String>,
    legacy: bool,
    /// Messages that differ for a reason, and are left out on both sides.
    unlike: fn(&Value) -> bool,
    wrong: Vec<String>,
}

impl Replay {
    pub(crate) fn new(stage: Stage, unlike: fn(&Value) -> bool) -> Self {
        Self {
            stage,
            http: client(),
            sockets: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            polls: BTreeMap::new(),
            recorded: BTreeMap::new(),
            hook: None,
            legacy: false,
            unlike,
            wrong: Vec::new(),
        }
    }

    /// Plays the session and says what came back differently.
    pub(crate) async fn play(mut self, session: &str) -> Vec<String> {
        self.legacy = session == "legacy_endpoint";
        for line in recordings(&format!("realtime/{session}.jsonl"))
            .lines()
            .skip(1)
        {
            self.step(&serde_json::from_str(line).unwrap()).await;
        }
        self.settle(u64::MAX).await;
        self.judge();
        self.wrong
    }

    async fn step(&mut self, line: &Value) {
        let time = line["t"].as_u64().unwrap();
        let who = line["who"].as_str().unwrap_or_default().to_owned();
        match (line["dir"].as_str(), line["transport"].as_str()) {
            (Some("out"), Some("websocket")) => self.send(&who, line).await,
            (Some("in"), Some("websocket")) => self.expect(&who, time, line).await,
            (Some("out"), _) => self.post(line),
            (Some("in"), _) => self.poll_answered(line).await,
            _ if line.get("rest").is_some() => self.rest(time, &line["rest"]).await,
            _ if line.get("hook").is_some() => self.report(&line["hook"]).await,
            _ if line.get("note").is_some() => {
                self.settle(time).await;
                let token = self.stage.token("dave_twitter/appToken");
                self.stage
                    .names
                    .insert("<dave_twitter/appToken>".to_owned(), token.clone());
                self.stage.sandbox.world().revoke_token(&token).unwrap();
                self.until(|replay| {
                    replay
                        .inboxes
                        .values()
                        .all(|inbox| inbox.lock().unwrap().closed == Some(1000))
                })
                .await;
            }
            _ if line.get("close").is_some() => {
                self.catch_up(&who).await;
                if let Some(socket) = self.sockets.remove(&who) {
                    socket.reader.abort();
                }
            }
            _ => panic!("a line of an unknown kind: {line}"),
        }
        self.stage.tick();
    }

    /// Waits until something is so; after a while whatever is missing will be told by the comparison.
    async fn until(&self, so: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(DEADLINE, async {
            while !so(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        let _late = waited.await;
    }

    fn received(&self, who: &str) -> usize {
        self.count(who, |_| true)
    }

    /// How many messages of a kind a socket has received.
    fn count(&self, who: &str, wanted: impl Fn(&Value) -> bool) -> usize {
        self.inboxes.get(who).map_or(0, |inbox| {
            let messages = &inbox.lock().unwrap().messages;
            let counts = |message: &&Value| wanted(message) && !(self.unlike)(message);
            messages.iter().filter(counts).count()
        })
    }

    /// Waits for all answers up to here, and for the notifications before that time.
    async fn settle(&self, time: u64) {
        let is_answer = |message: &Value| message.get("data").is_none();
        self.until(|replay| {
            replay.recorded.iter().all(|(who, recorded)| {
                let answers = recorded
                    .iter()
                    .filter(|(_, message)| is_answer(message))
                    .count();
                let before = recorded.iter().filter(|(at, _)| *at < time).count();
                let answered = replay.count(who, is_answer);
                answered >= answers && replay.received(who) >= before
            })
        })
        .await;
    }

    /// Waits for all that a socket had received up to here.
    async fn catch_up(&self, who: &str) {
        let due = self.recorded.get(who).map_or(0, Vec::len);
        self.until(|replay| replay.received(who) >= due).await;
    }

    async fn send(&mut self, who: &str, line: &Value) {
        self.catch_up(who).await;
        if !self.inboxes.contains_key(who) {
            self.open(who).await;
        }
        let text = match line["raw"].as_str() {
            Some(raw) => raw.to_owned(),
            None => self.stage.translate(&line["frame"].to_string()),
        };
        // The recording shows what the client tried on a socket that was closed.
        if let Some(socket) = self.sockets.get_mut(who) {
            let _closed = socket.writer.send(Message::text(text)).await;
        }
    }

    async fn open(&mut self, who: &str) {
        let url = self.stage.sandbox.realtime_url().as_str();
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let (writer, mut reader) = socket.split();
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let filled = Arc::clone(&inbox);
        let reader = tokio::spawn(async move {
            while let Some(Ok(frame)) = reader.next().await {
                match frame {
                    Message::Text(text) => {
                        let messages: Vec<Value> = serde_json::from_str(&text).unwrap();
                        let empty = messages.is_empty().then(|| json!([]));
                        filled
                            .lock()
                            .unwrap()
                            .messages
                            .extend(messages.into_iter().chain(empty));
                    }
                    Message::Close(frame) => {
                        filled.lock().unwrap().closed = frame.map(|frame| frame.code.into());
                    }
                    _ => {}
                }
            }
        });
        self.inboxes.insert(who.to_owned(), inbox);
        self.sockets
            .insert(who.to_owned(), Socket { writer, reader });
    }

    async fn expect(&mut self, who: &str, time: u64, line: &Value) {
        let Some(frame) = line["frame"].as_array() else {
            return;
        };
        let messages = if frame.is_empty() {
            vec![json!([])]
        } else {
            frame.clone()
        };
        for message in messages {
            if !(self.unlike)(&message) {
                let recorded = self.recorded.entry(who.to_owned()).or_default();
                recorded.push((time, message.clone()));
            }
            if message["channel"] != "/meta/handshake" {
                continue;
            }
            let inbox = Arc::clone(&self.inboxes[who]);
            let shaken = |given: &Value| given["channel"] == "/meta/handshake";
            self.until(|_| inbox.lock().unwrap().messages.iter().any(shaken))
                .await;
            let given = inbox
                .lock()
                .unwrap()
                .messages
                .iter()
                .find(|given| shaken(given))
                .cloned();
            let given = given.map(|given| given["clientId"].clone());
            self.learn(&message["clientId"], given.as_ref());
        }
    }

    fn learn(&mut self, recorded: &Value, given: Option<&Value>) {
        if let (Some(recorded), Some(given)) = (recorded.as_str(), given.and_then(Value::as_str)) {
            self.stage
                .names
                .insert(recorded.to_owned(), given.to_owned());
        }
    }

    async fn rest(&mut self, time: u64, call: &Value) {
        self.settle(time.saturating_sub(APART)).await;
        let path = self.stage.translate(call["path"].as_str().unwrap());
        let base = self.stage.sandbox.web_url().as_str().trim_end_matches('/');
        let kind = if call["body"].get("virtualUser").is_some() {
            "matrixBridgeToken"
        } else {
            "token"
        };
        let username = call["user"].as_str().unwrap_or("bob-gh");
        // Dave's revoked token was that of the application.
        let token = if call["status"] == 401 {
            "gone".to_owned()
        } else {
            self.stage.token(&format!("{username}/{kind}"))
        };
        let sent = self
            .http
            .request(
                call["method"].as_str().unwrap().parse().unwrap(),
                format!("{base}{path}"),
            )
            .bearer_auth(token);
        let sent = match call.get("body").filter(|body| body.is_object()) {
            Some(body) => sent
                .header("content-type", "application/json")
                .body(self.stage.translate(&body.to_string())),
            None => sent,
        };
        let answer = sent.send().await.unwrap();
        if u64::from(answer.status().as_u16()) != call["status"] {
            self.wrong.push(format!(
                "{path}: {} instead of {}",
                answer.status(),
                call["status"]
            ));
        }
        let given: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        self.learn(&call["responseId"], given.get("id"));
        if call["body"].is_array() {
            self.wrong.extend(differences(&call["body"], &given));
        }
    }

    /// An integration's report.
    async fn report(&mut self, call: &Value) {
        if self.hook.is_none() {
            let lobby = self.stage.room("lobby");
            self.hook = Some(self.stage.sandbox.world().add_hook(lobby).unwrap());
        }
        let url = self
            .stage
            .sandbox
            .web_url()
            .join(self.hook.as_ref().unwrap())
            .unwrap();
        let answer = self
            .http
            .post(url)
            .json(&call["body"])
            .send()
            .await
            .unwrap();
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        if (json!(status), json!(body))
            != (
                call["response"]["status"].clone(),
                call["response"]["body"].clone(),
            )
        {
            self.wrong.push(format!(
                "hook: {status} {body} instead of {}",
                call["response"]
            ));
        }
    }

    fn post(&mut self, line: &Value) {
        let (kind, body) = match line["body"].as_str() {
            Some(form) if form.starts_with("message=") => (
                "application/x-www-form-urlencoded",
                self.stage.translate(form),
            ),
            Some(other) => ("application/json", other.to_owned()),
            None => (
                "application/json",
                self.stage.translate(&line["body"].to_string()),
            ),
        };
        let path = if self.legacy { "/faye" } else { "/bayeux" };
        let url = self.stage.sandbox.web_url().join(path).unwrap();
        let sent = self
            .http
            .post(url)
            .header("content-type", kind)
            .body(body)
            .send();
        let task = tokio::spawn(async move {
            let answer = sent.await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        });
        self.polls.insert(poll_key(&line["body"]), task);
    }

    async fn poll_answered(&mut self, line: &Value) {
        let key = poll_key(&line["body"]);
        // What is not a list of messages is answered in words.
        let key = if self.polls.contains_key(&key) {
            key
        } else {
            "other".to_owned()
        };
        let task = self.polls.remove(&key).unwrap();
        let (status, body) = tokio::time::timeout(DEADLINE, task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        if json!(status) != line["status"] {
            self.wrong.push(format!(
                "long-poll {key}: {status} instead of {}",
                line["status"]
            ));
        }
        let given: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
        self.learn(&line["body"][0]["clientId"], given[0].get("clientId"));
        let recorded =
            serde_json::from_str(&self.stage.translate(&line["body"].to_string())).unwrap();
        let differences = differences(&recorded, &given);
        self.wrong.extend(
            differences
                .into_iter()
                .map(|difference| format!("long-poll {key}: {difference}")),
        );
    }

    /// Compares what each socket received, channel by channel: notifications of different channels may overtake each other.
    fn judge(&mut self) {
        let unlike = self.unlike;
        for (who, recorded) in &self.recorded {
            let given = std::mem::take(&mut self.inboxes[who].lock().unwrap().messages);
            for (at, message) in given
                .iter()
                .filter(|message| message.get("data").is_some())
                .enumerate()
            {
                if message["ext"]["c"] != json!(at + 1) {
                    self.wrong.push(format!(
                        "{who}: number {} instead of {}",
                        message["ext"]["c"],
                        at + 1
                    ));
                }
            }
            let recorded: Vec<Value> = recorded
                .iter()
                .map(|(_, message)| {
                    serde_json::from_str(&self.stage.translate(&message.to_string())).unwrap()
                })
                .collect();
            let sort = |messages: Vec<Value>| {
                let mut sorted: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for message in messages.into_iter().filter(|message| !unlike(message)) {
                    let kind = message["channel"].as_str().unwrap_or("none").to_owned();
                    sorted.entry(kind).or_default().push(message);
                }
                sorted
            };
            let (recorded, given) = (sort(recorded), sort(given));
            let channels: BTreeSet<&String> = recorded.keys().chain(given.keys()).collect();
            let nothing = Vec::new();
            for channel in channels {
                let recorded = recorded.get(channel).unwrap_or(&nothing);
                let given = given.get(channel).unwrap_or(&nothing);
                let found = differences(&json!(recorded), &json!(given));
                self.wrong.extend(
                    found
                        .into_iter()
                        .map(|found| format!("{who} on {channel}: {found}")),
                );
            }
        }
    }
}

/// What a request and its answer have in common.
fn poll_key(body: &Value) -> String {
    let first = if body.is_array() { &body[0] } else { body };
    first["id"].as_str().unwrap_or("other").to_owned()
}
