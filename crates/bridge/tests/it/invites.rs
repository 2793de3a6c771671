//! Which rooms a user is invited to without asking, and how the list of his rooms is followed.

use std::time::Duration;

use remote::Event;
use ruma::OwnedRoomId;
use store::PortalState;

use stage::road::{last_word, stage, ticket, walks, words};
use stage::talk::invites_bot;
use stage::{ALICE, Stage, homeserver::BOT, network};

#[tokio::test(start_paused = true)]
async fn only_so_many_rooms_come_by_themselves() {
    let mut stage = Stage::new().await;
    stage.config.invites.max = 2;
    let active = |address, at| remote::Room {
        active_at: Some(at),
        ..network::room(address)
    };
    stage.network.lock().rooms = vec![
        active("org/old", 1),
        active("org/new", 3),
        active("org/middle", 2),
    ];
    stage.start().await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    walks(&stage, &ticket(&last_word(&stage, &talk)), "alice")
        .await
        .unwrap();
    stage
        .until("she is invited", async || {
            stage.store.portals_of(ALICE).await.unwrap().len() == 3
        })
        .await;
    stage.quiet().await;
    assert!(last_word(&stage, &talk).contains("2 of them"));
    stage.restart().await;
    stage.wait(Duration::from_secs(10)).await;
    for (address, state) in [
        ("org/new", PortalState::Invited),
        ("org/middle", PortalState::Invited),
        ("org/old", PortalState::Declined),
    ] {
        assert_eq!(stage.portal(address).await.state, state, "{address}");
    }
    assert!(stage.portal("org/old").await.room_id.is_none());

    stage.writes(&talk, "invite all").await;
    stage
        .until("all are there", async || {
            last_word(&stage, &talk).contains("invited you to 1 room")
        })
        .await;
    assert_eq!(stage.portal("org/old").await.state, PortalState::Invited);
    stage.writes(&talk, "invite all").await;
    stage.quiet().await;
    assert!(last_word(&stage, &talk).contains("all of your rooms here already"));
}

