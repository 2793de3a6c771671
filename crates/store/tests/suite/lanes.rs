//! Lanes: accepting, working, failing; and what a kill leaves.

use store::{
    Accepted, Backlog, Counts, Error, ItemState, Lane, MessageRow, NewItem, PortalId, PortalState,
    Queue, Store, Told,
};

use super::messages::row;
use crate::{Base, alice, new_login};

pub(crate) fn item(portal: PortalId, login_id: Option<i64>, key: &str) -> NewItem {
    NewItem {
        lane: Lane::ToRemote(portal),
        login_id,
        key: key.to_owned(),
        about: None,
        payload: format!("{{\"of\":\"{key}\"}}"),
    }
}

fn control(key: &str) -> NewItem {
    NewItem {
        lane: Lane::Control("!m".into()),
        login_id: None,
        key: key.into(),
        about: None,
        payload: "{}".into(),
    }
}

/// Works a lane to its end; gives the keys in order.
async fn drain(store: &Store, lane: &Lane) -> Vec<String> {
    let mut keys = Vec::new();
    while let Some(item) = store.next_item(lane).await.unwrap() {
        store.finish(&item, &[], 50).await.unwrap();
        keys.push(item.key);
    }
    keys
}

pub(crate) async fn what_is_about_what(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let about = |key: &str, about: &str| NewItem {
        about: Some(about.to_owned()),
        ..item(portal.id, Some(login.id), key)
    };
    let items = [
        item(portal.id, Some(login.id), "$a"),
        about("$edit", "$a"),
        item(portal.id, Some(login.id), "$b"),
        about("$edit-of-edit", "$edit"),
        about("$other", "$b"),
    ];
    store.accept_events(&items, 1).await.unwrap();
    let found = store.items_about(&lane, "$a").await.unwrap();
    let keys: Vec<_> = found.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(keys, ["$edit", "$edit-of-edit"]);
    let way = store.way_to_remote(portal.id, "$a").await.unwrap();
    assert_eq!(way.unwrap().about, found);
    let elsewhere = Lane::ToRemote(portal.id + 1);
    assert_eq!(store.items_about(&elsewhere, "$a").await.unwrap(), []);

    store.absorb(&[found[0].id], 2).await.unwrap();
    let first = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(store.failed_item(&lane, "$a").await.unwrap(), None);
    store.fail_item(first.id, "no", 3).await.unwrap();
    store.rewrite_item(first.id, "{}").await.unwrap();
    let failed = store.failed_item(&lane, "$a").await.unwrap().unwrap();
    assert_eq!((failed.id, failed.payload.as_str()), (first.id, "{}"));
    store.accept_events(&items[1..2], 4).await.unwrap();
    assert_eq!(
        drain(&store, &lane).await,
        ["$b", "$edit-of-edit", "$other"],
        "what was absorbed does not come again"
    );
}

pub(crate) async fn withdrawing(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let items = ["$a", "$b", "$c"].map(|key| item(portal.id, Some(login.id), key));
    store.accept_events(&items, 1).await.unwrap();
    assert!(
        !store.withdraw(&lane, "$a").await.unwrap(),
        "it may be under way"
    );
    assert!(store.withdraw(&lane, "$b").await.unwrap());
    assert!(!store.withdraw(&lane, "$b").await.unwrap());
    assert_eq!(drain(&store, &lane).await, ["$a", "$c"]);
}

pub(crate) async fn waiting_behind(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let keys = ["edit/a/1", "edit/ab/1", "edit/a/3", "edit/a/2", "edit/a"];
    let items = keys.map(|key| item(portal.id, Some(login.id), key));
    store.accept_events(&items, 1).await.unwrap();
    for (key, expected) in keys.iter().zip([true, false, false, false, false]) {
        let item = store.next_item(&lane).await.unwrap().unwrap();
        assert_eq!(item.key, *key);
        let waits = store.waits_behind(&item, "edit/a").await.unwrap();
        assert_eq!(waits, expected, "{key}");
        store.finish(&item, &[], 50).await.unwrap();
    }
}

