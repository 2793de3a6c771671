//! Double puppeting: the user's own account on Matrix does what he did on Gitter.

use std::path::Path;

use serde_json::json;
use testbed::bridge::Setup;
use testbed::user::Event;

use crate::scene::{Chat, Result, Scene};
use crate::shell::run;
use crate::town::Room;

const MARK: &str = "fi.mau.double_puppet_source";

/// A bridge that may speak as the users of its homeserver.
async fn scene() -> Result<Scene> {
    Scene::with(Setup::with_puppets).await
}

/// The room's id, once the user is in it without having done anything.
pub(crate) async fn is_in(chat: &Chat, room: &Room) -> Result<String> {
    let me = chat.user.id.clone();
    let name = room.name.clone();
    let named = chat
        .user
        .wait_for("the room's name", |event: &Event| {
            event.kind() == "m.room.name" && event.content()["name"] == name.as_str()
        })
        .await?;
    chat.user
        .wait_for("being in the room", |event: &Event| {
            event.room == named.room && event.membership_of(&me) == Some("join")
        })
        .await?;
    Ok(named.room)
}

/// "the user's own Gitter messages appear as himself and invites are accepted for him"; "events we send so are marked
/// `fi.mau.double_puppet_source` and never come back as messages".
#[tokio::test]
async fn his_own_messages_are_his_own_and_invites_accepted() -> Result {
    let scene = scene().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let old = scene.town.say(&maria, &lounge, "long ago");
    let chat = scene.citizen(&maria).await?;
    let room = is_in(&chat, &lounge).await?;
    let history = chat.hears(&room, "long ago").await?;
    assert_eq!(history.sender(), chat.user.id, "history, too");
    assert_eq!(
        history.json["origin_server_ts"],
        scene.town.message(&lounge, &old).sent_ms,
        "at its own time"
    );
    assert!(history.content()[MARK].is_string());

    scene.town.say(&maria, &lounge, "from the web page");
    let live = chat.hears(&room, "from the web page").await?;
    assert_eq!(live.sender(), chat.user.id);
    scene.town.say(&ben, &lounge, "hello");
    let his = chat.hears(&room, "hello").await?;
    assert_eq!(his.sender(), scene.ghost(&ben));

    // What comes later crosses, so what came before it would have crossed by then.
    chat.user.say(&room, "typed on Matrix").await?;
    scene.town.hears(&lounge, "typed on Matrix").await?;
    assert_eq!(
        scene.town.texts(&lounge),
        ["long ago", "from the web page", "hello", "typed on Matrix"]
    );
    scene.bridge.check_log(&[])
}

/// What she wrote on Gitter, and what she wrote on Matrix, is changed and taken back from either side as her own.
#[tokio::test]
async fn his_own_messages_are_his_to_change_on_both_sides() -> Result {
    let scene = scene().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = is_in(&chat, &lounge).await?;
    let change = |event: &str, text: &str| {
        json!({
            "msgtype": "m.text",
            "body": format!("* {text}"),
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event},
        })
    };

    let on_gitter = scene.town.say(&maria, &lounge, "from Gitter");
    let shown = chat.hears(&room, "from Gitter").await?.id().to_owned();
    let on_matrix = chat.user.say(&room, "from Matrix").await?;
    let said = scene
        .town
        .hears(&lounge, "from Matrix")
        .await?
        .id()
        .to_owned();
    for (message, event) in [(&on_gitter, &shown), (&said, &on_matrix)] {
        scene.town.edit(&lounge, message, "changed on Gitter");
        let replaced = chat
            .user
            .wait_for("the edit", |seen| {
                let relation = &seen.content()["m.relates_to"];
                relation["rel_type"] == "m.replace" && relation["event_id"] == event.as_str()
            })
            .await?;
        assert_eq!(replaced.sender(), chat.user.id);
        assert!(replaced.content()[MARK].is_string());
        assert_eq!(
            replaced.content()["m.new_content"]["body"],
            "changed on Gitter"
        );
        let content = change(event, "changed on Matrix");
        chat.user.send(&room, "m.room.message", &content).await?;
        scene.town.hears(&lounge, "changed on Matrix").await?;
        assert_eq!(
            scene.town.message(&lounge, message).text,
            "changed on Matrix"
        );
        scene.town.edit(&lounge, message, "done");
    }
    assert_eq!(scene.town.texts(&lounge), ["done", "done"]);

    scene.town.delete(&lounge, &said);
    let gone = chat
        .user
        .wait_for("the redaction", |seen| {
            seen.kind() == "m.room.redaction" && seen.content()["redacts"] == on_matrix.as_str()
        })
        .await?;
    assert_eq!(gone.sender(), chat.user.id);
    let oops = scene.town.say(&maria, &lounge, "oops");
    let seen = chat.hears(&room, "oops").await?;
    scene.town.delete(&lounge, &oops);
    let gone = chat
        .user
        .wait_for("the redaction", |event| {
            event.kind() == "m.room.redaction" && event.content()["redacts"] == seen.id()
        })
        .await?;
    assert_eq!(gone.sender(), chat.user.id);

    chat.user.redact(&room, &shown).await?;
    chat.user.say(&room, "the end").await?;
    scene.town.hears(&lounge, "the end").await?;
    assert_eq!(scene.town.texts(&lounge), ["the end"]);
    scene.bridge.check_log(&[])
}

/// Falls back where the homeserver does not know the token: he is invited, and his ghost speaks; the log says so once.
#[tokio::test]
async fn with_a_wrong_token_everything_is_as_without() -> Result {
    let wrong = "a-token-that-nobody-registered";
    let scene = Scene::with(|setup| setup.set("double_puppet.as_token", wrong)).await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    for text in ["one", "two"] {
        scene.town.say(&maria, &lounge, text);
        let said = chat.hears(&room, text).await?;
        assert_eq!(said.sender(), scene.ghost(&maria));
    }
    let warnings = scene.bridge.log();
    let warnings = warnings
        .lines()
        .filter(|line| line.contains("double puppeting does not work"));
    assert_eq!(warnings.count(), 1);
    Ok(())
}

/// "`doctor` checks it"; `register` writes both files.
#[tokio::test]
async fn register_writes_its_file_and_doctor_checks_it() -> Result {
    let scene = scene().await?;
    let file = scene.bridge.config_file();
    let home = file.parent().unwrap_or(Path::new("/")).to_owned();
    let registered = run(&home, &["register", "-c", "config.yaml"], &[]).await?;
    assert_eq!(registered.status, 0, "{}", registered.err);
    assert!(registered.out.contains("double-puppet.yaml"));
    let written = std::fs::read_to_string(home.join("double-puppet.yaml"))?;
    assert!(written.contains("exclusive: false") && written.contains("url: null"));

    let line = |said: &str| {
        let line = said.lines().find(|line| line.contains("double puppeting:"));
        line.unwrap_or_default().to_owned()
    };
    let well = run(&home, &["doctor", "-c", "config.yaml"], &[]).await?;
    assert_eq!(well.status, 0, "{}", well.out);
    assert!(line(&well.out).starts_with("ok"), "{}", well.out);

    let key = "MATRIX_GITTER_DOUBLE_PUPPET__AS_TOKEN";
    let wrong = "a-token-that-nobody-registered";
    let ill = run(&home, &["doctor", "-c", "config.yaml"], &[(key, wrong)]).await?;
    assert_eq!(ill.status, 13, "{}", ill.out);
    let said = line(&ill.out);
    assert!(said.starts_with("failed") && said.contains("register"));
    assert!(!ill.out.contains(wrong), "a token was shown");
    Ok(())
}
