//! "clear error, `ready` says so, the homeserver gets no 200 for what is not stored, work resumes by itself when it is mended":
//! faults of the database under the real program.

use std::time::Duration;

use serde_json::json;
use testbed::bridge::SMALL_DISK;
use testbed::postgres::Postgres;
use testbed::progress::Lines;
use tokio::io::AsyncWriteExt as _;

use crate::gathering::Gathering;
use crate::scene::{Result, Scene};

/// A server of the test's own, a database on it, and people in a room.
async fn on_own_server(max_connections: u32) -> Result<(Postgres, String, Gathering)> {
    let postgres = Postgres::start(&Lines).await?;
    let uri = postgres.database().await?;
    let scene = Scene::with(|setup| {
        setup
            .database(&uri)
            .set("database.max_connections", max_connections)
    })
    .await?;
    let gathering = Gathering::on(scene).await?;
    Ok((postgres, uri, gathering))
}

/// Waits until `/health/ready` says that the database has this problem; then the log has said so, too, and what the
/// homeserver sends is not taken.
async fn until_told(gathering: &Gathering, words: &str) -> Result {
    let bridge = &gathering.scene.bridge;
    let mut last = None;
    for _ in 0..200 {
        let (status, said) = bridge.readiness().await?;
        let problem = said["database"]["problem"].as_str().unwrap_or_default();
        let log = bridge.log();
        let told = |line: &str| line.contains("ERROR") && line.contains(words);
        if status == 503 && problem.contains(words) && log.lines().any(told) {
            assert!(said["homeserver"]["ok"] == true, "{said}");
            return is_refused(gathering).await;
        }
        last = Some(said);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("{words:?} was expected, in the log too, but it says {last:?}")
}

/// A transaction with a message in it gets no 200.
async fn is_refused(gathering: &Gathering) -> Result {
    let slot = gathering.scene.bridge.slot();
    let event = json!({
        "type": "m.room.message",
        "event_id": "$never_stored",
        "room_id": gathering.room,
        "sender": gathering.chat.user.id,
        "origin_server_ts": 0,
        "content": { "msgtype": "m.text", "body": "never stored" },
    });
    let url = format!("{}/_matrix/app/v1/transactions/999999999", slot.address());
    let answer = testbed::http::client()?
        .put(url)
        .bearer_auth(&slot.hs_token)
        .json(&json!({ "events": [event] }))
        .send()
        .await?;
    assert!(answer.status().is_server_error(), "{}", answer.status());
    Ok(())
}

/// What both say while the database is out of order arrives once, in order, as soon as it is mended.
async fn all_arrives(mut gathering: Gathering) -> Result {
    gathering.scene.bridge.ready().await?;
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ben,
        ..
    } = gathering;
    chat.user.say(&room, "hers, after").await?;
    scene.town.say(&ben, &lounge, "his, after");
    scene.town.hears(&lounge, "hers, after").await?;
    chat.hears(&room, "his, after").await?;
    let of = |texts: Vec<String>, whose: &str| -> Vec<String> {
        texts
            .into_iter()
            .filter(|text| text.starts_with(whose))
            .collect()
    };
    let hers = of(scene.town.texts(&lounge), "hers");
    assert_eq!(hers, ["hers, before", "hers, meanwhile", "hers, after"]);
    let his = of(chat.user.bodies(&room).await?, "his");
    assert_eq!(his, ["his, before", "his, meanwhile", "his, after"]);
    let log = scene.bridge.log();
    assert!(
        log.contains("the database works again"),
        "the log does not say that it is mended"
    );
    Ok(())
}

async fn say_before(gathering: &Gathering) -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ben,
        ..
    } = gathering;
    chat.user.say(room, "hers, before").await?;
    scene.town.say(ben, lounge, "his, before");
    scene.town.hears(lounge, "hers, before").await?;
    chat.hears(room, "his, before").await?;
    Ok(())
}

async fn say_meanwhile(gathering: &Gathering) -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ben,
        ..
    } = gathering;
    chat.user.say(room, "hers, meanwhile").await?;
    scene.town.say(ben, lounge, "his, meanwhile");
    Ok(())
}

#[tokio::test]
async fn postgresql_gone_for_a_while_loses_nothing() -> Result {
    let (mut postgres, _, gathering) = on_own_server(3).await?;
    say_before(&gathering).await?;
    postgres.stop().await?;
    say_meanwhile(&gathering).await?;
    until_told(&gathering, "PostgreSQL cannot be reached").await?;
    postgres.start_again().await?;
    all_arrives(gathering).await
}

