//! The protocol without I/O: recorded sessions, and what no recording shows.

mod replay;

use serde_json::{Value, json};

use super::super::{Change, Notice, Push, Refusal};
use super::*;
use crate::RoomId;

const ME: &str = "5531a0c015522ed4b3df8c51";

/// A session with a clock of its own.
struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        // Not the time itself matters but what passes.
        let now = Instant::now();
        Self {
            session: Session::new("token".to_owned().into(), 7, now),
            now,
        }
    }

    /// A session that stands, with these channels.
    fn live(channels: &[Channel]) -> Self {
        let mut bench = Self::new();
        for channel in channels {
            bench.session.subscribe(channel.clone());
        }
        bench.open(Transport::WebSocket);
        bench.sent();
        bench.shake_hands("client-1");
        bench.settle();
        bench.told();
        bench
    }

    fn open(&mut self, transport: Transport) {
        let at = self.session.opens_at().expect("about to connect");
        self.now = self.now.max(at);
        self.session.opening();
        self.session.opened(transport, self.now);
    }

    fn shake_hands(&mut self, client: &str) {
        self.receive(&json!([{
            "channel": "/meta/handshake", "successful": true, "clientId": client,
            "advice": { "reconnect": "retry", "interval": 500, "timeout": 120_000 },
            "ext": { "userId": ME },
        }]));
    }

    /// Answers every subscription that is asked for.
    fn settle(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let sent = self.sent();
            if sent.is_empty() {
                return all;
            }
            for message in &sent {
                if message["channel"] == "/meta/subscribe" {
                    self.receive(&json!([{
                        "channel": "/meta/subscribe", "id": message["id"], "successful": true,
                        "subscription": message["subscription"],
                    }]));
                }
            }
            all.extend(sent);
        }
    }

    fn receive(&mut self, frame: &Value) {
        self.session
            .received(&serde_json::to_vec(frame).unwrap(), self.now);
    }

    fn push(&mut self, count: u64, channel: &str, data: &Value) {
        self.receive(
            &json!([{ "channel": channel, "data": data, "id": "x", "ext": { "c": count } }]),
        );
    }

    /// The messages that are to be sent.
    fn sent(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(frame) = self.session.send(self.now) {
            let list: Vec<Value> = serde_json::from_str(&frame.body).unwrap();
            all.extend(list);
        }
        all
    }

    fn sent_to(&mut self, channel: &str) -> Vec<Value> {
        self.sent()
            .into_iter()
            .filter(|message| message["channel"] == channel)
            .collect()
    }

    fn told(&mut self) -> Vec<Notification> {
        std::iter::from_fn(|| self.session.tell()).collect()
    }

    /// Lets time pass, waking up when asked to.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.session.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            if self.session.opens_at().is_some() {
                break;
            }
            self.session.tick(self.now);
        }
        self.now = self.now.max(end);
    }

    fn lose(&mut self, why: Loss) {
        self.session.lost(why, self.now);
    }
}

fn room(id: &str) -> RoomId {
    id.into()
}

fn messages(id: &str) -> Channel {
    Channel::Messages(room(id))
}

fn message(id: &str) -> Value {
    json!({ "operation": "create", "model": { "id": id, "text": "x", "html": "x", "sent": "2026-11-22T16:02:22.571Z" } })
}

fn disconnected(told: &[Notification]) -> Vec<Loss> {
    told.iter()
        .filter_map(|one| match one {
            Notification::Disconnected { why, .. } => Some(*why),
            _ => None,
        })
        .collect()
}

#[test]
fn the_connection_is_told_once_every_channel_is_answered_for() {
    let mut bench = Bench::new();
    bench.session.subscribe(Channel::Rooms);
    bench.session.subscribe(messages("r1"));
    bench.open(Transport::WebSocket);
    let handshake = bench.sent();
    assert_eq!(handshake[0]["ext"]["token"], "token");
    assert_eq!(handshake[0]["version"], "1.0");
    bench.shake_hands("client-1");
    let sent = bench.sent();
    let channels: Vec<&str> = sent
        .iter()
        .map(|one| one["channel"].as_str().unwrap())
        .collect();
    assert_eq!(
        channels,
        ["/meta/connect", "/meta/subscribe", "/meta/subscribe"]
    );
    assert_eq!(sent[1]["subscription"], format!("/api/v1/user/{ME}/rooms"));
    assert_eq!(sent[2]["subscription"], "/api/v1/rooms/r1/chatMessages");
    assert!(
        sent[1..]
            .iter()
            .all(|one| one["ext"]["snapshot"] == false && one["clientId"] == "client-1")
    );
    assert_eq!(bench.told(), []);

    bench.receive(&json!([
        { "channel": "/meta/subscribe", "id": sent[1]["id"], "successful": true },
        { "channel": "/meta/subscribe", "id": sent[2]["id"], "successful": false, "error": "403::Authorisation denied." },
    ]));
    assert_eq!(bench.sent(), [] as [Value; 0]);
    assert_eq!(
        bench.told(),
        [
            Notification::Subscribed(Channel::Rooms),
            Notification::SubscribeRefused {
                channel: messages("r1"),
                why: Refusal::Forbidden
            },
            Notification::Connected {
                user_id: ME.into(),
                resumed: false
            },
        ]
    );
}

