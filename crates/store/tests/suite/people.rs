//! Users, marks, tickets, logins, ghosts.

use secrecy::ExposeSecret;
use store::{Error, Ghost, Lane, LoginState, NewItem, User, Written};

use crate::{Base, alice, new_login};

pub(crate) async fn users(base: Base) {
    let store = base.open().await;
    let alice = "@alice:example.org";
    assert_eq!(store.user(alice).await.unwrap(), None);
    store.set_management_room(alice, Some("!m")).await.unwrap();
    store.set_space(alice, Some("!s")).await.unwrap();
    let user = User {
        mxid: alice.into(),
        management_room: Some("!m".into()),
        space: Some("!s".into()),
    };
    assert_eq!(store.user(alice).await.unwrap(), Some(user));
    assert_eq!(
        store.management_room_owner("!m").await.unwrap().as_deref(),
        Some(alice)
    );
    assert_eq!(
        store.space_owner("!s").await.unwrap().as_deref(),
        Some(alice)
    );
    assert_eq!(store.management_room_owner("!s").await.unwrap(), None);

    let bob = "@bob:example.org";
    assert!(matches!(
        store.set_management_room(bob, Some("!m")).await,
        Err(Error::Taken)
    ));
    store.set_management_room(alice, None).await.unwrap();
    store.set_management_room(bob, Some("!m")).await.unwrap();
    assert_eq!(
        store.management_room_owner("!m").await.unwrap().as_deref(),
        Some(bob)
    );
    store.set_space(bob, None).await.unwrap();
    assert!(matches!(
        store.set_space(bob, Some("!s")).await,
        Err(Error::Taken)
    ));
    store.check().await.unwrap();
}

pub(crate) async fn sweeps(base: Base) {
    let store = base.open().await;
    let (alice, bob) = ("@alice:example.org", "@bob:example.org");
    store.set_management_room(bob, Some("!b")).await.unwrap();
    store.set_management_room(alice, Some("!a")).await.unwrap();
    let of = |room: &str, user: &str| Written {
        room_id: room.to_owned(),
        mxid: user.to_owned(),
    };
    assert_eq!(
        store.written().await.unwrap(),
        [of("!a", alice), of("!b", bob)]
    );
    assert_eq!(store.writer("!a").await.unwrap().as_deref(), Some(alice));
    store.set_management_room(bob, None).await.unwrap();
    assert_eq!(store.written().await.unwrap(), [of("!a", alice)]);
    assert_eq!(store.writer("!b").await.unwrap(), None);

    assert_eq!(store.swept_at().await.unwrap(), None);
    for at in [5, i64::MAX] {
        store.set_swept_at(at).await.unwrap();
        assert_eq!(store.swept_at().await.unwrap(), Some(at));
    }

    assert!(!store.is_seen("$a").await.unwrap());
    let item = NewItem {
        lane: Lane::Control("!r".to_owned()),
        login_id: None,
        key: "$a".to_owned(),
        about: None,
        payload: "{}".to_owned(),
    };
    store.accept_events(&[item], 1).await.unwrap();
    assert!(store.is_seen("$a").await.unwrap());
}

pub(crate) async fn refused_rooms(base: Base) {
    let store = base.open().await;
    assert!(!store.room_refused("!r").await.unwrap());
    store.refuse_room("!r", "too many people", 1).await.unwrap();
    store.refuse_room("!r", "again", 2).await.unwrap();
    assert!(store.room_refused("!r").await.unwrap());
    assert!(!store.room_refused("!other").await.unwrap());
}

pub(crate) async fn marks(base: Base) {
    let store = base.open().await;
    assert!(!store.marked("!r", "told").await.unwrap());
    assert!(store.mark("!r", "told", 1).await.unwrap());
    assert!(!store.mark("!r", "told", 2).await.unwrap());
    assert!(
        store.mark("!r", "else", 2).await.unwrap() && store.mark("!s", "told", 2).await.unwrap()
    );
    assert!(store.marked("!r", "told").await.unwrap());
    assert!(store.unmark("!r", "told").await.unwrap());
    assert!(!store.unmark("!r", "told").await.unwrap());
    assert!(
        !store.marked("!r", "told").await.unwrap() && store.marked("!r", "else").await.unwrap()
    );
    assert!(store.mark("!r", "before", 1).await.unwrap());
    let all = [("before".to_owned(), 1), ("else".to_owned(), 2)];
    assert_eq!(store.marks("!r").await.unwrap(), all);
    store.unmark_all("!r").await.unwrap();
    assert_eq!(store.marks("!r").await.unwrap(), []);
    assert!(store.marked("!s", "told").await.unwrap());
}

