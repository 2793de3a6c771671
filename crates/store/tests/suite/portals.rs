//! Portals.

use store::{Error, PortalState, Shown};

use super::messages::row;
use super::people::ghost;
use crate::{Base, alice, new_login, new_portal};

pub(crate) async fn making(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    assert_eq!(
        (portal.login_id, portal.state),
        (Some(login.id), PortalState::New)
    );
    assert_eq!(
        (portal.remote_room.as_str(), portal.kind.as_str()),
        ("r1", "public")
    );
    assert_eq!(
        (portal.room_id.as_ref(), portal.cursor.as_ref()),
        (None, None)
    );
    assert_eq!(
        (portal.opened, portal.in_space, portal.other_person.as_ref()),
        (false, false, None)
    );
    let shown = Shown {
        address: "org/r1".into(),
        name: "Org r1".into(),
        topic: Some("talk".into()),
        avatar_key: None,
        avatar_mxc: None,
    };
    assert_eq!(portal.shown, shown);

    store
        .set_portal_state(portal.id, PortalState::Declined)
        .await
        .unwrap();
    let mut again = new_portal(&login, "r1");
    again.name = "Renamed".into();
    let same = store.put_portal(&again).await.unwrap();
    assert_eq!((same.id, same.state), (portal.id, PortalState::Declined));
    assert_eq!(
        same.shown, shown,
        "what is shown changes when the room does"
    );
}

pub(crate) async fn inviting(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    for (before, after) in [
        (PortalState::New, PortalState::Invited),
        (PortalState::Joined, PortalState::Joined),
        (PortalState::Declined, PortalState::Declined),
    ] {
        store.set_portal_state(portal.id, before).await.unwrap();
        store.set_portal_invited(portal.id).await.unwrap();
        let portal = store.portal(portal.id).await.unwrap().unwrap();
        assert_eq!(portal.state, after);
    }
}