#[test]
fn many_channels_go_in_batches_each_after_the_answer_to_the_last() {
    let mut bench = Bench::new();
    for number in 0..60 {
        bench.session.subscribe(messages(&format!("r{number}")));
    }
    bench.open(Transport::WebSocket);
    bench.sent();
    bench.shake_hands("client-1");
    let mut sizes = Vec::new();
    loop {
        let batch = bench.sent_to("/meta/subscribe");
        if batch.is_empty() {
            break;
        }
        sizes.push(batch.len());
        for one in batch {
            bench.receive(
                &json!([{ "channel": "/meta/subscribe", "id": one["id"], "successful": true }]),
            );
        }
    }
    assert_eq!(sizes, [25, 25, 10]);
    assert_eq!(bench.told().len(), 61);
}

#[test]
fn one_connect_is_always_outstanding() {
    let mut bench = Bench::live(&[]);
    for _ in 0..3 {
        bench.pass(Duration::from_millis(200));
        bench.receive(&json!([{
            "channel": "/meta/connect", "successful": true, "clientId": "client-1",
            "advice": { "reconnect": "retry", "interval": 500, "timeout": 120_000 },
        }]));
        assert_eq!(
            bench.sent(),
            [] as [Value; 0],
            "not before the advised interval"
        );
        bench.pass(Duration::from_millis(500));
        let sent = bench.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0]["channel"], "/meta/connect");
        assert_eq!(sent[0]["connectionType"], "websocket");
        assert_eq!(sent[0].get("advice"), None);
    }
}

#[test]
fn a_number_left_out_is_a_gap() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.push(1, "/api/v1/rooms/r1/chatMessages", &message("a"));
    bench.push(2, "/api/v1/rooms/r1/chatMessages", &message("b"));
    assert_eq!(bench.told().len(), 2);
    bench.push(4, "/api/v1/rooms/r1/chatMessages", &message("d"));
    let told = bench.told();
    assert_eq!(told[0], Notification::Gap { room: None });
    assert!(matches!(&told[1..], [Notification::Push(_)]));
    bench.push(5, "/api/v1/rooms/r1/chatMessages", &message("e"));
    assert_eq!(bench.told().len(), 1);
}

#[test]
fn a_push_that_cannot_be_read_is_a_gap_and_harms_no_other() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.receive(&json!([
        { "channel": "/api/v1/rooms/r1/chatMessages", "data": { "operation": "create", "model": { "id": 7 } }, "ext": { "c": 1 } },
        { "no": "channel" },
        7,
        { "channel": "/api/v1/rooms/r1/chatMessages", "data": message("b"), "ext": { "c": 2 } },
    ]));
    let told = bench.told();
    assert_eq!(
        told[0],
        Notification::Gap {
            room: Some(room("r1"))
        }
    );
    assert_eq!(
        told[1..3],
        [
            Notification::Gap { room: None },
            Notification::Gap { room: None }
        ]
    );
    assert!(matches!(&told[3..], [Notification::Push(_)]));
}

#[test]
fn what_means_nothing_here_is_passed_over() {
    let mut bench = Bench::live(&[messages("r1"), Channel::Alerts]);
    bench.push(
        1,
        "/api/v1/rooms/r1/chatMessages",
        &json!({ "operation": "transmogrify", "model": {} }),
    );
    bench.push(2, "/api/v1/rooms/r1/chatMessages", &json!({}));
    bench.push(3, "/api/v1/elsewhere", &json!({}));
    assert_eq!(bench.told(), []);
    bench.push(
        4,
        &format!("/api/v1/user/{ME}"),
        &json!({ "notification": "activity", "troupeId": "r1" }),
    );
    let told = bench.told();
    let notice = Change::Notice(Notice::Other("activity".to_owned()));
    assert_eq!(
        told,
        [Notification::Push(Box::new(Push {
            channel: Channel::Alerts,
            change: notice
        }))]
    );
}