pub(crate) async fn tickets(base: Base) {
    let store = base.open().await;
    store
        .add_ticket("h1", "@alice:example.org", 500)
        .await
        .unwrap();
    assert!(matches!(
        store.add_ticket("h1", "@bob:example.org", 9).await,
        Err(Error::Taken)
    ));
    let ticket = store.ticket("h1").await.unwrap().unwrap();
    assert_eq!(
        (ticket.mxid.as_str(), ticket.expires_at),
        ("@alice:example.org", 500)
    );
    assert_eq!((ticket.browser, ticket.state), (None, None));
    assert_eq!(store.ticket("h2").await.unwrap(), None);

    assert!(store.bind_ticket("h1", "browser", "state1").await.unwrap());
    assert!(
        store.bind_ticket("h1", "browser", "state2").await.unwrap(),
        "the same browser may begin again"
    );
    assert!(
        !store
            .bind_ticket("h1", "other browser", "state3")
            .await
            .unwrap()
    );
    assert!(!store.bind_ticket("h2", "browser", "state3").await.unwrap());
    assert_eq!(store.ticket_by_state("state1").await.unwrap(), None);
    let ticket = store.ticket_by_state("state2").await.unwrap().unwrap();
    assert_eq!(
        (ticket.hash.as_str(), ticket.browser.as_deref()),
        ("h1", Some("browser"))
    );

    assert!(!store.ticket_used("h1").await.unwrap());
    assert!(store.use_up_ticket("h1").await.unwrap());
    assert!(!store.use_up_ticket("h1").await.unwrap(), "only once");
    assert!(store.ticket_used("h1").await.unwrap());
    assert_eq!(store.ticket("h1").await.unwrap(), None);
    assert_eq!(store.ticket_by_state("state2").await.unwrap(), None);
    assert!(!store.bind_ticket("h1", "browser", "state4").await.unwrap());

    store
        .add_ticket("h3", "@alice:example.org", 600)
        .await
        .unwrap();
    store
        .add_ticket("h4", "@bob:example.org", 600)
        .await
        .unwrap();
    store.drop_tickets_of("@alice:example.org").await.unwrap();
    assert_eq!(store.ticket("h3").await.unwrap(), None);
    assert!(store.ticket("h4").await.unwrap().is_some());
    store.drop_expired_tickets(599).await.unwrap();
    assert!(store.ticket("h4").await.unwrap().is_some());
    assert!(
        !store.ticket_used("h1").await.unwrap(),
        "forgotten when its time came"
    );
    store.drop_expired_tickets(600).await.unwrap();
    assert_eq!(store.ticket("h4").await.unwrap(), None);
}

pub(crate) async fn logins(base: Base) {
    let store = base.open().await;
    let first = store
        .put_login(&new_login("@alice:example.org", "p1"))
        .await
        .unwrap();
    assert_eq!(first.state, LoginState::Ok);
    assert_eq!((first.username.as_str(), first.since), ("p1-name", 100));
    assert!(
        !store.expire_login(first.id, 99, 150).await.unwrap(),
        "that was another one"
    );
    assert!(store.expire_login(first.id, 100, 200).await.unwrap());
    assert!(!store.expire_login(first.id, 100, 300).await.unwrap());
    assert!(!store.expire_login(first.id, 200, 300).await.unwrap());
    let expired = store.login(first.id).await.unwrap().unwrap();
    assert_eq!(
        (expired.state, expired.since),
        (LoginState::Expired, 200),
        "since when it is so"
    );

    let mut again = new_login("@alice:example.org", "p1");
    again.credentials = "fresh token".into();
    again.now = 400;
    let renewed = store.put_login(&again).await.unwrap();
    assert_eq!(
        (renewed.id, renewed.state, renewed.since),
        (first.id, LoginState::Ok, 400)
    );
    let credentials = store.login_credentials(first.id).await.unwrap().unwrap();
    assert_eq!(credentials.expose_secret(), "fresh token");

    let other = store
        .put_login(&new_login("@alice:example.org", "p2"))
        .await;
    assert!(
        matches!(other, Err(Error::Taken)),
        "not while he is logged in as p1"
    );
    let bob = store
        .put_login(&new_login("@bob:example.org", "p1"))
        .await
        .unwrap();
    assert_ne!(bob.id, first.id, "two Matrix users may share an account");
    store
        .set_login_profile(bob.id, "bobby", "Bob B.")
        .await
        .unwrap();
    let bob = store.login_of("@bob:example.org").await.unwrap().unwrap();
    assert_eq!(
        (bob.username.as_str(), bob.display_name.as_str()),
        ("bobby", "Bob B.")
    );
    assert_eq!(store.logins().await.unwrap(), [renewed, bob]);
    assert_eq!(store.login_of("@carol:example.org").await.unwrap(), None);
    assert_eq!(store.login(999).await.unwrap(), None);
    assert!(store.login_credentials(999).await.unwrap().is_none());
}

