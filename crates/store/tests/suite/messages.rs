//! The message map.

use store::{Awaited, EditRow, Lane, MessageRow, NewItem};

use crate::{Base, alice};

pub(crate) fn row(portal_id: i64, remote_id: &str, part: i64, event_id: &str) -> MessageRow {
    MessageRow {
        portal_id,
        remote_id: remote_id.to_owned(),
        part,
        event_id: event_id.to_owned(),
        room_id: "!room".to_owned(),
        sender: "p1".to_owned(),
        by_us: false,
        as_user: false,
        sent_at: 10,
        edited_at: None,
        thread: None,
        deleted: false,
        digest: Some(-7),
        awaited_since: None,
    }
}

pub(crate) async fn the_map(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let mut first = row(portal.id, "m1", 0, "$a");
    store
        .put_messages(std::slice::from_ref(&first))
        .await
        .unwrap();
    assert_eq!(
        store.messages(portal.id, "m1").await.unwrap(),
        [first.clone()]
    );
    assert_eq!(
        store.message_by_event("$a").await.unwrap(),
        Some(first.clone())
    );
    assert!(store.messages(portal.id, "m2").await.unwrap().is_empty());
    assert_eq!(store.message_by_event("$b").await.unwrap(), None);

    first.edited_at = Some(20);
    first.by_us = true;
    first.event_id = "$b".into();
    store
        .put_messages(std::slice::from_ref(&first))
        .await
        .unwrap();
    assert_eq!(store.messages(portal.id, "m1").await.unwrap(), [first]);
    assert_eq!(store.message_by_event("$a").await.unwrap(), None);
    store.put_messages(&[]).await.unwrap();
}

pub(crate) async fn edits(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let edit = |event: &str, written_at| EditRow {
        portal_id: portal.id,
        event_id: event.to_owned(),
        original: "$a".to_owned(),
        written_at,
    };
    for row in [edit("$one", 1), edit("$two", 2), edit("$one", 9)] {
        store.put_edit(&row).await.unwrap();
    }
    assert_eq!(store.edit("$one").await.unwrap(), Some(edit("$one", 1)));
    assert_eq!(store.edit("$a").await.unwrap(), None);
    let both = [edit("$one", 1), edit("$two", 2)];
    assert_eq!(store.edits_of(&both[0].original).await.unwrap(), both);
    assert_eq!(store.edits_of("$one").await.unwrap(), []);
    let rows = [
        row(portal.id, "m1", 0, "$a"),
        row(portal.id, "m2", 0, "$two"),
    ];
    store.put_messages(&rows).await.unwrap();
    assert_eq!(store.follow_ups("$a").await.unwrap(), rows[1..]);
    assert_eq!(store.follow_ups("$two").await.unwrap(), []);
}

pub(crate) async fn threads_and_parts(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let in_thread = |id: &str, part, sent_at, deleted| MessageRow {
        sent_at,
        thread: Some("root".into()),
        deleted,
        ..row(portal.id, id, part, &format!("${id}{part}"))
    };
    let rows = [
        row(portal.id, "root", 0, "$root"),
        in_thread("one", 0, 20, false),
        in_thread("two", 0, 30, false),
        in_thread("two", 1, 30, false),
        in_thread("gone", 0, 40, true),
    ];
    store.put_messages(&rows).await.unwrap();
    let last = store.last_in_thread(portal.id, "root").await.unwrap();
    assert_eq!(last.as_ref(), Some(&rows[3]));
    assert_eq!(store.last_in_thread(portal.id, "one").await.unwrap(), None);
    let first = async |thread, room| store.first_in_thread(portal.id, thread, room).await;
    assert_eq!(
        first("root", "!room").await.unwrap().as_ref(),
        Some(&rows[1])
    );
    assert_eq!(first("root", "!other").await.unwrap(), None);
    store.drop_part(portal.id, "two", 1).await.unwrap();
    let left = store.messages(portal.id, "two").await.unwrap();
    assert_eq!(left, rows[2..3]);
}

pub(crate) async fn parts_both_ways(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let two_events = [row(portal.id, "m1", 0, "$a"), row(portal.id, "m1", 1, "$b")];
    let two_messages = [row(portal.id, "m2", 0, "$c"), row(portal.id, "m3", 1, "$c")];
    store
        .put_messages(&[two_events.clone(), two_messages.clone()].concat())
        .await
        .unwrap();
    assert_eq!(store.messages(portal.id, "m1").await.unwrap(), two_events);
    assert_eq!(
        store.message_by_event("$b").await.unwrap(),
        Some(two_events[1].clone())
    );
    assert_eq!(store.messages_by_event("$c").await.unwrap(), two_messages);
    assert_eq!(
        store.message_by_event("$c").await.unwrap(),
        Some(two_messages[0].clone())
    );
}

pub(crate) async fn since_and_latest(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let other = store
        .put_portal(&crate::new_portal(&login, "r2"))
        .await
        .unwrap();
    let at = |id: &str, sent_at| MessageRow {
        sent_at,
        ..row(portal.id, id, 0, &format!("${id}"))
    };
    let rows = [at("m1", 10), at("m2", 20), at("m3", 30)];
    store.put_messages(&rows).await.unwrap();
    store
        .put_messages(&[row(other.id, "m1", 0, "$elsewhere")])
        .await
        .unwrap();
    assert_eq!(store.known_since(portal.id, 20).await.unwrap(), rows[1..]);
    assert_eq!(store.known_since(portal.id, 31).await.unwrap(), []);
    assert_eq!(
        store.latest(portal.id, 2).await.unwrap(),
        [rows[2].clone(), rows[1].clone()]
    );
}

pub(crate) async fn echoes_are_awaited(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let sent = |id: &str, event: &str, since| MessageRow {
        by_us: true,
        awaited_since: Some(since),
        ..row(portal.id, id, 0, event)
    };
    let it = |id: &str, since| Awaited {
        portal_id: portal.id,
        remote_id: id.to_owned(),
        since,
    };
    store.put_messages(&[sent("m2", "$b", 20)]).await.unwrap();
    let rows = [sent("m1", "$a", 10), row(portal.id, "m3", 0, "$c")];
    store.put_messages(&rows).await.unwrap();
    assert_eq!(
        store.awaited().await.unwrap(),
        [it("m1", 10), it("m2", 20)],
        "what came from the network is not"
    );
    store.forget_awaited(&[it("m2", 20)]).await.unwrap();
    store.put_messages(&[sent("m2", "$b", 30)]).await.unwrap();
    assert_eq!(
        store.awaited().await.unwrap(),
        [it("m1", 10)],
        "a row that is put again is not awaited again"
    );
    let lane = Lane::ToRemote(portal.id);
    let item = NewItem {
        lane: lane.clone(),
        login_id: Some(login.id),
        key: "$a".to_owned(),
        about: None,
        payload: "{}".to_owned(),
    };
    assert!(!store.waits(&lane, "$a").await.unwrap());
    for _ in 0..2 {
        let items = std::slice::from_ref(&item);
        store
            .give_back(&[it("m1", 10)], items, "gone", 40)
            .await
            .unwrap();
    }
    assert!(store.awaited().await.unwrap().is_empty());
    assert!(store.messages(portal.id, "m1").await.unwrap().is_empty());
    let failed = store.failed_items(&login.mxid).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].key.as_str(), failed[0].why.as_deref()),
        ("$a", Some("gone"))
    );
    assert!(store.retry_item(failed[0].id).await.unwrap());
    assert!(store.waits(&lane, "$a").await.unwrap());
}