#[tokio::test]
async fn postgresql_restarted_under_traffic_loses_and_doubles_nothing() -> Result {
    let (mut postgres, _, gathering) = on_own_server(3).await?;
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ben,
        ..
    } = gathering;
    for number in 0..30 {
        chat.user.say(&room, &format!("hers {number}")).await?;
        scene.town.say(&ben, &lounge, &format!("his {number}"));
        if number % 10 == 5 {
            postgres.crash().await?;
        }
    }
    scene.town.hears(&lounge, "hers 29").await?;
    chat.hears(&room, "his 29").await?;
    let numbered = |whose: &str| -> Vec<String> {
        (0..30).map(|number| format!("{whose} {number}")).collect()
    };
    let mut hers = scene.town.texts(&lounge);
    hers.retain(|text| text.starts_with("hers"));
    assert_eq!(hers, numbered("hers"));
    let mut his = chat.user.bodies(&room).await?;
    his.retain(|text| text.starts_with("his"));
    assert_eq!(his, numbered("his"));
    Ok(())
}

/// As PostgreSQL says it when a table cannot grow. The look of `/health/ready` itself still succeeds: it takes no room.
#[tokio::test]
async fn a_full_disk_of_postgresql_loses_nothing() -> Result {
    let (postgres, uri, gathering) = on_own_server(3).await?;
    say_before(&gathering).await?;
    postgres
        .execute(
            &uri,
            &[
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
                END $$",
                "CREATE TRIGGER full_disk BEFORE INSERT ON items EXECUTE FUNCTION full_disk()",
            ],
        )
        .await?;
    say_meanwhile(&gathering).await?;
    until_told(&gathering, "make room on its disk").await?;
    postgres
        .execute(&uri, &["DROP TRIGGER full_disk ON items"])
        .await?;
    all_arrives(gathering).await
}

#[tokio::test]
async fn a_postgresql_that_became_read_only_loses_nothing() -> Result {
    let (postgres, uri, gathering) = on_own_server(3).await?;
    say_before(&gathering).await?;
    let set = async |to: &str| {
        let alter = format!("ALTER SYSTEM SET default_transaction_read_only = {to}");
        // The session itself must be able to set it back.
        let writable = "SET default_transaction_read_only = off";
        postgres
            .execute(&uri, &[writable, &alter, "SELECT pg_reload_conf()"])
            .await
    };
    set("on").await?;
    say_meanwhile(&gathering).await?;
    until_told(&gathering, "the server takes no changes").await?;
    set("off").await?;
    all_arrives(gathering).await
}

/// Somebody holds a table, and all connections of the bridge wait for it.
#[tokio::test]
async fn an_exhausted_pool_loses_nothing() -> Result {
    let (postgres, uri, gathering) = on_own_server(1).await?;
    say_before(&gathering).await?;
    let mut session = postgres.session(&uri);
    let mut holder = session.stdin(std::process::Stdio::piped()).spawn()?;
    let mut stdin = holder.stdin.take();
    if let Some(stdin) = &mut stdin {
        stdin.write_all(b"BEGIN; LOCK TABLE items;\n").await?;
        stdin.flush().await?;
    }
    let held = "SELECT COUNT(*) FROM pg_locks WHERE relation = 'items'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    while postgres.execute(&uri, &[held]).await?.trim() != "1" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say_meanwhile(&gathering).await?;
    until_told(&gathering, "database.max_connections").await?;
    drop(stdin);
    holder.wait().await?;
    all_arrives(gathering).await
}

#[tokio::test]
async fn a_full_disk_under_sqlite_loses_nothing() -> Result {
    let scene = Scene::with(testbed::bridge::Setup::on_a_small_disk).await?;
    let gathering = Gathering::on(scene).await?;
    say_before(&gathering).await?;
    let filler = gathering.scene.bridge.small_disk().join("filler");
    let fill = || {
        // More than fits: it ends with all that does.
        let size = usize::try_from(SMALL_DISK)?;
        assert!(
            std::fs::write(&filler, vec![0; size]).is_err(),
            "it is not full"
        );
        anyhow::Ok(())
    };
    fill()?;
    say_meanwhile(&gathering).await?;
    // The files of the database have a little room left.
    for number in 0..5 {
        gathering
            .chat
            .user
            .say(
                &gathering.room,
                &format!("filling {number} {}", "x".repeat(4000)),
            )
            .await?;
    }
    until_told(&gathering, "make room on its disk").await?;
    std::fs::remove_file(&filler)?;
    all_arrives(gathering).await
}