#[test]
fn a_short_interruption_is_resumed_with_the_same_client_id() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.push(1, "/api/v1/rooms/r1/chatMessages", &message("a"));
    bench.pass(Duration::from_secs(40));
    bench.session.heard(bench.now);
    bench.told();
    bench.lose(Loss::Closed(Some(1006)));
    assert!(matches!(
        bench.told().as_slice(),
        [Notification::Disconnected { why: Loss::Closed(Some(1006)), retry_in }] if *retry_in <= Duration::from_secs(1)
    ));
    // What is wanted meanwhile is asked for once the connection stands.
    bench.session.subscribe(messages("r2"));
    bench.open(Transport::WebSocket);
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (&sent[0]["channel"], &sent[0]["clientId"]),
        (&json!("/meta/connect"), &json!("client-1"))
    );
    assert_eq!(sent[0]["advice"]["timeout"], 0);
    // The queue comes first, with the numbers going on.
    bench.push(2, "/api/v1/rooms/r1/chatMessages", &message("b"));
    bench.receive(
        &json!([{ "channel": "/meta/connect", "successful": true, "clientId": "client-1" }]),
    );
    let sent = bench.settle();
    let subscribed: Vec<&Value> = sent
        .iter()
        .filter_map(|one| one.get("subscription"))
        .collect();
    assert_eq!(
        subscribed,
        ["/api/v1/rooms/r2/chatMessages"],
        "the one that stood is not asked for again"
    );
    let told = bench.told();
    assert!(matches!(&told[0], Notification::Push(_)));
    assert_eq!(
        told[1..],
        [
            Notification::Subscribed(messages("r2")),
            Notification::Connected {
                user_id: ME.into(),
                resumed: true
            },
        ]
    );
}

#[test]
fn a_forgotten_client_id_means_a_new_handshake_and_all_channels_anew() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.push(1, "/api/v1/rooms/r1/chatMessages", &message("a"));
    bench.lose(Loss::Broken);
    bench.open(Transport::LongPoll);
    assert_eq!(bench.sent()[0]["connectionType"], "long-polling");
    bench.told();
    bench.receive(&json!([{
        "channel": "/meta/connect", "successful": false, "error": "401:client-1:Unknown client",
        "advice": { "reconnect": "handshake", "interval": 2000 },
    }]));
    assert_eq!(bench.sent(), [] as [Value; 0]);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.sent()[0]["channel"], "/meta/handshake");
    bench.shake_hands("client-2");
    let sent = bench.settle();
    assert!(
        sent.iter()
            .any(|one| one["subscription"] == "/api/v1/rooms/r1/chatMessages")
    );
    assert_eq!(
        bench.told(),
        [
            Notification::Subscribed(messages("r1")),
            Notification::Connected {
                user_id: ME.into(),
                resumed: false
            },
        ]
    );
    // The numbers begin anew.
    bench.push(1, "/api/v1/rooms/r1/chatMessages", &message("b"));
    assert_eq!(bench.told().len(), 1);
}

#[test]
fn after_a_long_interruption_no_resumption_is_tried() {
    let mut bench = Bench::live(&[]);
    bench.lose(Loss::Broken);
    bench.now += Duration::from_secs(91);
    bench.open(Transport::WebSocket);
    assert_eq!(bench.sent()[0]["channel"], "/meta/handshake");
}

#[test]
fn a_client_forgotten_in_the_middle_is_told_and_greets_again() {
    for error in [
        "401:client-1:Unknown client",
        "401::Client client-1 not authenticated",
    ] {
        let mut bench = Bench::live(&[messages("r1")]);
        bench.session.subscribe(messages("r2"));
        let asked = bench.sent();
        bench.receive(&json!([{
            "channel": "/meta/subscribe", "id": asked[0]["id"], "successful": false, "error": error,
        }]));
        assert_eq!(disconnected(&bench.told()), [Loss::Forgotten]);
        bench.pass(Duration::from_secs(1));
        assert_eq!(bench.sent()[0]["channel"], "/meta/handshake");
        bench.shake_hands("client-2");
        bench.settle();
        assert_eq!(bench.told().len(), 3);
    }
}

