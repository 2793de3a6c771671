//! What crosses, in both directions.

use remote::contract::World as _;
use remote::text::html::parse_plainly;
use remote::text::{Mentioned, NoNames, html};
use remote::{
    Composed, Fault, History, MessageKind, Network as _, Outgoing, RichText, RoomKind, Standing,
};

use crate::world::{SandboxWorld, room};

fn outgoing(kind: MessageKind, text: Composed) -> Outgoing {
    Outgoing {
        kind,
        text,
        thread: None,
        reply_to: None,
        preface: None,
    }
}

#[tokio::test]
async fn an_emote_is_what_gitters_own_client_makes_of_it() {
    let world = SandboxWorld::new().await;
    let account = world.account();
    let place = world.room();
    let composed = Composed::Plain("waves to @bob_gitlab".into());
    let parts = world
        .network
        .compose(&outgoing(MessageKind::Emote, composed));
    let [part] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    let sent = account.send(&place, part, "key").await.unwrap();
    assert_eq!(sent.kind, MessageKind::Emote);
    assert_eq!(html::render(&sent.text, &NoNames), "waves to @bob_gitlab");
    let stored = world.sandbox.world().messages(room(&place)).unwrap();
    assert_eq!(
        stored.last().unwrap().text,
        "@alice-gh waves to @bob_gitlab"
    );
    let found = account
        .find_sent(&place, part, None, sent.sent_at, &[])
        .await
        .unwrap();
    assert_eq!(found.map(|message| message.id), Some(sent.id));
}

#[tokio::test]
async fn what_is_written_arrives_as_it_was_meant() {
    let world = SandboxWorld::new().await;
    let account = world.account();
    let place = world.room();
    let rich = parse_plainly(
        "<p><b>Hi</b> #1<br>see <a href=\"https://example.org/\">this</a></p><pre><code>@all\n</code></pre>",
    );
    for part in world
        .network
        .compose(&outgoing(MessageKind::Text, Composed::Rich(rich)))
    {
        account.send(&place, &part, "key").await.unwrap();
    }
    let stored = world.sandbox.world().messages(room(&place)).unwrap();
    assert_eq!(
        stored.last().unwrap().text,
        "**Hi** \\#1\nsee [this](https://example.org/)\n\n```\n@all\n```"
    );
}

#[test]
fn a_long_emote_goes_on_in_plain_words() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(SandboxWorld::new());
    let text = Composed::Plain("talks and talks ".repeat(600));
    let parts = world.network.compose(&outgoing(MessageKind::Emote, text));
    let kinds: Vec<_> = parts.iter().map(|part| part.kind).collect();
    assert_eq!(
        kinds,
        [MessageKind::Emote, MessageKind::Text, MessageKind::Text]
    );
    assert!(
        parts
            .iter()
            .all(|part| part.text.encode_utf16().count() <= 4096 - 255 - 2)
    );
    let empty = world.network.compose(&outgoing(
        MessageKind::Text,
        Composed::Rich(RichText::default()),
    ));
    assert!(empty.len() == 1 && !empty[0].text.is_empty());
}

#[tokio::test]
async fn mentions_and_emotes_of_others_are_read() {
    let world = SandboxWorld::new().await;
    let account = world.account();
    let place = world.room();
    world
        .sandbox
        .world()
        .say_status(world.bob, room(&place), "points at @alice-gh")
        .unwrap();
    let read = account.history(&place, &History::Newest, 1).await.unwrap();
    let [message] = read.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(message.kind, MessageKind::Emote);
    let sender = message.sender.as_ref().unwrap();
    assert_eq!(
        (sender.username.as_str(), sender.display_name.as_str()),
        ("bob_gitlab", "Bob Brown")
    );
    if let [Mentioned::Person { id, username }] = message.text.mentions().as_slice() {
        assert_eq!(id.as_str(), world.alice.to_string());
        assert_eq!(username.as_deref(), Some("alice-gh"));
    }
    assert!(html::render(&message.text, &NoNames).ends_with("points at @alice-gh"));
}

#[tokio::test]
async fn rooms_are_what_they_are() {
    let world = SandboxWorld::new().await;
    let account = world.account();
    let mut rooms = account.rooms().await.unwrap();
    rooms.sort_by(|one, other| one.address.cmp(&other.address));
    let seen: Vec<_> = rooms
        .iter()
        .map(|room| (room.address.as_str(), room.name.as_str(), room.kind))
        .collect();
    assert_eq!(
        seen,
        [
            ("@bob_gitlab", "Bob Brown", RoomKind::OneToOne),
            ("Acme/lobby", "Acme/lobby", RoomKind::Public),
            ("Acme/team", "Acme/team", RoomKind::Private),
        ]
    );
    assert!(
        rooms
            .iter()
            .all(|room| room.standing != Standing::Outside && room.link.is_some())
    );
    assert_eq!(rooms[0].avatar, rooms[0].other.as_ref().unwrap().avatar);
    assert_eq!(rooms[1].topic, None);
    let found = account.find_room("@bob_gitlab").await.unwrap();
    assert_eq!(found.id, rooms[0].id);
    assert_eq!(
        account.leave(&rooms[0].id).await.unwrap_err().fault,
        Fault::Unsupported
    );
    let nobody = account.find_room("@Acme/lobby").await.unwrap_err();
    assert_eq!(nobody.fault, Fault::NotFound);
}

#[tokio::test]
async fn a_room_with_a_queue_does_not_hold_up_another_one() {
    let world = SandboxWorld::with_limit(50).await;
    let account = world.account();
    let [flooded, quiet, _] = world.rooms.map(|room| room.to_string().into());
    let part = |text: String| remote::Part {
        text,
        kind: MessageKind::Text,
        thread: None,
        reply_to: None,
    };
    let queue = async {
        for number in 0..1_000 {
            account
                .send(&flooded, &part(number.to_string()), "key")
                .await
                .unwrap();
        }
    };
    let somebody = async {
        // As far as the queue gets in this minute.
        while world
            .sandbox
            .world()
            .messages(room(&flooded))
            .unwrap()
            .len()
            < 45
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        account
            .send(&quiet, &part("Hello".into()), "key")
            .await
            .unwrap();
        account.rooms().await.unwrap();
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), somebody);
    tokio::select! {
        () = queue => panic!("a thousand in a minute"),
        in_time = in_time => in_time.expect("he waits for the next minute"),
    }
    let said = world.sandbox.world().messages(room(&quiet)).unwrap();
    assert_eq!(said.last().unwrap().text, "Hello");
    assert_eq!(
        world
            .sandbox
            .world()
            .messages(room(&flooded))
            .unwrap()
            .len(),
        45
    );
}
