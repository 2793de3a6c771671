//! What is told of a watched room beyond what the contract asks for, and what is not.

use async_trait::async_trait;
use remote::contract::World as _;
use remote::{Event, EventSink, RoomId, SinkClosed};
use tokio::sync::mpsc;

use crate::world::{SandboxWorld, room};

struct Sink(mpsc::UnboundedSender<Event>);

#[async_trait]
impl EventSink for Sink {
    async fn accept(&mut self, event: Event) -> Result<(), SinkClosed> {
        self.0.send(event).map_err(|_| SinkClosed)
    }
}

/// Alice, connected and watching the lobby; what she hears.
async fn listening(
    world: &SandboxWorld,
) -> (mpsc::UnboundedReceiver<Event>, tokio::task::JoinHandle<()>) {
    let account = world.account();
    account.watch(&world.room());
    let (sender, mut heard) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        // Ends when the test drops its end.
        let _ = account.run(&mut Sink(sender)).await;
    });
    assert_eq!(heard.recv().await, Some(Event::Connected { missed: true }));
    (heard, task)
}

/// Everything heard up to what Bob says now.
async fn until_said(
    world: &SandboxWorld,
    heard: &mut mpsc::UnboundedReceiver<Event>,
) -> Vec<Event> {
    let id = world.say(&world.room(), "that is all", None).await;
    let mut events = Vec::new();
    loop {
        let event = heard.recv().await.expect("an open connection");
        if matches!(&event, Event::Message(message) if message.id == id) {
            return events;
        }
        events.push(event);
    }
}

#[tokio::test]
async fn members_names_and_topics_are_told_once() {
    let world = SandboxWorld::new().await;
    let (mut heard, task) = listening(&world).await;
    let lobby = room(&world.room());
    let control = world.sandbox.world();
    let carol = control.add_user("carol", "Carol");
    control.join(carol, lobby).unwrap();
    control.set_topic(lobby, "News").unwrap();
    control.set_display_name(carol, "Carol Clark").unwrap();
    control.leave(carol, lobby).unwrap();
    let events = until_said(&world, &mut heard).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Joined { person, .. } => format!("joined {}", person.display_name),
            Event::Left { person, .. } => {
                format!("left {}", *person.as_str() == *carol.to_string())
            }
            Event::Person(person) => format!("person {}", person.display_name),
            Event::RoomChanged(_) => "room changed".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "joined Carol",
            "room changed",
            "person Carol Clark",
            "left true"
        ]
    );
    task.abort();
}

#[tokio::test]
async fn being_mentioned_elsewhere_is_not_being_there() {
    let world = SandboxWorld::new().await;
    let (mut heard, task) = listening(&world).await;
    let control = world.sandbox.world();
    let open = control.room("Acme/open").unwrap();
    control.say(world.bob, open, "where is @alice-gh?").unwrap();
    assert_eq!(until_said(&world, &mut heard).await, []);
    let listed = world.account().rooms().await.unwrap();
    assert!(listed.iter().all(|room| room.address != "Acme/open"));
    task.abort();
}

#[tokio::test]
async fn a_room_is_heard_again_after_coming_back() {
    let world = SandboxWorld::new().await;
    let (mut heard, task) = listening(&world).await;
    let lobby = room(&world.room());
    let control = world.sandbox.world();
    control.leave(world.alice, lobby).unwrap();
    control.join(world.alice, lobby).unwrap();
    loop {
        match heard.recv().await.expect("an open connection") {
            // From here on it is told, and what came before has to be read.
            Event::Gap { rooms } if rooms == [world.room()] => break,
            _ => {}
        }
    }
    until_said(&world, &mut heard).await;
    task.abort();
}

#[tokio::test]
async fn a_connection_that_stays_broken_is_told_once() {
    let world = SandboxWorld::new().await;
    let (mut heard, task) = listening(&world).await;
    world.sandbox.faults().unplug();
    let Some(Event::Disconnected { why }) = heard.recv().await else {
        panic!("not told")
    };
    assert!(!why.is_empty() && !why.ends_with('.'));
    world.sandbox.faults().plug_in();
    assert_eq!(heard.recv().await, Some(Event::Connected { missed: true }));
    task.abort();
}

#[tokio::test]
async fn bans_are_worth_a_line_and_integrations_are_not() {
    let world = SandboxWorld::new().await;
    let (mut heard, task) = listening(&world).await;
    let lobby = room(&world.room());
    let control = world.sandbox.world();
    let mallory = control.add_user("mallory", "Mallory");
    let hook = control.add_hook(lobby).unwrap();
    let report = [("message", "build passed")];
    let hook = world.sandbox.web_url().join(&hook).unwrap();
    let posted = world.http.post(hook).form(&report).send().await.unwrap();
    assert!(posted.status().is_success());
    control.ban(lobby, mallory, world.bob).unwrap();
    control.unban(lobby, mallory, world.bob).unwrap();
    let told: Vec<_> = until_said(&world, &mut heard)
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Happened { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "@bob_gitlab banned @mallory",
            "User @bob_gitlab unbanned @mallory"
        ]
    );
    task.abort();
}

#[tokio::test]
async fn who_only_listens_is_not_seen() {
    let world = SandboxWorld::new().await;
    let control = world.sandbox.world();
    let looks_away = || world.sandbox.stats().of_route("POST", "/v1/eyeballs");
    let until_unseen = async |requests| {
        let unseen = async {
            while looks_away() < requests || !control.looks_at(world.alice).is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, unseen)
            .await
            .expect("she is still seen");
    };
    let account = world.account();
    account.watch(&world.room());
    let (sender, mut heard) = mpsc::unbounded_channel();
    let listener = account.clone();
    let task = tokio::spawn(async move {
        let _ = listener.run(&mut Sink(sender)).await;
    });
    assert_eq!(heard.recv().await, Some(Event::Connected { missed: true }));
    until_unseen(1).await;
    // A room that is listened to later.
    let other = RoomId::new(world.rooms[1].to_string());
    account.watch(&other);
    while heard.recv().await
        != Some(Event::Gap {
            rooms: vec![other.clone()],
        })
    {}
    until_unseen(2).await;
    assert_eq!(looks_away(), 2, "once for each burst");
    // Looking away is not leaving.
    until_said(&world, &mut heard).await;
    task.abort();
}