#[test]
fn reconnect_none_is_the_end() {
    for (error, end) in [
        ("401::Invalid access token", RealtimeError::TokenRefused),
        ("500::Go away", RealtimeError::Banished(Some(500))),
    ] {
        let mut bench = Bench::new();
        bench.open(Transport::WebSocket);
        bench.sent();
        bench.receive(&json!([{
            "channel": "/meta/handshake", "successful": false, "error": error,
            "advice": { "reconnect": "none", "interval": 864_000_000 },
        }]));
        assert_eq!(bench.session.over(), Some(end));
        assert_eq!((bench.sent().len(), bench.told().len()), (0, 0));
        // Run again, say with a token that has come back to life, it begins anew.
        bench.session.restart(bench.now);
        bench.open(Transport::WebSocket);
        assert_eq!(bench.sent()[0]["channel"], "/meta/handshake");
    }
}

#[test]
fn a_refused_handshake_is_tried_again_later_and_later() {
    let mut bench = Bench::new();
    let mut waits = Vec::new();
    for _ in 0..9 {
        bench.open(Transport::WebSocket);
        bench.sent();
        bench.receive(&json!([{
            "channel": "/meta/handshake", "successful": false, "error": "402:version:Missing required parameter",
            "advice": { "reconnect": "handshake" },
        }]));
        match bench.told().as_slice() {
            [
                Notification::Disconnected {
                    why: Loss::Handshake(Some(402)),
                    retry_in,
                },
            ] => waits.push(*retry_in),
            other => panic!("{other:?}"),
        }
    }
    for (number, wait) in waits.iter().enumerate() {
        let longest = Duration::from_secs(60.min(1 << number));
        assert!(*wait >= longest / 2 && *wait <= longest, "{waits:?}");
    }
    // A connection that proves itself ends that.
    bench.open(Transport::WebSocket);
    bench.shake_hands("client-1");
    bench.pass(Duration::from_secs(45));
    bench.lose(Loss::Broken);
    assert!(matches!(
        bench.told().last(),
        Some(Notification::Disconnected { retry_in, .. }) if *retry_in <= Duration::from_secs(1)
    ));
}

#[test]
fn a_silent_websocket_is_probed_and_given_up() {
    let mut bench = Bench::live(&[]);
    bench.pass(Duration::from_secs(59));
    assert!(bench.session.send(bench.now).is_none());
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.session.send(bench.now).unwrap().body, "[]");
    // Answered, all is well.
    bench.receive(&json!([]));
    bench.pass(Duration::from_secs(50));
    assert_eq!(bench.told(), []);
    // Unanswered, it is not.
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.session.send(bench.now).unwrap().body, "[]");
    bench.pass(Duration::from_secs(15));
    assert_eq!(disconnected(&bench.told()), [Loss::Silent]);
}

#[test]
fn pings_keep_a_quiet_websocket_from_being_probed() {
    let mut bench = Bench::live(&[]);
    for _ in 0..2 {
        bench.pass(Duration::from_secs(40));
        bench.session.heard(bench.now);
    }
    assert!(bench.session.send(bench.now).is_none());
    assert_eq!(bench.told(), []);
}

#[test]
fn a_connect_that_is_never_answered_is_noticed() {
    let mut bench = Bench::live(&[]);
    // The socket is alive, and yet nothing is answered.
    for _ in 0..14 {
        bench.pass(Duration::from_secs(10));
        bench.session.heard(bench.now);
    }
    assert_eq!(disconnected(&bench.told()), [Loss::Silent]);
}

#[test]
fn an_idle_poll_that_is_reset_is_simply_sent_again() {
    let mut bench = Bench::new();
    bench.open(Transport::LongPoll);
    bench.sent();
    bench.shake_hands("client-1");
    assert_eq!(bench.sent().len(), 1);
    bench.told();
    // At the end of its time, as recorded: no loss.
    bench.pass(Duration::from_mins(2));
    bench.session.poll_ended(bench.now);
    assert_eq!(bench.told(), []);
    bench.pass(Duration::ZERO);
    let sent = bench.sent();
    assert_eq!(
        (&sent[0]["channel"], &sent[0]["clientId"]),
        (&json!("/meta/connect"), &json!("client-1"))
    );
    // In the middle of it: a loss.
    bench.pass(Duration::from_secs(20));
    bench.session.poll_ended(bench.now);
    assert_eq!(disconnected(&bench.told()), [Loss::Broken]);
}