pub(crate) async fn credentials(base: Base) {
    let store = base.open().await;
    let (login, _) = alice(&store).await;
    let credentials = store.login_credentials(login.id).await.unwrap().unwrap();
    assert_eq!(credentials.expose_secret(), "token of p1");
    assert!(!format!("{store:?} {login:?}").contains("token of"));
}

pub(crate) async fn deleting_a_login(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let items: Vec<_> = ["a", "b"]
        .map(|key| super::lanes::item(portal.id, Some(login.id), key))
        .into();
    store.enqueue(&items, 1).await.unwrap();
    store
        .enqueue(&[super::lanes::item(portal.id, None, "nobody's")], 1)
        .await
        .unwrap();
    assert_eq!(store.delete_login(login.id).await.unwrap(), 2);
    assert_eq!(store.delete_login(login.id).await.unwrap(), 0);
    assert_eq!(store.login_of(&login.mxid).await.unwrap(), None);
    assert!(store.login_credentials(login.id).await.unwrap().is_none());
    let left = store.next_item(&items[0].lane).await.unwrap().unwrap();
    assert_eq!(left.key, "nobody's");
    let again = store
        .put_login(&new_login(&login.mxid, "p1"))
        .await
        .unwrap();
    assert!(again.id > login.id, "ids are never used again");
}

pub(crate) fn ghost(person: &str) -> Ghost {
    Ghost {
        person_id: person.to_owned(),
        localpart: format!("gitter_{person}"),
        registered: false,
        username: "SomeBody".into(),
        display_name: None,
        avatar_key: None,
        avatar_mxc: None,
    }
}

pub(crate) async fn ghosts(base: Base) {
    let store = base.open().await;
    assert_eq!(store.ghost("p1").await.unwrap(), None);
    let mut ghost = ghost("p1");
    store.put_ghost(&ghost).await.unwrap();
    assert_eq!(store.ghost("p1").await.unwrap().as_ref(), Some(&ghost));
    ghost.registered = true;
    ghost.display_name = Some("Some Body (Gitter)".into());
    ghost.avatar_key = Some("k".into());
    ghost.avatar_mxc = Some("mxc://example.org/k".into());
    store.put_ghost(&ghost).await.unwrap();
    assert_eq!(store.ghost("p1").await.unwrap().as_ref(), Some(&ghost));
    assert_eq!(
        store.ghost_by_username("somebody").await.unwrap(),
        Some(ghost.clone())
    );
    assert_eq!(store.ghost_by_username("nobody").await.unwrap(), None);
    let impostor = Ghost {
        person_id: "p2".into(),
        ..ghost
    };
    assert!(matches!(
        store.put_ghost(&impostor).await,
        Err(Error::Taken)
    ));

    for person in ["p2", "p1", "p2"] {
        store.set_ghost_in(person, "!a", true).await.unwrap();
    }
    store.set_ghost_in("p1", "!b", true).await.unwrap();
    assert_eq!(store.ghosts_in("!a").await.unwrap(), ["p1", "p2"]);
    let known = store.ghosts_of("!a").await.unwrap();
    let known: Vec<_> = known.iter().map(|ghost| &ghost.person_id).collect();
    assert_eq!(known, ["p1"]);
    assert!(
        store.ghost_in("p1", "!a").await.unwrap() && !store.ghost_in("p2", "!b").await.unwrap()
    );
    store.set_ghost_in("p1", "!a", false).await.unwrap();
    assert_eq!(store.ghosts_in("!a").await.unwrap(), ["p2"]);
    store.clear_room("!a").await.unwrap();
    assert!(store.ghosts_in("!a").await.unwrap().is_empty());
    assert!(store.ghost_in("p1", "!b").await.unwrap());
}

pub(crate) async fn pictures(base: Base) {
    let store = base.open().await;
    assert_eq!(store.avatar("k").await.unwrap(), None);
    store.put_avatar("k", "mxc://example.org/1").await.unwrap();
    store.put_avatar("k", "mxc://example.org/2").await.unwrap();
    assert_eq!(
        store.avatar("k").await.unwrap().as_deref(),
        Some("mxc://example.org/2")
    );
}

pub(crate) async fn odd_texts(base: Base) {
    let store = base.open().await;
    for odd in [
        "",
        "'; DROP TABLE logins; --",
        "$1",
        "\u{1f9d1}\u{200d}\u{1f680}\u{202e}",
        &"long ".repeat(50_000),
    ] {
        store.put_avatar("odd", odd).await.unwrap();
        assert_eq!(store.avatar("odd").await.unwrap().as_deref(), Some(odd));
    }
    store.put_avatar("nul", "a\0b").await.unwrap();
    assert_eq!(
        store.avatar("nul").await.unwrap().as_deref(),
        Some("a\u{fffd}b")
    );
}
