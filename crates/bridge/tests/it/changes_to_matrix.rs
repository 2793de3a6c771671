//! Edits, deletions and threads of the network, as Matrix shows them.

use std::time::Duration;

use homeserver::IncomingEvent;
use ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};

use stage::{ALICE, Stage};

/// What a client shows of a room: replaced texts, nothing that was redacted.
fn shown(stage: &Stage, room: &RoomId) -> Vec<String> {
    let homeserver = stage.homeserver.lock();
    let messages: Vec<_> = homeserver.rooms[room]
        .timeline
        .iter()
        .filter(|event| event.kind == "m.room.message" && event.content["body"].is_string())
        .collect();
    let replaces = |event: &IncomingEvent| -> Option<String> {
        let relation = &event.content["m.relates_to"];
        (relation["rel_type"] == "m.replace")
            .then(|| relation["event_id"].as_str().unwrap().to_owned())
    };
    let originals = messages.iter().filter(|event| replaces(event).is_none());
    originals
        .map(|original| {
            let last = messages
                .iter()
                .rfind(|event| replaces(event).is_some_and(|id| id == original.event_id.as_str()));
            let content = last.map_or(&original.content, |event| {
                assert_eq!(event.sender, original.sender, "only he may replace it");
                &event.content["m.new_content"]
            });
            let body = content["body"].as_str().unwrap();
            format!("{}: {body}", original.sender.localpart())
        })
        .collect()
}

fn relation(stage: &Stage, room: &RoomId, body: &str) -> Value {
    let homeserver = stage.homeserver.lock();
    let found = homeserver.rooms[room]
        .timeline
        .iter()
        .find(|event| event.content["body"] == body);
    found.unwrap().content["m.relates_to"].clone()
}

fn event_of(stage: &Stage, room: &RoomId, body: &str) -> String {
    let homeserver = stage.homeserver.lock();
    let found = homeserver.rooms[room]
        .timeline
        .iter()
        .find(|event| event.content["body"] == body);
    found.unwrap().event_id.to_string()
}

fn count(stage: &Stage, room: &RoomId, what: impl Fn(&IncomingEvent) -> bool) -> usize {
    let homeserver = stage.homeserver.lock();
    homeserver.rooms[room]
        .timeline
        .iter()
        .filter(|event| what(event))
        .count()
}

fn is_edit(event: &IncomingEvent) -> bool {
    event.content["m.relates_to"]["rel_type"] == "m.replace"
}

#[tokio::test(start_paused = true)]
async fn an_edit_replaces() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", "frist");
    stage.quiet().await;
    let changed = stage.network.edits(&message, "first");
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: first"]);
    // The network tells the same again, as when somebody answers it.
    stage
        .network
        .tell(remote::Event::Changed(Box::new(changed)));
    stage.quiet().await;
    assert_eq!(count(&stage, &room, is_edit), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_never_changed_is_not_replaced() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", "hi");
    stage.quiet().await;
    stage
        .network
        .tell(remote::Event::Changed(Box::new(message)));
    stage.quiet().await;
    assert_eq!(count(&stage, &room, is_edit), 0);
}

