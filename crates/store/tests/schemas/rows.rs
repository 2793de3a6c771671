//! A row in every table, put in and read by the store itself.
//!
//! A released schema was frozen with the rows which `put` made at that time. When a table is added, `put` gets one more row, and
//! `check` looks for it only in schemas that can have it (`missing` of an older one).

use secrecy::ExposeSecret as _;
use store::{
    EditRow, Ghost, ItemState, Lane, LoginState, MessageRow, NewItem, NewLogin, NewPortal,
    PortalState, SecretKey, Store, Uploaded,
};

const ALICE: &str = "@alice:example.org";
const MXC: &str = "mxc://example.org/cat";
const ADDRESS: &str = "https://files.example/cat.png";

/// What the rows are sealed with.
pub(crate) fn key() -> SecretKey {
    SecretKey::new([42; 32])
}

fn message(portal_id: i64, remote_id: &str, event_id: &str, by_us: bool) -> MessageRow {
    MessageRow {
        portal_id,
        remote_id: remote_id.to_owned(),
        part: 0,
        event_id: event_id.to_owned(),
        room_id: "!room".to_owned(),
        sender: "p1".to_owned(),
        by_us,
        as_user: !by_us,
        sent_at: 1_700_000_000_000,
        edited_at: Some(1_700_000_000_001),
        thread: Some("m0".to_owned()),
        deleted: false,
        digest: Some(-7),
        awaited_since: None,
    }
}

fn ghost() -> Ghost {
    Ghost {
        person_id: "p2".to_owned(),
        localpart: "gitter_p2".to_owned(),
        registered: true,
        username: "Bob".to_owned(),
        display_name: Some("Bob \u{1f600} 'quoted' (Gitter)".to_owned()),
        avatar_key: Some("picture".to_owned()),
        avatar_mxc: Some(MXC.to_owned()),
    }
}

fn item(lane: Lane, login_id: Option<i64>, key: &str) -> NewItem {
    NewItem {
        lane,
        login_id,
        key: key.to_owned(),
        about: Some("$about".to_owned()),
        payload: "{\"body\":\"it's\\n$1; --\"}".to_owned(),
    }
}

/// Puts a row into every table of a database that is empty.
pub(crate) async fn put(store: &Store) {
    store
        .set_management_room(ALICE, Some("!talk"))
        .await
        .unwrap();
    store.set_space(ALICE, Some("!space")).await.unwrap();
    store.refuse_room("!crowd", "too many", 1).await.unwrap();
    assert!(store.mark("!room", "told", 2).await.unwrap());
    store.add_ticket("hash", ALICE, 3).await.unwrap();
    assert!(store.bind_ticket("hash", "browser", "state").await.unwrap());
    let login = NewLogin {
        mxid: ALICE.to_owned(),
        person_id: "p1".to_owned(),
        username: "alice".to_owned(),
        display_name: "Alice".to_owned(),
        credentials: "token of alice".to_owned().into(),
        now: 4,
    };
    let login = store.put_login(&login).await.unwrap();
    let portal = NewPortal {
        login_id: login.id,
        mxid: ALICE.to_owned(),
        remote_room: "r1".to_owned(),
        address: "org/room".to_owned(),
        name: "Org".to_owned(),
        topic: Some("talk".to_owned()),
        kind: "public".to_owned(),
        other_person: None,
    };
    let portal = store.put_portal(&portal).await.unwrap().id;
    store
        .set_portal_room(portal, Some("!room"), PortalState::Joined)
        .await
        .unwrap();
    store.set_portal_cursor(portal, "m2").await.unwrap();
    store.set_portal_opened(portal, true).await.unwrap();
    store.put_ghost(&ghost()).await.unwrap();
    store.set_ghost_in("p2", "!room", true).await.unwrap();
    store.put_avatar("picture", MXC).await.unwrap();
    let uploaded = Uploaded {
        mxc: MXC.to_owned(),
        info: "{}".to_owned(),
    };
    store.put_uploaded(ADDRESS, &uploaded, 5).await.unwrap();
    store
        .put_link("!room", "$file", MXC, "cat.png", "{}", 6)
        .await
        .unwrap();
    let edit = EditRow {
        portal_id: portal,
        event_id: "$edit".to_owned(),
        original: "$mine".to_owned(),
        written_at: 7,
    };
    store.put_edit(&edit).await.unwrap();
    store.set_swept_at(8).await.unwrap();
    let lane = Lane::ToRemote(portal);
    let events = [
        item(lane.clone(), Some(login.id), "$mine"),
        item(lane.clone(), Some(login.id), "$next"),
    ];
    store.accept_events(&events, 9).await.unwrap();
    let done = store.next_item(&lane).await.unwrap().unwrap();
    store.attempt(done.id, Some("note"), 10).await.unwrap();
    let sent = MessageRow {
        awaited_since: Some(12),
        ..message(portal, "m2", "$mine", true)
    };
    let rows = [message(portal, "m1", "$theirs", false), sent];
    let next = store.finish(&done, &rows, 11).await.unwrap().unwrap();
    store.attempt(next.id, Some("noted"), 12).await.unwrap();
    store
        .fail_item(next.id, "it is too long", 13)
        .await
        .unwrap();
    let control = item(Lane::Control("!talk".to_owned()), None, "$said");
    store.accept_events(&[control], 14).await.unwrap();
}