pub(crate) async fn accepting_events(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let events = [
        item(portal.id, Some(login.id), "$a"),
        control("$b"),
        item(portal.id, Some(login.id), "$c"),
    ];
    let lane = Lane::ToRemote(portal.id);
    let mut lanes = vec![Lane::Control("!m".into()), lane.clone()];
    let accepted = |lanes: &[Lane], repeated| Accepted {
        lanes: lanes.to_vec(),
        repeated,
    };
    assert_eq!(
        store.accept_events(&events, 7).await.unwrap(),
        accepted(&lanes, 0)
    );
    assert_eq!(
        store.accept_events(&events, 8).await.unwrap(),
        accepted(&[], 3),
        "each once"
    );
    lanes.sort_by_key(ToString::to_string);
    assert_eq!(store.waiting_lanes().await.unwrap(), lanes);

    let first = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(
        (first.key.as_str(), first.payload.as_str()),
        ("$a", "{\"of\":\"$a\"}")
    );
    assert_eq!(
        (first.state, first.attempts, first.accepted_at),
        (ItemState::Waiting, 0, 7)
    );
    assert_eq!((first.login_id, &first.lane), (Some(login.id), &lane));
    assert_eq!(
        (first.not_before, first.note.as_ref(), first.why.as_ref()),
        (None, None, None)
    );
    assert!(
        !format!("{first:?} {events:?}").contains("of"),
        "no payload in logs"
    );

    assert_eq!(drain(&store, &lane).await, ["$a", "$c"]);
    let doubled = [
        item(portal.id, None, "$a"),
        item(portal.id, None, "$d"),
        item(portal.id, None, "$d"),
    ];
    assert_eq!(
        store.accept_events(&doubled, 9).await.unwrap(),
        accepted(std::slice::from_ref(&lane), 2)
    );
    assert_eq!(
        drain(&store, &lane).await,
        ["$d"],
        "done ones do not come back, doubled ones come once"
    );
    assert_eq!(store.accept_events(&[], 9).await.unwrap(), accepted(&[], 0));
}

pub(crate) async fn one_event_in_two_lanes(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let events = [item(portal.id, None, "$a"), control("$a")];
    let accept = async || store.accept_events(&events, 1).await.unwrap().lanes.len();
    assert_eq!(accept().await, 2);
    assert_eq!(accept().await, 0);
}

pub(crate) async fn accepting_what_came_from_the_network(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let item = |key: &str| NewItem {
        lane: Lane::ToMatrix(portal.id),
        ..item(portal.id, Some(login.id), key)
    };
    let cursor = async || store.portal(portal.id).await.unwrap().unwrap().cursor;
    assert!(
        store
            .accept_remote(portal.id, &[item("m1"), item("m2")], Some("m2"), 1)
            .await
            .unwrap()
    );
    assert_eq!(cursor().await.as_deref(), Some("m2"));
    assert!(
        !store
            .accept_remote(portal.id, &[item("m2")], None, 1)
            .await
            .unwrap(),
        "it waits already"
    );
    assert_eq!(cursor().await.as_deref(), Some("m2"));
    assert!(
        store
            .accept_remote(portal.id, &[item("m2"), item("m3")], Some("m3"), 1)
            .await
            .unwrap()
    );
    assert!(
        !store
            .accept_remote(portal.id, &[], Some("m4"), 1)
            .await
            .unwrap()
    );
    assert_eq!(cursor().await.as_deref(), Some("m4"));
    let lane = Lane::ToMatrix(portal.id);
    assert_eq!(drain(&store, &lane).await, ["m1", "m2", "m3"]);
    assert!(
        store
            .accept_remote(portal.id, &[item("m2")], None, 1)
            .await
            .unwrap(),
        "the map knows what is done, not the lane"
    );
}

pub(crate) async fn accepting_what_the_map_knows(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToMatrix(portal.id);
    let item = NewItem {
        lane: lane.clone(),
        ..item(portal.id, Some(login.id), "message/m1")
    };
    let accept = async |id: &str| store.accept_message(portal.id, id, &item, 1).await.unwrap();
    let cursor = async || store.portal(portal.id).await.unwrap().unwrap().cursor;
    assert_eq!(accept("m1").await, Told::New);
    assert_eq!(cursor().await.as_deref(), Some("m1"));
    assert_eq!(accept("m1").await, Told::Waits);
    assert_eq!(drain(&store, &lane).await, ["message/m1"]);

    let known = [row(portal.id, "m2", 0, "$a"), row(portal.id, "m2", 1, "$a")];
    store.put_messages(&known).await.unwrap();
    let own = MessageRow {
        by_us: true,
        ..row(portal.id, "m3", 0, "$b")
    };
    store.put_messages(&[own]).await.unwrap();
    assert_eq!(accept("m3").await, Told::Own);
    assert_eq!(accept("m2").await, Told::Shown);
    assert_eq!(cursor().await.as_deref(), Some("m2"));
    assert!(drain(&store, &lane).await.is_empty());
}

