//! Every method, on both back ends: one suite, written once.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

mod suite {
    pub(crate) mod lanes;
    pub(crate) mod media;
    pub(crate) mod messages;
    pub(crate) mod opening;
    pub(crate) mod people;
    pub(crate) mod portals;
}

use store::{Login, NewLogin, NewPortal, Options, Portal, SecretKey, Store};

/// A database that can be opened again and again.
pub(crate) struct Base {
    uri: String,
    // Removed with it.
    _folder: Option<tempfile::TempDir>,
}

impl Base {
    async fn new(back_end: &str) -> Self {
        if back_end == "postgres" {
            let uri = testbed::postgres::database().await.unwrap();
            return Self { uri, _folder: None };
        }
        let folder = tempfile::tempdir().unwrap();
        let uri = format!("sqlite:{}/test.db", folder.path().display());
        Self {
            uri,
            _folder: Some(folder),
        }
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            uri: self.uri.clone().into(),
            max_connections: 3,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.options(), &key()).await.unwrap()
    }
}

pub(crate) fn key() -> SecretKey {
    SecretKey::new([42; 32])
}

pub(crate) fn new_login(mxid: &str, person: &str) -> NewLogin {
    NewLogin {
        mxid: mxid.to_owned(),
        person_id: person.to_owned(),
        username: format!("{person}-name"),
        display_name: format!("{person} Display"),
        credentials: format!("token of {person}").into(),
        now: 100,
    }
}

pub(crate) fn new_portal(login: &Login, room: &str) -> NewPortal {
    NewPortal {
        login_id: login.id,
        mxid: login.mxid.clone(),
        remote_room: room.to_owned(),
        address: format!("org/{room}"),
        name: format!("Org {room}"),
        topic: Some("talk".to_owned()),
        kind: "public".to_owned(),
        other_person: None,
    }
}

/// A logged-in user with a portal.
pub(crate) async fn alice(store: &Store) -> (Login, Portal) {
    let login = store
        .put_login(&new_login("@alice:example.org", "p1"))
        .await
        .unwrap();
    let portal = store.put_portal(&new_portal(&login, "r1")).await.unwrap();
    (login, portal)
}

macro_rules! on_both {
    ($($file:ident: $($test:ident),+ $(,)?;)+) => {
        mod sqlite {
            $($(#[tokio::test] async fn $test() {
                super::suite::$file::$test(super::Base::new("sqlite").await).await;
            })+)+
        }
        mod postgres {
            $($(#[tokio::test] async fn $test() {
                super::suite::$file::$test(super::Base::new("postgres").await).await;
            })+)+
        }
    };
}

on_both! {
    people: users, sweeps, refused_rooms, marks, tickets, logins, credentials, deleting_a_login, ghosts, pictures, odd_texts;
    portals: making, inviting, finding, changing, being_behind, after_logout, what_a_delivery_begins_with;
    media: uploads, links, links_are_dropped, what_a_link_is_made_of;
    messages: the_map, edits, threads_and_parts, parts_both_ways, since_and_latest, echoes_are_awaited;
    lanes: accepting_events, lanes_that_wait, what_cannot_be_read, what_is_about_what, withdrawing, waiting_behind, one_event_in_two_lanes, accepting_what_came_from_the_network,
        accepting_what_the_map_knows, backlogs, giving_itself_work, working_a_lane, finishing, failing_and_trying_again, counting, dropping_and_pruning, who_logged_out_meanwhile,
        order_under_competition, a_commit_is_all_or_nothing, many_at_once, dropped_in_the_middle;
    opening: opens_again, without_closing, another_key, a_newer_schema, somebody_elses_database, after_close,
        twice_at_once, a_look_changes_nothing, one_process_at_a_time;
}
