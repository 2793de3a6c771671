//! Double puppeting: the user's own account on Matrix does what he did on Gitter.

use std::path::Path;

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
async fn is_in(chat: &Chat, room: &Room) -> Result<String> {
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