pub(crate) async fn backlogs(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let (id, joined) = (portal.id, PortalState::Joined);
    store.set_portal_state(id, joined).await.unwrap();
    let none = Backlog::default();
    assert_eq!(store.backlogs().await.unwrap(), (none, none));
    let of = |id, key| item(id, None, key);
    let from_network = NewItem {
        lane: Lane::ToMatrix(portal.id),
        ..of(portal.id, "$c")
    };
    let given_up = of(portal.id, "$given up");
    store.enqueue(&[given_up], 3).await.unwrap();
    let first = store.next_item(&Lane::ToRemote(portal.id)).await.unwrap();
    store.fail_item(first.unwrap().id, "no", 4).await.unwrap();
    store.enqueue(&[of(portal.id, "$a")], 5).await.unwrap();
    store
        .enqueue(&[of(77, "$b"), from_network, control("$d")], 6)
        .await
        .unwrap();
    let backlog = |items, oldest| Backlog { items, oldest };
    assert_eq!(
        store.backlogs().await.unwrap(),
        (backlog(2, Some(5)), backlog(1, Some(6))),
        "of all rooms, without what was given up"
    );
    store.set_portal_state(id, PortalState::Left).await.unwrap();
    let left = (backlog(2, Some(5)), none);
    assert_eq!(store.backlogs().await.unwrap(), left, "until she is back");
    store.set_portal_state(id, joined).await.unwrap();
    let expired = store.expire_login(login.id, login.since, 7).await;
    assert!(expired.unwrap());
    let resting = (backlog(1, Some(6)), none);
    assert_eq!(
        store.backlogs().await.unwrap(),
        resting,
        "until she logs in"
    );
}

pub(crate) async fn giving_itself_work(base: Base) {
    let store = base.open().await;
    store
        .enqueue(&[control("a"), control("b"), control("a")], 1)
        .await
        .unwrap();
    store.enqueue(&[control("b")], 1).await.unwrap();
    assert_eq!(drain(&store, &Lane::Control("!m".into())).await, ["a", "b"]);
    assert!(store.waiting_lanes().await.unwrap().is_empty());
}

pub(crate) async fn working_a_lane(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    store
        .enqueue(
            &[
                item(portal.id, Some(login.id), "a"),
                item(portal.id, Some(login.id), "b"),
            ],
            1,
        )
        .await
        .unwrap();
    let id = store.next_item(&lane).await.unwrap().unwrap().id;
    assert!(!store.attempting_in(&lane).await.unwrap());
    store.attempt(id, Some("after m1"), 2).await.unwrap();
    assert!(store.attempting_in(&lane).await.unwrap());
    assert!(
        !store
            .attempting_in(&Lane::ToMatrix(portal.id))
            .await
            .unwrap()
    );
    let attempting = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(
        (attempting.id, attempting.state, attempting.attempts),
        (id, ItemState::Attempting, 1)
    );
    assert_eq!(attempting.note.as_deref(), Some("after m1"));
    store.postpone(id, 5000, "too fast").await.unwrap();
    let waiting = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(
        (waiting.id, waiting.state, waiting.not_before),
        (id, ItemState::Waiting, Some(5000))
    );
    assert_eq!(
        (waiting.why.as_deref(), waiting.note.as_deref()),
        (Some("too fast"), Some("after m1"))
    );
    assert!(!store.attempting_in(&lane).await.unwrap());
    store.attempt(id, None, 6000).await.unwrap();
    let again = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!((again.attempts, again.note), (2, None));
}

pub(crate) async fn finishing(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    store
        .accept_events(
            &[item(portal.id, None, "$a"), item(portal.id, None, "$b")],
            1,
        )
        .await
        .unwrap();
    let first = store.next_item(&lane).await.unwrap().unwrap();
    let rows = [row(portal.id, "m1", 0, "$a"), row(portal.id, "m2", 1, "$a")];
    let next = store.finish(&first, &rows, 2).await.unwrap().unwrap();
    assert_eq!(next.key, "$b");
    assert_eq!(store.messages_by_event("$a").await.unwrap(), rows);
    assert_eq!(store.next_item(&lane).await.unwrap().unwrap().key, "$b");
    store.finish(&first, &rows, 3).await.unwrap();
    assert_eq!(
        store.next_item(&lane).await.unwrap().unwrap().key,
        "$b",
        "finishing twice is finishing once"
    );
    assert_eq!(store.finish(&next, &[], 4).await.unwrap(), None);
}