#[tokio::test(start_paused = true)]
async fn invites_go_on_after_a_crash() {
    let addresses: Vec<_> = (0..12).map(|number| format!("org/room{number}")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let (mut stage, talk, ticket) = stage(&addresses).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    let invited = async |stage: &Stage| {
        let portals = stage.store.portals_of(ALICE).await.unwrap();
        portals
            .iter()
            .filter(|portal| portal.state == PortalState::Invited)
            .count()
    };
    stage
        .until("some are there", async || invited(&stage).await >= 3)
        .await;
    assert!(invited(&stage).await < 12);
    stage.restart().await;
    stage
        .until("all are there", async || invited(&stage).await == 12)
        .await;
    assert_eq!(
        words(&stage, &talk),
        2,
        "greeted once, welcomed once: {:#?}",
        stage.transcript(&talk)
    );
    let rooms = stage.homeserver.lock().rooms.len();
    assert!(
        rooms <= 12 + 3,
        "{rooms} rooms: the talk, the space, at most one that was being made"
    );
}

#[tokio::test(start_paused = true)]
async fn rooms_come_and_go_with_the_network() {
    let (mut stage, talk, ticket) = stage(&["org/room"]).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    let room = stage.enter("org/room").await;
    stage.quiet().await;

    let other = network::room("org/other");
    stage.network.lock().rooms.push(other.clone());
    stage.network.tell(Event::RoomAdded(Box::new(other)));
    stage
        .until("she is invited", async || {
            stage.store.portals_of(ALICE).await.unwrap().len() == 2
        })
        .await;
    stage.quiet().await;
    assert_eq!(stage.portal("org/other").await.state, PortalState::Invited);

    stage.network.lock().left.push("room-org/room".into());
    stage
        .network
        .tell(Event::RoomRemoved("room-org/room".into()));
    stage
        .until("she is taken out", async || {
            !stage.homeserver.lock().rooms[&room]
                .joined()
                .contains(ALICE)
        })
        .await;
    stage
        .until("she is told", async || {
            last_word(&stage, &talk).contains("no longer in org/room")
        })
        .await;

    // The same while the bridge is down.
    stage.kill().await;
    {
        let mut network = stage.network.lock();
        network.left.push("room-org/other".into());
        network.rooms.push(network::room("org/third"));
    }
    stage.start().await;
    stage
        .until("she is told", async || {
            last_word(&stage, &talk).contains("no longer in org/other")
        })
        .await;
    stage
        .until("she is invited", async || {
            stage.store.portals_of(ALICE).await.unwrap().len() == 3
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_declined_stays_declined() {
    let (mut stage, _, ticket) = stage(&["org/room"]).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    stage
        .until("she is invited", async || {
            stage
                .store
                .portals_of(ALICE)
                .await
                .unwrap()
                .iter()
                .any(|portal| portal.state == PortalState::Invited)
        })
        .await;
    stage.quiet().await;
    let room = OwnedRoomId::try_from(stage.portal("org/room").await.room_id.unwrap()).unwrap();
    stage.member(&room, "leave").await;
    stage.quiet().await;
    assert_eq!(stage.portal("org/room").await.state, PortalState::Declined);
    stage
        .network
        .tell(Event::RoomAdded(Box::new(network::room("org/room"))));
    stage.restart().await;
    stage.wait(Duration::from_secs(10)).await;
    assert_eq!(stage.portal("org/room").await.state, PortalState::Declined);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_all_rooms_hears_how_it_goes() {
    let mut stage = Stage::new().await;
    stage.config.invites.max = 0;
    let addresses = (0..30).map(|number| network::room(&format!("org/room{number}")));
    stage.network.lock().rooms = addresses.collect();
    stage.start().await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    walks(&stage, &ticket(&last_word(&stage, &talk)), "alice")
        .await
        .unwrap();
    stage.quiet().await;
    stage.writes(&talk, "invite all").await;
    stage
        .until("all are there", async || {
            last_word(&stage, &talk).contains("invited you to 30 rooms")
        })
        .await;
    let said = stage.transcript(&talk);
    assert!(
        said.iter().any(|line| line.contains("5 rooms to go")),
        "{said:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn killed_between_a_room_and_its_invite() {
    for space in [false, true] {
        let mut stage = Stage::new().await;
        stage.config.space = space;
        stage.log_in().await;
        stage.start().await;
        stage.quiet().await;
        stage.homeserver.lock().stuck = Some("invite");
        let room = network::room("org/room");
        stage.network.lock().rooms.push(room.clone());
        stage.network.tell(Event::RoomAdded(Box::new(room)));
        stage
            .until("a room is made, or the space", async || {
                let made = ["create_room", "invite"];
                stage.homeserver.lock().requests.ends_with(&made)
            })
            .await;
        stage.kill().await;
        stage.homeserver.lock().stuck = None;
        stage.start().await;
        // Waits for an invite.
        stage.enter("org/room").await;
        let homeserver = stage.homeserver.lock();
        let key = ("m.room.member".to_owned(), ALICE.to_owned());
        let invited = homeserver
            .rooms
            .values()
            .filter(|room| room.state.contains_key(&key));
        assert_eq!(invited.count(), 1 + usize::from(space));
        assert_eq!(
            homeserver.rooms.len(),
            1 + usize::from(space),
            "none is wasted"
        );
    }
}

/// For the room and for the space. What follows the record is [`killed_between_a_room_and_its_invite`].
#[tokio::test(start_paused = true)]
async fn killed_between_a_room_and_its_record() {
    for space in [false, true] {
        let mut stage = Stage::new().await;
        stage.config.space = space;
        stage.log_in().await;
        stage.start().await;
        stage.quiet().await;
        let count = |stage: &Stage, name| {
            let homeserver = stage.homeserver.lock();
            homeserver.requests.iter().filter(|it| **it == name).count()
        };
        let mut room = network::room("org/room");
        room.topic = Some("Before".to_owned());
        stage.network.lock().rooms.push(room.clone());
        // First the space is lost, if there is to be one, then the room.
        for lost in 0..=usize::from(space) {
            stage.homeserver.lock().made_in_vain = true;
            if lost == 0 {
                stage.network.tell(Event::RoomAdded(Box::new(room.clone())));
            } else {
                stage.start().await;
            }
            stage
                .until("it is made", async || !stage.homeserver.lock().made_in_vain)
                .await;
            stage.kill().await;
        }
        // It changes before it is found.
        stage.network.lock().rooms[0].topic = Some("After".to_owned());
        stage.start().await;
        let matrix_room = stage.enter("org/room").await;
        stage.quiet().await;
        {
            let homeserver = stage.homeserver.lock();
            let rooms = 1 + usize::from(space);
            assert_eq!(homeserver.rooms.len(), rooms, "none is left behind");
            let key = ("m.room.topic".to_owned(), String::new());
            assert_eq!(homeserver.rooms[&matrix_room].state[&key]["topic"], "After");
        }
        assert!(count(&stage, "joined_rooms") > 0);

        // In the ordinary course, nothing is looked for.
        let before = count(&stage, "joined_rooms");
        let other = network::room("org/other");
        stage.network.lock().rooms.push(other.clone());
        stage.network.tell(Event::RoomAdded(Box::new(other)));
        stage.enter("org/other").await;
        assert_eq!(count(&stage, "joined_rooms"), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_not_made_to_the_end_is_left() {
    let mut stage = Stage::new().await;
    stage.config.space = false;
    stage.log_in().await;
    stage.start().await;
    stage.quiet().await;
    let room = network::room("org/room");
    stage.network.lock().rooms.push(room.clone());
    stage.homeserver.lock().made_in_vain = true;
    stage.network.tell(Event::RoomAdded(Box::new(room)));
    stage
        .until("it is made", async || {
            !stage.homeserver.lock().rooms.is_empty()
        })
        .await;
    stage.kill().await;
    let half = {
        let mut homeserver = stage.homeserver.lock();
        let (id, half) = homeserver.rooms.iter_mut().next().unwrap();
        half.state
            .retain(|(kind, _), _| kind == "m.room.create" || kind == "m.room.member");
        id.clone()
    };
    stage.start().await;
    let whole = stage.enter("org/room").await;
    assert_ne!(whole, half);
    assert!(!stage.homeserver.lock().rooms[&half].joined().contains(BOT));
}

#[tokio::test(start_paused = true)]
async fn a_logout_while_a_room_is_made_leaves_no_invite_behind() {
    for stuck in ["create_room", "invite"] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        let talk = invites_bot(&mut stage, ALICE, &[]).await;
        let other = network::room("org/two");
        stage.network.lock().rooms.push(other);
        stage.homeserver.lock().stuck = Some(stuck);
        stage.writes(&talk, "invite org/two").await;
        stage
            .until("it is being made", async || {
                stage.homeserver.lock().requests.ends_with(&[stuck])
            })
            .await;
        stage.writes(&room, "!gitter logout").await;
        stage.wait(Duration::from_secs(5)).await;
        stage.homeserver.lock().stuck = None;
        stage.quiet().await;
        assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
        let invited: Vec<_> = {
            let homeserver = stage.homeserver.lock();
            let rooms = homeserver.rooms.iter().filter(|(_, room)| {
                let key = ("m.room.member".to_owned(), ALICE.to_owned());
                room.state
                    .get(&key)
                    .is_some_and(|it| it["membership"] == "invite")
            });
            rooms.map(|(id, _)| id.clone()).collect()
        };
        assert!(invited.is_empty(), "{stuck}: {invited:?}");
        assert_ne!(stage.portal("org/two").await.state, PortalState::Invited);
    }
}