pub(crate) async fn finding(base: Base) {
    let store = base.open().await;
    let (login, first) = alice(&store).await;
    let second = store.put_portal(&new_portal(&login, "r2")).await.unwrap();
    let bob = store
        .put_login(&new_login("@bob:example.org", "p2"))
        .await
        .unwrap();
    let his = store.put_portal(&new_portal(&bob, "r1")).await.unwrap();
    store
        .set_portal_room(second.id, Some("!two"), PortalState::Joined)
        .await
        .unwrap();

    assert_eq!(store.portal(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.portal(999).await.unwrap(), None);
    let second = store.portal_by_room("!two").await.unwrap().unwrap();
    assert_eq!(
        (second.room_id.as_deref(), second.state),
        (Some("!two"), PortalState::Joined)
    );
    assert_eq!(store.portal_by_room("!one").await.unwrap(), None);
    assert_eq!(
        store.portal_of("@bob:example.org", "r1").await.unwrap(),
        Some(his)
    );
    assert_eq!(
        store.portal_of("@bob:example.org", "r2").await.unwrap(),
        None
    );
    assert_eq!(
        store.portals_of(&login.mxid).await.unwrap(),
        [first, second.clone()]
    );
    assert_eq!(store.joined_portals(login.id).await.unwrap(), [second]);
    assert!(store.joined_portals(bob.id).await.unwrap().is_empty());
}

pub(crate) async fn changing(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let other = store.put_portal(&new_portal(&login, "r2")).await.unwrap();
    store
        .set_portal_room(portal.id, Some("!a"), PortalState::Invited)
        .await
        .unwrap();
    let taken = store
        .set_portal_room(other.id, Some("!a"), PortalState::Invited)
        .await;
    assert!(matches!(taken, Err(Error::Taken)));
    let shown = Shown {
        address: "org/new".into(),
        name: "New".into(),
        topic: None,
        avatar_key: Some("k".into()),
        avatar_mxc: Some("mxc://example.org/k".into()),
    };
    store.set_portal_shown(portal.id, &shown).await.unwrap();
    store.set_portal_cursor(portal.id, "m17").await.unwrap();
    store.set_portal_opened(portal.id, true).await.unwrap();
    store.set_portal_in_space(portal.id, true).await.unwrap();
    for state in [
        PortalState::New,
        PortalState::Invited,
        PortalState::Joined,
        PortalState::Declined,
        PortalState::Left,
        PortalState::Gone,
    ] {
        store.set_portal_state(portal.id, state).await.unwrap();
        assert_eq!(store.portal(portal.id).await.unwrap().unwrap().state, state);
    }
    let portal = store.portal(portal.id).await.unwrap().unwrap();
    assert_eq!(portal.shown, shown);
    assert_eq!(
        (portal.cursor.as_deref(), portal.opened, portal.in_space),
        (Some("m17"), true, true)
    );
    store
        .set_portal_room(portal.id, None, PortalState::New)
        .await
        .unwrap();
    assert_eq!(
        store.portal(portal.id).await.unwrap().unwrap().room_id,
        None
    );
    assert_eq!(
        store.portal(other.id).await.unwrap().unwrap().cursor,
        None,
        "others are left alone"
    );
}

pub(crate) async fn being_behind(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let empty = store.put_portal(&new_portal(&login, "r2")).await.unwrap();
    store
        .put_messages(&[row(portal.id, "m1", 0, "$1")])
        .await
        .unwrap();
    let behind = [portal.id, empty.id];
    store.mark_behind(&behind).await.unwrap();
    assert_eq!(store.behind_since(portal.id).await.unwrap(), Some(10));
    assert_eq!(store.behind_since(empty.id).await.unwrap(), None);
    store.up_to_date(portal.id).await.unwrap();
    let newer = store::MessageRow {
        sent_at: 20,
        ..row(portal.id, "m2", 0, "$2")
    };
    let ours = store::MessageRow {
        by_us: true,
        ..newer.clone()
    };
    store.put_messages(&[ours]).await.unwrap();
    store.mark_behind(&behind).await.unwrap();
    assert_eq!(
        store.behind_since(portal.id).await.unwrap(),
        Some(10),
        "what was sent says nothing of what was heard"
    );
    store.put_messages(&[newer]).await.unwrap();
    store.mark_behind(&behind).await.unwrap();
    assert_eq!(
        store.behind_since(portal.id).await.unwrap(),
        Some(10),
        "as long as it is behind, from where it began"
    );
    store.up_to_date(portal.id).await.unwrap();
    assert_eq!(store.behind_since(portal.id).await.unwrap(), None);
    store.mark_behind(&behind).await.unwrap();
    assert_eq!(store.behind_since(portal.id).await.unwrap(), Some(20));
}

pub(crate) async fn after_logout(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    store.delete_login(login.id).await.unwrap();
    assert_eq!(
        store.portal(portal.id).await.unwrap().unwrap().login_id,
        None
    );
    assert_eq!(store.portals_of(&login.mxid).await.unwrap().len(), 1);
    let again = store
        .put_login(&new_login(&login.mxid, "p9"))
        .await
        .unwrap();
    let same = store.put_portal(&new_portal(&again, "r1")).await.unwrap();
    assert_eq!((same.id, same.login_id), (portal.id, Some(again.id)));
}

pub(crate) async fn what_a_delivery_begins_with(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let rows = [row(portal.id, "m1", 0, "$a"), row(portal.id, "m1", 1, "$b")];
    store.put_messages(&rows).await.unwrap();

    let way = store.way_to_matrix(portal.id, Some("m1")).await.unwrap();
    assert_eq!(
        way,
        Some((portal.clone(), Some(login.clone()), rows.to_vec()))
    );
    let way = store.way_to_matrix(portal.id, None).await.unwrap();
    assert_eq!(way, Some((portal.clone(), Some(login.clone()), Vec::new())));
    assert_eq!(store.way_to_matrix(999, Some("m1")).await.unwrap(), None);

    let way = store.way_to_remote(portal.id, "$b").await.unwrap();
    let way = way.unwrap();
    assert_eq!((way.portal, way.sent), (portal.clone(), rows[1..].to_vec()));
    assert!(way.about.is_empty());
    assert_eq!(store.way_to_remote(999, "$b").await.unwrap(), None);

    let (room, ghost) = ("!r:example.org", ghost("p1"));
    let asked = store.ghost_and_whether_in("p1", room).await.unwrap();
    assert_eq!(asked, (None, false));
    store.put_ghost(&ghost).await.unwrap();
    store.set_ghost_in("p1", room, true).await.unwrap();
    let asked = store.ghost_and_whether_in("p1", room).await.unwrap();
    assert_eq!(asked, (Some(ghost), true));

    store.delete_login(login.id).await.unwrap();
    let way = store.way_to_matrix(portal.id, None).await.unwrap().unwrap();
    assert_eq!((way.0.login_id, way.1), (None, None));
}