#[test]
fn a_subscription_that_gitter_fails_is_tried_again_some_times() {
    let mut bench = Bench::live(&[]);
    bench.session.subscribe(messages("r1"));
    for tries in 1..=3 {
        let asked = bench.sent();
        assert_eq!(asked.len(), 1, "try {tries}");
        bench.receive(&json!([{
            "channel": "/meta/subscribe", "id": asked[0]["id"], "successful": false, "error": "500::Internal",
        }]));
        assert_eq!(bench.sent(), [] as [Value; 0]);
        bench.pass(Duration::from_secs(5));
    }
    let why = Refusal::Other(Some(500));
    assert_eq!(
        bench.told(),
        [Notification::SubscribeRefused {
            channel: messages("r1"),
            why
        }]
    );
}

#[test]
fn a_subscription_that_is_never_answered_costs_two_reconnects_and_not_more() {
    let mut bench = Bench::live(&[messages("good")]);
    bench.session.subscribe(messages("bad"));
    let mut losses = Vec::new();
    let mut refused = Vec::new();
    for _ in 0..5 {
        for message in bench.sent() {
            let subscription = message["subscription"].as_str().unwrap_or_default();
            if message["channel"] == "/meta/connect" && message["advice"]["timeout"] == 0 {
                bench.receive(&json!([{ "channel": "/meta/connect", "successful": true }]));
            } else if subscription.contains("good") {
                bench.receive(&json!([{ "channel": "/meta/subscribe", "id": message["id"], "successful": true }]));
            }
        }
        bench.pass(Duration::from_secs(31));
        bench.session.heard(bench.now);
        for one in bench.told() {
            match one {
                Notification::Disconnected { why, .. } => losses.push(why),
                Notification::SubscribeRefused { channel, why } => refused.push((channel, why)),
                _ => {}
            }
        }
        if bench.session.opens_at().is_some() {
            bench.open(Transport::WebSocket);
        }
    }
    assert_eq!(refused, [(messages("bad"), Refusal::NoAnswer)]);
    assert!(
        losses.iter().all(|why| *why == Loss::Silent) && losses.len() <= 3,
        "{losses:?}"
    );
}

#[test]
fn what_is_no_longer_wanted_is_not_told() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.session.unsubscribe(&messages("r1"));
    let sent = bench.sent();
    assert_eq!(
        (&sent[0]["channel"], sent.len()),
        (&json!("/meta/unsubscribe"), 1)
    );
    bench.push(1, "/api/v1/rooms/r1/chatMessages", &message("a"));
    assert_eq!(bench.told(), []);
    assert_eq!(
        bench.sent_to("/meta/unsubscribe").len(),
        1,
        "Gitter is told again"
    );
    // Wanted again, it is asked for again.
    bench.session.subscribe(messages("r1"));
    bench.settle();
    assert_eq!(bench.told(), [Notification::Subscribed(messages("r1"))]);
}

#[test]
fn subscribing_twice_asks_once() {
    let mut bench = Bench::live(&[messages("r1")]);
    bench.session.subscribe(messages("r1"));
    assert_eq!(bench.sent(), [] as [Value; 0]);
}

#[test]
fn leaving_a_room_takes_its_channels_along() {
    let mut bench = Bench::live(&[
        Channel::Rooms,
        messages("r1"),
        Channel::Members(room("r1")),
        messages("r2"),
    ]);
    bench.push(
        1,
        &format!("/api/v1/user/{ME}/rooms"),
        &json!({ "operation": "remove", "model": { "id": "r1" } }),
    );
    assert_eq!(bench.sent_to("/meta/unsubscribe").len(), 2);
    assert_eq!(bench.told().len(), 1);
    // Back in it, its channels can be wanted again.
    bench.session.subscribe(messages("r1"));
    assert_eq!(bench.settle().len(), 1);
}

#[test]
fn nonsense_breaks_the_connection_and_nothing_else() {
    let mut bench = Bench::live(&[]);
    bench.session.received(b"<html>", bench.now);
    assert_eq!(disconnected(&bench.told()), [Loss::Garbled]);
    bench.open(Transport::WebSocket);
    bench.shake_hands("too early");
    assert_eq!(bench.told(), []);
}

#[test]
fn a_handshake_without_an_answer_is_given_up() {
    let mut bench = Bench::new();
    bench.open(Transport::WebSocket);
    bench.pass(Duration::from_secs(30));
    assert_eq!(disconnected(&bench.told()), [Loss::Silent]);
}

#[test]
fn the_token_is_in_no_debug_output() {
    let mut bench = Bench::new();
    bench.open(Transport::WebSocket);
    let frame = bench.session.send(bench.now).unwrap();
    assert!(frame.body.contains("\"token\":\"token\""));
    assert!(!format!("{frame:?}").contains("token"));
}