#[tokio::test(start_paused = true)]
async fn fast_edits_end_in_the_last_text() {
    let (stage, room) = Stage::in_room("org/one").await;
    let mut message = stage.network.says("bob", "org/one", "0");
    stage.quiet().await;
    stage
        .homeserver
        .lock()
        .failures
        .push_back(stage::homeserver::Failure::Lost);
    for number in 1..=10 {
        tokio::time::advance(Duration::from_millis(10)).await;
        message = stage.network.edits(&message, &number.to_string());
    }
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: 10"]);
    assert!(
        count(&stage, &room, is_edit) < 10,
        "those in between are left out"
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_the_number_of_events_leaves_as_many_as_it_takes() {
    let (stage, room) = Stage::in_room("org/one").await;
    let long = |letter: &str| letter.repeat(130_000);
    let message = stage.network.says("bob", "org/one", &long("a"));
    stage.quiet().await;
    let before = shown(&stage, &room).len();
    assert!(before > 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    let message = stage.network.edits(&message, "short");
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: short"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.network.edits(&message, &long("b"));
    stage.quiet().await;
    let after = shown(&stage, &room);
    assert_eq!(after.len(), before);
    assert!(after.iter().all(|line| line.ends_with('b')));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_redacted() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", &"a".repeat(130_000));
    stage.network.says("bob", "org/one", "stays");
    stage.quiet().await;
    stage.network.deletes(&message);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: stays"]);
    let by_whom = |event: &IncomingEvent| {
        event.kind == "m.room.redaction" && event.sender.localpart() == "gitter_id-bob"
    };
    assert!(count(&stage, &room, by_whom) > 1, "each part, by himself");
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_while_it_waits_is_never_shown() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.homeserver.lock().stuck = Some("set_display_name");
    stage.network.says("bob", "org/one", "one");
    let message = stage.network.says("bob", "org/one", "two");
    stage.wait(Duration::from_secs(2)).await;
    stage.network.deletes(&message);
    stage.wait(Duration::from_secs(2)).await;
    stage.homeserver.lock().stuck = None;
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: one"]);
    assert_eq!(
        count(&stage, &room, |event| event.kind == "m.room.redaction"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_blanked_is_redacted_and_its_thread_goes_on() {
    let (stage, room) = Stage::in_room("org/one").await;
    let parent = stage.network.says("bob", "org/one", "parent");
    stage.network.answers("bob", &parent, "one");
    stage.quiet().await;
    let parent_event = event_of(&stage, &room, "parent");
    stage.network.blanks(&parent);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room), ["gitter_id-bob: one"]);
    stage.network.answers("bob", &parent, "two");
    stage.quiet().await;
    assert_eq!(
        relation(&stage, &room, "two")["event_id"],
        json!(parent_event)
    );
}

#[tokio::test(start_paused = true)]
async fn threads_are_threads() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let parent = stage.network.says("bob", "org/one", "parent");
    stage.network.says("bob", "org/one", "beside");
    stage.network.answers("bob", &parent, "one");
    stage.network.answers("carol", &parent, "two");
    stage.quiet().await;
    let (first, one) = (
        event_of(&stage, &room, "parent"),
        event_of(&stage, &room, "one"),
    );
    let expected = |before: &str| {
        json!({
            "rel_type": "m.thread", "event_id": first, "is_falling_back": true,
            "m.in_reply_to": { "event_id": before },
        })
    };
    assert_eq!(relation(&stage, &room, "one"), expected(&first));
    assert_eq!(relation(&stage, &room, "two"), expected(&one));
    assert_eq!(relation(&stage, &room, "beside"), Value::Null);

    // What was said while nobody listened stands in its thread, too.
    stage.network.lock().silent = true;
    stage.network.answers("bob", &parent, "three");
    stage.network.lock().silent = false;
    stage.restart().await;
    stage.quiet().await;
    let two = event_of(&stage, &room, "two");
    assert_eq!(relation(&stage, &room, "three"), expected(&two));
}

/// What she says in a thread that the network does not know stands there by itself, and can be answered there. But an event of a
/// thread begins no other thread: the homeserver refuses that.
#[tokio::test(start_paused = true)]
async fn an_answer_to_what_is_in_a_thread_here_alone_goes_into_that_thread() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let says = json!({"msgtype": "m.text", "body": "not for the network"});
    let begins = stage
        .happens(&room, "@mallory:example.org", "m.room.message", None, says)
        .await
        .event_id;
    let inside = json!({
        "msgtype": "m.text", "body": "hers",
        "m.relates_to": {"rel_type": "m.thread", "event_id": begins},
    });
    stage
        .happens(&room, ALICE, "m.room.message", None, inside)
        .await;
    stage.quiet().await;
    let hers = stage.network.lock().messages[0].clone();
    assert_eq!(hers.thread, None);
    stage.network.answers("bob", &hers, "his");
    stage.network.answers("carol", &hers, "hers, too");
    stage.quiet().await;
    let expected = |before: &str| {
        json!({
            "rel_type": "m.thread", "event_id": begins, "is_falling_back": true,
            "m.in_reply_to": { "event_id": event_of(&stage, &room, before) },
        })
    };
    assert_eq!(relation(&stage, &room, "his"), expected("hers"));
    assert_eq!(relation(&stage, &room, "hers, too"), expected("his"));
}

#[tokio::test(start_paused = true)]
async fn parts_that_stay_as_they_are_are_not_replaced() {
    let (stage, room) = Stage::in_room("org/one").await;
    let long = "a".repeat(130_000);
    let message = stage.network.says("bob", "org/one", &long);
    stage.quiet().await;
    let parts = shown(&stage, &room).len();
    assert!(parts > 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    let message = stage.network.edits(&message, &format!("{long} and more"));
    stage.quiet().await;
    assert_eq!(count(&stage, &room, is_edit), 1, "the last part alone");
    assert!(shown(&stage, &room)[parts - 1].ends_with(" and more"));
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.network.edits(&message, &long);
    stage.quiet().await;
    assert_eq!(count(&stage, &room, is_edit), 2);
    assert!(shown(&stage, &room)[parts - 1].ends_with('a'));
}

#[tokio::test(start_paused = true)]
async fn what_replaced_a_message_is_redacted_with_it() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", "one");
    stage.quiet().await;
    let mut changed = message.clone();
    for text in ["two", "three"] {
        tokio::time::advance(Duration::from_secs(1)).await;
        changed = stage.network.edits(&changed, text);
        stage.quiet().await;
    }
    assert_eq!(count(&stage, &room, is_edit), 2);
    stage.network.deletes(&message);
    stage.quiet().await;
    let is_readable =
        |event: &IncomingEvent| event.kind == "m.room.message" && event.content["body"].is_string();
    assert_eq!(count(&stage, &room, is_readable), 0);
    let by_bob = |event: &IncomingEvent| {
        event.kind == "m.room.redaction" && event.sender.localpart() == "gitter_id-bob"
    };
    assert_eq!(count(&stage, &room, by_bob), 3);
}

#[tokio::test(start_paused = true)]
async fn what_replaced_a_part_goes_with_it() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", &"a".repeat(130_000));
    stage.quiet().await;
    for text in ["b".repeat(130_000), "short".to_owned()] {
        tokio::time::advance(Duration::from_secs(1)).await;
        stage.network.edits(&message, &text);
        stage.quiet().await;
    }
    let tells = |event: &IncomingEvent| {
        let body = event.content["m.new_content"]["body"].as_str();
        body.is_some_and(|body| body.starts_with('b'))
    };
    assert_eq!(count(&stage, &room, tells), 1, "of the part that stays");
}

#[tokio::test(start_paused = true)]
async fn an_edit_rings_those_whom_it_mentions_first() {
    use remote::{
        PersonId, RichText,
        text::{Mention, Mentioned, Node},
    };
    let (stage, room) = Stage::in_room("org/one").await;
    let mention = |name: &str| {
        let who = Mentioned::Person {
            id: PersonId::new(format!("id-{name}")),
            username: Some(name.to_owned()),
        };
        let label = format!("@{name}");
        Node::Mention(Mention { who, label })
    };
    let said = |names: &[&str]| RichText {
        nodes: names.iter().map(|name| mention(name)).collect(),
    };
    let mut message = stage
        .network
        .says_with_files("bob", "org/one", said(&["carol"]), &[]);
    stage.quiet().await;
    let (alice, carol) = (stage::ALICE, "@gitter_id-carol:example.org");
    let mut outcome = async |names: &[&str]| {
        tokio::time::advance(Duration::from_secs(1)).await;
        message.text = said(names);
        message.edited_at = Some(stage.now());
        stage
            .network
            .tell(remote::Event::Changed(Box::new(message.clone())));
        stage.quiet().await;
        let edit = last(&stage, &room);
        let new = edit.content["m.new_content"]["m.mentions"].clone();
        (edit.content["m.mentions"].clone(), new)
    };
    let both = json!({"user_ids": [alice, carol]});
    assert_eq!(
        outcome(&["carol", "alice"]).await,
        (json!({"user_ids": [alice]}), both.clone())
    );
    // Again as before, in another order: nobody new.
    assert_eq!(outcome(&["alice", "carol"]).await, (json!({}), both));
    assert_eq!(outcome(&[]).await, (json!({}), json!({})));
    let only = json!({"user_ids": [alice]});
    assert_eq!(outcome(&["alice"]).await, (only.clone(), only));
}

/// The last message of a room.
fn last(stage: &Stage, room: &RoomId) -> IncomingEvent {
    let homeserver = stage.homeserver.lock();
    let mut messages = homeserver.rooms[room].timeline.iter().rev();
    let is_message = |event: &&IncomingEvent| event.kind == "m.room.message";
    messages.find(is_message).unwrap().clone()
}

/// A room with one message of history, and before that one a message which was not shown.
async fn with_a_past(text: &str) -> (Stage, OwnedRoomId, remote::Message) {
    let mut stage = Stage::new().await;
    stage.network.lock().rooms = vec![stage::network::room("org/one")];
    let older = stage.network.says("bob", "org/one", text);
    stage.network.says("bob", "org/one", "later");
    stage.config.backfill.initial = 1;
    stage.log_in().await;
    stage.start().await;
    let room = stage.enter("org/one").await;
    stage.quiet().await;
    (stage, room, older)
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_something_older_quotes_it_and_begins_a_thread() {
    let (mut stage, room, older) = with_a_past("once\nupon a time").await;
    let one = stage.network.answers("carol", &older, "one");
    stage.quiet().await;
    let first = last(&stage, &room);
    assert_eq!(
        first.content["body"],
        format!(
            "> BOB (https://test.example/org/one/{}): once upon a time\n\none",
            older.id
        )
    );
    assert_eq!(
        first.content["formatted_body"],
        format!(
            "<blockquote><a href=\"https://test.example/org/one/{}\">BOB</a>: once upon a time</blockquote><p>one</p>",
            older.id
        )
    );
    assert_eq!(first.content["m.mentions"], json!({}));
    assert_eq!(first.content["m.relates_to"], Value::Null);
    stage.network.answers("bob", &older, "two");
    stage.quiet().await;
    let second = last(&stage, &room);
    assert_eq!(second.content["body"], "two");
    assert_eq!(
        second.content["m.relates_to"],
        json!({
            "rel_type": "m.thread", "event_id": first.event_id, "is_falling_back": true,
            "m.in_reply_to": { "event_id": first.event_id },
        })
    );
    assert_eq!(stage.network.lock().asked_for_one, 1);
    // The quotation stays when the answer is changed.
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.network.edits(&one, "uno");
    stage.quiet().await;
    assert_eq!(
        last(&stage, &room).content["m.new_content"]["body"],
        format!(
            "> BOB (https://test.example/org/one/{}): once upon a time\n\nuno",
            older.id
        )
    );
    // What she says in that thread goes into the network's.
    let content = json!({
        "msgtype": "m.text", "body": "three",
        "m.relates_to": {"rel_type": "m.thread", "event_id": first.event_id},
    });
    stage
        .happens(&room, stage::ALICE, "m.room.message", None, content)
        .await;
    stage.quiet().await;
    let said = stage.network.lock().messages.last().unwrap().clone();
    assert_eq!(said.thread, Some(older.id));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_something_gone_says_so() {
    let (stage, room) = Stage::in_room("org/one").await;
    let mut parent = stage.network.says("bob", "org/one", "parent");
    parent.id = "unheard-of".into();
    stage.network.answers("bob", &parent, "answer");
    stage.quiet().await;
    let shown = last(&stage, &room);
    assert_eq!(
        shown.content["body"],
        "> a message that was deleted\n\nanswer"
    );
    assert_eq!(shown.content["m.relates_to"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_quotation() {
    let (stage, room, older) = with_a_past("once").await;
    stage.network.lock().one_takes = Duration::from_mins(10);
    stage.network.answers("bob", &older, "answer");
    let mut other = older.clone();
    other.id = "another".into();
    stage.network.answers("bob", &other, "to another one");
    stage.network.says("bob", "org/one", "new");
    stage.wait(Duration::from_secs(8)).await;
    assert_eq!(
        shown(&stage, &room)[1..],
        [
            format!("gitter_id-bob: > an earlier message (https://test.example/org/one/{})\n\nanswer", older.id),
            "gitter_id-bob: > an earlier message (https://test.example/org/one/another)\n\nto another one".to_owned(),
            "gitter_id-bob: new".to_owned(),
        ]
    );
    assert_eq!(stage.network.lock().asked_for_one, 1, "not each time");
}

#[tokio::test(start_paused = true)]
async fn what_happened_while_nobody_listened_is_made_good() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let messages =
        ["one", "two", "three", "four"].map(|text| stage.network.says("bob", "org/one", text));
    stage.quiet().await;
    stage.writes(&room, "hers").await;
    stage.quiet().await;
    stage.kill().await;
    stage.network.lock().silent = true;
    stage.network.edits(&messages[0], "one, changed");
    stage.network.deletes(&messages[1]);
    stage.network.blanks(&messages[2]);
    stage.network.deletes(&messages[3]);
    stage.network.lock().silent = false;
    stage.start().await;
    stage.quiet().await;
    stage.wait(Duration::from_secs(10)).await;
    stage.quiet().await;
    assert_eq!(
        shown(&stage, &room),
        ["gitter_id-bob: one, changed", "alice: hers"]
    );
    let redactions = count(&stage, &room, |event| event.kind == "m.room.redaction");
    stage.restart().await;
    stage.wait(Duration::from_secs(10)).await;
    let again = count(&stage, &room, |event| event.kind == "m.room.redaction");
    assert_eq!(again, redactions, "done once");
}

/// Real parts showed it: lives that end before a room is compared let changes slip out of what is compared.
#[tokio::test(start_paused = true)]
async fn what_was_changed_between_short_lives_is_shown_however_much_was_said_since() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "before");
    stage.shows(&room, &["gitter_id-bob: before"]).await;
    stage.kill().await;
    let changed = stage.network.says("bob", "org/one", "old");
    let deleted = stage.network.says("bob", "org/one", "deleted");
    let before = stage.network.lock().histories;
    stage.network.lock().history_takes = Duration::from_secs(5);
    stage.start().await;
    let compares = async || stage.network.lock().histories == before + 2;
    stage
        .until("the room is about to be compared", compares)
        .await;
    stage.wait(Duration::from_secs(1)).await;
    stage.kill().await;
    stage.network.lock().history_takes = Duration::ZERO;
    stage.network.edits(&changed, "new");
    stage.network.deletes(&deleted);
    let more: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    for text in &more {
        stage.network.says("bob", "org/one", text);
    }
    stage.start().await;
    let shown = ["before", "new"].into_iter().map(ToOwned::to_owned);
    let shown: Vec<_> = shown
        .chain(more)
        .map(|text| format!("gitter_id-bob: {text}"))
        .collect();
    stage.wait(Duration::from_secs(10)).await;
    stage.quiet().await;
    assert_eq!(self::shown(&stage, &room), shown);
    // All is as it should be, so the next start reads the newest ones only.
    stage.quiet().await;
    let before = stage.network.lock().histories;
    stage.restart().await;
    stage.quiet().await;
    let read = stage.network.lock().histories - before;
    assert_eq!(read, 2, "what was missed, and what may have changed");
}

#[tokio::test(start_paused = true)]
async fn what_she_changes_on_the_network_is_said_by_her_ghost() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "hers").await;
    stage.quiet().await;
    let message = stage.network.lock().messages.last().unwrap().clone();
    tokio::time::advance(Duration::from_secs(1)).await;
    let changed = stage.network.edits(&message, "hers, better");
    stage.quiet().await;
    assert_eq!(
        shown(&stage, &room),
        ["alice: hers", "gitter_id-alice: (edited) hers, better"]
    );
    let original = event_of(&stage, &room, "hers");
    assert_eq!(
        relation(&stage, &room, "(edited) hers, better")["m.in_reply_to"]["event_id"],
        json!(original)
    );
    stage
        .network
        .tell(remote::Event::Changed(Box::new(changed.clone())));
    stage.quiet().await;
    assert_eq!(shown(&stage, &room).len(), 2, "once");
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.network.edits(&changed, "hers, best");
    stage.quiet().await;
    assert_eq!(
        shown(&stage, &room),
        ["alice: hers", "gitter_id-alice: (edited) hers, best"]
    );
    stage.network.deletes(&message);
    stage.quiet().await;
    let none: [&str; 0] = [];
    assert_eq!(shown(&stage, &room), none, "taken back by bot and ghost");
}

#[tokio::test(start_paused = true)]
async fn a_long_edit_is_shown_whole() {
    let (stage, room) = Stage::in_room("org/one").await;
    // With its HTML each of these fits into an event, and not into one that holds it twice.
    let long = |word: &str| format!("{word} {}", "<b>\u{65e5}</b>".repeat(2_000));
    let mut message = stage.network.says_with_files(
        "bob",
        "org/one",
        remote::text::html::parse_plainly(&long("one")),
        &[],
    );
    stage.quiet().await;
    stage.wait(Duration::from_secs(1)).await;
    message.text = remote::text::html::parse_plainly(&long("two"));
    message.edited_at = Some(stage.now());
    stage
        .network
        .tell(remote::Event::Changed(Box::new(message.clone())));
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let edits: Vec<_> = homeserver.rooms[&room]
        .timeline
        .iter()
        .filter(|event| is_edit(event))
        .collect();
    assert_eq!(edits.len(), 1, "the change has arrived");
    let (content, new) = (&edits[0].content, &edits[0].content["m.new_content"]);
    let shown = remote::text::html::parse_plainly(new["formatted_body"].as_str().unwrap());
    assert_eq!(shown, message.text);
    assert_eq!(new["body"].as_str().unwrap().chars().count(), 2_004);
    let fallback = content["body"].as_str().unwrap();
    assert!(fallback.starts_with("* two ") && fallback.ends_with('\u{2026}'));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_shown_is_told_of() {
    let (stage, room) = Stage::in_room("org/one").await;
    let message = stage.network.says("bob", "org/one", "before");
    stage.quiet().await;
    stage.wait(Duration::from_secs(1)).await;
    let refused = stage::homeserver::Failure::Forbidden;
    stage.homeserver.lock().failures.extend([refused, refused]);
    stage.network.edits(&message, "after");
    stage.quiet().await;
    let told = "gitter: A changed message from BOB could not be shown here: the homeserver does not allow it.";
    let transcript = stage.transcript(&room);
    assert!(transcript.iter().any(|line| line == told), "{transcript:?}");
}