/// Reads what [`put`] has put in, all of it.
pub(crate) async fn check(store: &Store) {
    let user = store.user(ALICE).await.unwrap().unwrap();
    assert_eq!(
        (user.management_room.as_deref(), user.space.as_deref()),
        (Some("!talk"), Some("!space"))
    );
    assert!(store.room_refused("!crowd").await.unwrap());
    assert_eq!(
        store.marks("!room").await.unwrap(),
        [("told".to_owned(), 2)]
    );
    let ticket = store.ticket_by_state("state").await.unwrap().unwrap();
    assert_eq!(
        (
            ticket.mxid.as_str(),
            ticket.expires_at,
            ticket.browser.as_deref()
        ),
        (ALICE, 3, Some("browser"))
    );
    let login = store.login_of(ALICE).await.unwrap().unwrap();
    assert_eq!(
        (login.username.as_str(), login.state, login.since),
        ("alice", LoginState::Ok, 4)
    );
    let secret = store.login_credentials(login.id).await.unwrap().unwrap();
    assert_eq!(secret.expose_secret(), "token of alice");
    let portal = store.portal_by_room("!room").await.unwrap().unwrap();
    assert_eq!(
        (portal.login_id, portal.state, portal.opened),
        (Some(login.id), PortalState::Joined, true)
    );
    assert_eq!(
        (portal.shown.address.as_str(), portal.cursor.as_deref()),
        ("org/room", Some("m2"))
    );
    assert_eq!(store.ghosts_of("!room").await.unwrap(), [ghost()]);
    assert_eq!(store.avatar("picture").await.unwrap().as_deref(), Some(MXC));
    assert_eq!(store.uploaded(ADDRESS).await.unwrap().unwrap().mxc, MXC);
    // The secret is derived, so a repeat gives the link that is there.
    let secret = store
        .put_link("!room", "$file", MXC, "other.png", "{}", 99)
        .await
        .unwrap();
    let link = store.link(&secret).await.unwrap().unwrap();
    assert_eq!((link.name.as_str(), link.made_at), ("cat.png", 6));
    let edits = store.edits_of("$mine").await.unwrap();
    assert_eq!((edits.len(), edits[0].event_id.as_str()), (1, "$edit"));
    assert_eq!(store.swept_at().await.unwrap(), Some(8));
    for (remote_id, event_id, by_us) in [("m1", "$theirs", false), ("m2", "$mine", true)] {
        let known = store.messages(portal.id, remote_id).await.unwrap();
        assert_eq!(known, [message(portal.id, remote_id, event_id, by_us)]);
    }
    let awaited = store.awaited().await.unwrap();
    assert_eq!(awaited.len(), 1);
    assert_eq!(
        (awaited[0].remote_id.as_str(), awaited[0].since),
        ("m2", 12)
    );
    assert!(store.is_seen("$mine").await.unwrap());
    let failed = store.failed_items(ALICE).await.unwrap();
    let [failed] = failed.as_slice() else {
        panic!("{failed:?}")
    };
    assert_eq!(
        (failed.key.as_str(), failed.state, failed.accepted_at),
        ("$next", ItemState::Failed, 9)
    );
    assert_eq!(
        (failed.why.as_deref(), failed.note.as_deref()),
        (Some("it is too long"), Some("noted"))
    );
    assert_eq!(failed.payload, item(failed.lane.clone(), None, "").payload);
    let lane = Lane::Control("!talk".to_owned());
    assert_eq!(
        store.waiting_lanes().await.unwrap(),
        std::slice::from_ref(&lane)
    );
    let said = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(
        (said.key.as_str(), said.about.as_deref()),
        ("$said", Some("$about"))
    );
    // Ids go on where they were: lanes and transaction ids are made of them.
    let next = item(Lane::ToRemote(portal.id), Some(login.id), "$later");
    store.enqueue(&[next], 100).await.unwrap();
    let next = store
        .next_item(&Lane::ToRemote(portal.id))
        .await
        .unwrap()
        .unwrap();
    assert!(next.id > said.id, "{} after {}", next.id, said.id);
    store.absorb(&[next.id], 101).await.unwrap();
}