pub(crate) async fn failing_and_trying_again(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let bob = store
        .put_login(&new_login("@bob:example.org", "p2"))
        .await
        .unwrap();
    let lane = Lane::ToRemote(portal.id);
    let items: Vec<_> = ["a", "b", "c"]
        .map(|key| item(portal.id, Some(login.id), key))
        .into();
    store.enqueue(&items, 1).await.unwrap();
    for _ in 0..2 {
        let next = store.next_item(&lane).await.unwrap().unwrap();
        store.attempt(next.id, Some("note"), 2).await.unwrap();
        store.fail_item(next.id, "too long", 3).await.unwrap();
    }
    assert_eq!(
        store.next_item(&lane).await.unwrap().unwrap().key,
        "c",
        "the lane goes on"
    );
    let failed = store.failed_items(&login.mxid).await.unwrap();
    assert_eq!(
        failed
            .iter()
            .map(|item| item.key.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        (failed[0].state, failed[0].why.as_deref()),
        (ItemState::Failed, Some("too long"))
    );
    assert!(store.failed_items(&bob.mxid).await.unwrap().is_empty());
    let first = store.first_failed(&login.mxid, 1).await.unwrap();
    assert_eq!(first, failed[..1]);
    assert_eq!(store.first_failed(&login.mxid, 9).await.unwrap(), failed);
    assert!(store.first_failed(&bob.mxid, 9).await.unwrap().is_empty());

    store.postpone(failed[0].id, 9, "late").await.unwrap();
    assert_eq!(
        store.failed_items(&login.mxid).await.unwrap().len(),
        2,
        "what was given up stays so"
    );
    assert!(store.retry_item(failed[0].id).await.unwrap());
    assert!(!store.retry_item(failed[0].id).await.unwrap());
    let retried = store.next_item(&lane).await.unwrap().unwrap();
    assert_eq!(
        (retried.key.as_str(), retried.state, retried.why),
        ("a", ItemState::Waiting, None)
    );
    assert_eq!(retried.note.as_deref(), Some("note"));
    assert!(
        !store.discard_item(failed[0].id).await.unwrap(),
        "only what failed"
    );
    assert!(store.discard_item(failed[1].id).await.unwrap());
    assert!(!store.discard_item(failed[1].id).await.unwrap());
    assert!(store.failed_items(&login.mxid).await.unwrap().is_empty());
    assert_eq!(drain(&store, &lane).await, ["a", "c"]);
}

pub(crate) async fn counting(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    assert_eq!(
        store.count_items(&login.mxid).await.unwrap(),
        Counts::default()
    );
    let items: Vec<_> = ["a", "b", "c", "d"]
        .map(|key| item(portal.id, Some(login.id), key))
        .into();
    for (item, now) in items.iter().zip(10..) {
        store
            .enqueue(std::slice::from_ref(item), now)
            .await
            .unwrap();
    }
    store.enqueue(&[control("x")], 1).await.unwrap();
    let lane = Lane::ToRemote(portal.id);
    let first = store.next_item(&lane).await.unwrap().unwrap();
    store.fail_item(first.id, "no", 20).await.unwrap();
    let second = store.next_item(&lane).await.unwrap().unwrap();
    store.attempt(second.id, None, 20).await.unwrap();
    let counts = Counts {
        waiting: 2,
        attempting: 1,
        failed: 1,
        oldest: Some(11),
    };
    assert_eq!(store.count_items(&login.mxid).await.unwrap(), counts);
    assert_eq!(
        store.count_items("@bob:example.org").await.unwrap(),
        Counts::default()
    );
    let queue = |items, since| Queue {
        lane: lane.clone(),
        items,
        since,
    };
    assert_eq!(store.queues(&login.mxid).await.unwrap(), [queue(3, 11)]);
    assert_eq!(store.queues("@bob:example.org").await.unwrap(), []);
    let behind = store.items_behind(&lane, first.id, 1).await.unwrap();
    assert_eq!(behind.len(), 1);
    assert_eq!(behind[0].key, "c", "what was begun does not wait");
    let behind = store.items_behind(&lane, behind[0].id, 9).await.unwrap();
    assert_eq!(behind.len(), 1);
    let ids = [second.id, behind[0].id];
    store.fail_items(&ids, "late", 30).await.unwrap();
    assert_eq!(store.queues(&login.mxid).await.unwrap(), [queue(1, 12)]);
    assert_eq!(store.failed_items(&login.mxid).await.unwrap().len(), 3);
}

pub(crate) async fn dropping_and_pruning(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let old = ["$done", "$waits"].map(|key| item(portal.id, None, key));
    store.accept_events(&old, 10).await.unwrap();
    let done = store.next_item(&lane).await.unwrap().unwrap();
    store.finish(&done, &[], 30).await.unwrap();
    store.prune(25).await.unwrap();
    assert!(
        store
            .accept_events(&old, 40)
            .await
            .unwrap()
            .lanes
            .is_empty(),
        "one still waits, the other was done lately"
    );
    store.prune(31).await.unwrap();
    assert_eq!(
        store.accept_events(&old, 50).await.unwrap().lanes,
        *std::slice::from_ref(&lane),
        "forgotten, as it was asked to"
    );
    store.drop_lane(&lane).await.unwrap();
    assert_eq!(store.next_item(&lane).await.unwrap(), None);
    assert!(store.waiting_lanes().await.unwrap().is_empty());
}

pub(crate) async fn who_logged_out_meanwhile(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    store.delete_login(login.id).await.unwrap();
    let late = item(portal.id, Some(login.id), "$late");
    assert_eq!(
        store.accept_events(&[late], 1).await.unwrap().lanes.len(),
        1,
        "not ours to drop"
    );
    let item = store
        .next_item(&Lane::ToRemote(portal.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(item.login_id, None);
}

pub(crate) async fn order_under_competition(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            let id = portal.id;
            tokio::spawn(async move {
                for n in 0..10 {
                    let items =
                        [0, 1].map(|k| item(id, None, &format!("{writer}.{:02}", 2 * n + k)));
                    store.accept_events(&items, 1).await.unwrap();
                }
            })
        })
        .collect();
    let mut keys = Vec::new();
    while keys.len() < 80 {
        match store.next_item(&lane).await.unwrap() {
            Some(item) => {
                store.finish(&item, &[], 1).await.unwrap();
                keys.push(item.key);
            }
            None => tokio::task::yield_now().await,
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for writer in ["0", "1", "2", "3"] {
        let own: Vec<_> = keys.iter().filter(|key| key.starts_with(writer)).collect();
        assert!(own.len() == 20 && own.is_sorted(), "{own:?}");
    }
}

pub(crate) async fn a_commit_is_all_or_nothing(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    store
        .enqueue(&[item(portal.id, None, "a")], 1)
        .await
        .unwrap();
    let next = store.next_item(&lane).await.unwrap().unwrap();
    // The second row belongs to no portal, which the database refuses.
    let rows = [row(portal.id, "m1", 0, "$a"), row(999, "m2", 0, "$b")];
    assert!(matches!(
        store.finish(&next, &rows, 1).await,
        Err(Error::Bug(_))
    ));
    assert!(matches!(
        store.put_messages(&rows).await,
        Err(Error::Bug(_))
    ));
    assert!(store.messages(portal.id, "m1").await.unwrap().is_empty());
    assert_eq!(store.next_item(&lane).await.unwrap().unwrap(), next);
    store.finish(&next, &rows[..1], 1).await.unwrap();
    assert_eq!(store.messages(portal.id, "m1").await.unwrap().len(), 1);
}

pub(crate) async fn many_at_once(base: Base) {
    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let keys: Vec<_> = (0..100).map(|n| format!("{n:03}")).collect();
    let items: Vec<_> = keys.iter().map(|key| item(portal.id, None, key)).collect();
    let touched = store.accept_events(&items, 1).await.unwrap().lanes;
    assert_eq!(touched, *std::slice::from_ref(&lane));
    assert_eq!(drain(&store, &lane).await, keys);
    assert_eq!(store.accept_events(&items, 1).await.unwrap().repeated, 100);

    let mut rows: Vec<_> = keys
        .iter()
        .map(|key| row(portal.id, key, 0, "$a"))
        .collect();
    rows.push(row(999, "m", 0, "$a"));
    assert!(store.put_messages(&rows).await.is_err());
    assert_eq!(store.messages_by_event("$a").await.unwrap(), []);
    store.put_messages(&rows[..100]).await.unwrap();
    assert_eq!(store.messages_by_event("$a").await.unwrap(), rows[..100]);
}

/// Polls a call a few times and drops it, as a killed task does; whatever it left must be all or nothing.
pub(crate) async fn dropped_in_the_middle(base: Base) {
    use std::future::Future;
    use std::task::Poll;

    let store = base.open().await;
    let (_, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let mut whole = 0;
    for polls in 0..60 {
        let items: Vec<_> = (0..3)
            .map(|n| item(portal.id, None, &format!("{polls}.{n}")))
            .collect();
        {
            let mut call = std::pin::pin!(store.accept_events(&items, 1));
            let mut left = polls;
            std::future::poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                match call.as_mut().poll(context) {
                    Poll::Ready(result) => {
                        result.unwrap();
                        Poll::Ready(())
                    }
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
        }
        let keys = drain(&store, &lane).await;
        assert!(keys.is_empty() || keys.len() == 3, "{polls}: {keys:?}");
        whole += keys.len() / 3;
        // The homeserver sends it again, and it arrives once.
        let again = store.accept_events(&items, 1).await.unwrap().lanes;
        assert_eq!(again.is_empty(), keys.len() == 3, "{polls}");
        assert_eq!(drain(&store, &lane).await.len(), 3 - keys.len(), "{polls}");
    }
    assert!(whole > 0 && whole < 60, "both were seen: {whole}");
}

pub(crate) async fn what_cannot_be_read(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let lane = Lane::ToRemote(portal.id);
    let items = ["$a", "$b"].map(|key| item(portal.id, Some(login.id), key));
    store.accept_events(&items, 1).await.unwrap();
    super::opening::meddle(&base, "UPDATE items SET state = 'rotten' WHERE key = '$a'").await;
    let error = store.next_item(&lane).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    let head = store.head(&lane).await.unwrap().unwrap();
    store.fail_item(head, "unreadable", 2).await.unwrap();
    assert_eq!(store.next_item(&lane).await.unwrap().unwrap().key, "$b");
    let failed = store.failed_items(&login.mxid).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].key.as_str(), failed[0].why.as_deref()),
        ("$a", Some("unreadable"))
    );
    // Its state was all that was wrong with it, so now it can be tried.
    assert!(store.retry_item(failed[0].id).await.unwrap());
    assert_eq!(drain(&store, &lane).await, ["$a", "$b"]);
    super::opening::meddle(
        &base,
        "INSERT INTO items (lane, key, payload, state, attempts, accepted_at, changed_at)
            VALUES ('nowhere', 'x', '{}', 'waiting', 0, 1, 1)",
    )
    .await;
    assert_eq!(store.waiting_lanes().await.unwrap(), []);
}

pub(crate) async fn lanes_that_wait(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    let other = store
        .put_portal(&crate::new_portal(&login, "r2"))
        .await
        .unwrap();
    let elsewhere = portal.id + 1000;
    let mut lanes = vec![
        Lane::Control("!talk".to_owned()),
        Lane::ToMatrix(portal.id),
        Lane::ToRemote(portal.id),
        Lane::ToRemote(other.id),
        Lane::ToRemote(elsewhere),
    ];
    for lane in &lanes {
        for key in ["$1", "$2"] {
            let item = NewItem {
                lane: lane.clone(),
                ..item(portal.id, Some(login.id), key)
            };
            store.enqueue(&[item], 1).await.unwrap();
        }
    }
    let failed = store
        .next_item(&Lane::ToRemote(other.id))
        .await
        .unwrap()
        .unwrap();
    store.fail_item(failed.id, "no", 2).await.unwrap();
    // By name, as text.
    lanes.sort_by_key(ToString::to_string);
    assert_eq!(store.waiting_lanes().await.unwrap(), lanes);
    let mut paged = Vec::new();
    let mut place = None;
    loop {
        let (page, next) = store
            .waiting_lanes_after(place.as_deref(), 2)
            .await
            .unwrap();
        assert!(page.len() <= 2);
        paged.extend(page);
        if next.is_none() {
            break;
        }
        place = next;
    }
    assert_eq!(paged, lanes);

    let mut his = vec![
        Lane::ToMatrix(portal.id),
        Lane::ToRemote(portal.id),
        Lane::ToRemote(other.id),
    ];
    assert_eq!(store.waiting_lanes_of(&login.mxid).await.unwrap(), his);
    let last = store
        .next_item(&Lane::ToRemote(other.id))
        .await
        .unwrap()
        .unwrap();
    store.fail_item(last.id, "no", 3).await.unwrap();
    his.pop();
    assert_eq!(store.waiting_lanes_of(&login.mxid).await.unwrap(), his);
    assert_eq!(
        store.waiting_lanes_of("@bob:example.org").await.unwrap(),
        []
    );
}
