//! Each row of the command table.

use testbed::user::Place;

use crate::scene::{Result, Scene};

const EVERYBODYS: [&str; 13] = [
    "help", "login", "logout", "list", "invite", "gjoin", "gpart", "status", "failed", "retry",
    "discard", "sync", "version",
];

/// "`help [command]`: lists the commands, grouped." "Command words ignore case; `help COMMAND` explains one."
#[tokio::test]
async fn help_lists_all_commands_and_explains_each() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let list = chat.ask("HELP").await?;
    for command in EVERYBODYS {
        assert!(
            list.body().contains(command),
            "{command} is missing in {}",
            list.body()
        );
        let explained = chat
            .ask(&format!("help {}", command.to_uppercase()))
            .await?;
        assert!(explained.body().contains(command), "{}", explained.body());
        assert_ne!(explained.body(), list.body());
    }
    assert!(
        !list.body().contains("unbridge"),
        "admins' commands are shown to others"
    );
    Ok(())
}

/// "`login`: makes a new login link: `{web.public_address}/login/<ticket>`."
#[tokio::test]
async fn login_gives_a_new_link_each_time() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let one = scene.login_link(&chat.ask("login").await?)?;
    let two = scene.login_link(&chat.ask("Login").await?)?;
    assert_ne!(one, two);
    // Nobody guesses a ticket.
    let ticket = one.rsplit('/').next().unwrap_or_default();
    assert!(ticket.len() >= 22, "{one}");
    Ok(())
}

/// "`logout`: takes the user out of all bridged rooms, deletes his token and queued messages, tells what it did."
#[tokio::test]
async fn logout_takes_him_out_of_all_rooms() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    scene.town.room("rustics/help", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    let invited = chat.user.wait_for_invite_to("rustics/help").await?;
    scene.town.say(&ben, &lounge, "before");
    chat.hears(&bridged, "before").await?;

    chat.ask_for("logout", "You are logged out").await?;
    for room in [&bridged, &invited] {
        chat.user
            .wait_for("to be out of the room", |event| {
                event.room == *room && event.membership_of(&chat.user.id) == Some("leave")
            })
            .await?;
    }
    assert!(
        !chat
            .user
            .rooms_by_membership("join")
            .await?
            .contains(&bridged)
    );
    scene.town.say(&ben, &lounge, "after");
    let answer = chat.ask("list").await?;
    assert!(
        answer.body().to_lowercase().contains("log"),
        "{}",
        answer.body()
    );
    scene.login_link(&chat.ask("login").await?)?;
    // He is still in it on Gitter.
    assert!(scene.town.members(&lounge).contains(&"maria".to_owned()));
    // Logging out twice is no mistake, and says so.
    chat.ask("logout").await?;
    Ok(())
}

/// After a logout one can log in again, also as somebody else, and gets the rooms of that account.
#[tokio::test]
async fn after_logout_another_account_can_be_used() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    scene.enter(&chat, &lounge).await?;
    chat.ask_for("logout", "You are logged out").await?;
    let mark = chat.user.mark().await?;
    scene.log_in(&chat, &ben).await?;
    let second = chat
        .user
        .wait_from(mark, "Ben's room", |event| {
            event.place == Place::Invite && event.content()["name"] == "rustics/lounge"
        })
        .await?
        .room;
    chat.user.join(&second).await?;
    chat.user.say(&second, "now as Ben").await?;
    let said = scene.town.hears(&lounge, "now as Ben").await?;
    assert_eq!(said.by, "ben");
    Ok(())
}

/// "`list`: every Gitter room the user is in, sorted without regard to case, one line each: `- <uri>`, followed by ` *`
/// if he is in it on Matrix. A one-to-one is listed as `- @<username>`."
#[tokio::test]
async fn list_names_every_room_and_marks_those_he_is_in() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.invites.policy", "none")).await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("Ben-H", "Ben"),
    );
    let other = scene.town.person("other", "Other");
    scene.town.room("zulu/talk", &[&maria, &ben]);
    scene.town.room("Alpha/talk", &[&maria, &ben]);
    scene.town.room("alpha/Zebra", &[&maria, &ben]);
    let beta = scene.town.room("beta/talk", &[&maria, &ben]);
    scene.town.room("not/hers", &[&ben]);
    scene.town.direct(&maria, &ben);
    scene.town.direct(&other, &ben);
    let chat = scene.citizen(&maria).await?;
    let all = [
        "- @Ben-H",
        "- Alpha/talk",
        "- alpha/Zebra",
        "- beta/talk",
        "- zulu/talk",
    ];
    assert_eq!(chat.list().await?, all);

    chat.ask_for("invite beta/talk", "https://matrix.to/#/")
        .await?;
    let room = chat.user.wait_for_invite_to("beta/talk").await?;
    chat.user.join(&room).await?;
    scene.town.say(&ben, &beta, "welcome");
    chat.hears(&room, "welcome").await?;
    let marked = [
        "- @Ben-H",
        "- Alpha/talk",
        "- alpha/Zebra",
        "- beta/talk *",
        "- zulu/talk",
    ];
    assert_eq!(chat.list().await?, marked);
    Ok(())
}

/// "`gjoin <room>`: joins a room on Gitter: `Joined <uri>`." "`gpart <room>`: leaves it on Gitter, and takes him out of
/// the Matrix room: `Left <uri>`."
#[tokio::test]
async fn gjoin_and_gpart_change_gitter() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/Lounge", &[&ben]);
    let chat = scene.citizen(&maria).await?;
    assert!(chat.list().await?.is_empty());
    chat.ask_for("gjoin rustics/lounge", "Joined rustics/Lounge")
        .await?;
    assert_eq!(scene.town.members(&lounge), ["ben", "maria"]);
    assert_eq!(chat.list().await?, ["- rustics/Lounge"]);

    chat.ask_for("invite rustics/lounge", "matrix.to").await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    chat.ask_for("gpart rustics/lounge", "Left rustics/Lounge")
        .await?;
    assert_eq!(scene.town.members(&lounge), ["ben"]);
    chat.user
        .wait_for("to be out of the room", |event| {
            event.room == bridged && event.membership_of(&chat.user.id) == Some("leave")
        })
        .await?;
    assert!(chat.list().await?.is_empty());

    for text in [
        "gjoin no/such",
        "gpart no/such",
        "gjoin",
        "gpart rustics/lounge",
    ] {
        let answer = chat.ask(text).await?;
        let body = answer.body();
        assert!(
            !body.starts_with("Joined") && !body.starts_with("Left"),
            "{text:?} got {body:?}"
        );
        assert!(!body.contains('{'), "a raw error: {body:?}");
    }
    Ok(())
}

/// "`status`: login, connection state, number of bridged rooms, what is queued or failed."
#[tokio::test]
async fn status_tells_the_login_and_the_rooms() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.newcomer("anna").await?;
    let before = chat.ask("status").await?;
    assert!(!before.body().contains("maria"));
    scene.log_in(&chat, &maria).await?;
    scene.enter(&chat, &lounge).await?;
    let after = chat.ask("status").await?;
    assert!(after.body().contains("maria"), "{}", after.body());
    assert!(after.body().contains('1'), "{}", after.body());
    Ok(())
}

/// "`failed` / `retry <n>` / `discard <n>`: messages which could not be delivered: show (one line each,
/// `<n>. <room>: <first words>: <why>`), try again, give up; `all` for `<n>` too."
#[tokio::test]
async fn failed_messages_are_shown_retried_and_discarded() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    chat.user.say(&bridged, "all is well").await?;
    scene.town.hears(&lounge, "all is well").await?;
    scene.town.refuse_next_message(&lounge, 403);
    chat.user.say(&bridged, "words that are refused").await?;
    let notice = chat
        .user
        .wait_for("a notice about it", |event| {
            event.is_message_of(&scene.bot()) && event.room == bridged
        })
        .await?;
    assert_eq!(notice.msgtype(), "m.notice");

    let failed = chat.ask("failed").await?;
    let line = failed
        .body()
        .lines()
        .find(|line| line.contains("words that are refused"));
    let line = line.unwrap_or_default().trim();
    assert!(
        line.starts_with("1. rustics/lounge: words"),
        "{}",
        failed.body()
    );
    chat.ask("retry 1").await?;
    scene.town.hears(&lounge, "words that are refused").await?;
    let none = chat.ask("failed").await?;
    assert!(!none.body().contains("words that"), "{}", none.body());

    scene.town.refuse_next_message(&lounge, 403);
    chat.user.say(&bridged, "give this one up").await?;
    chat.user
        .wait_for("a second notice", |event| {
            event.is_message_of(&scene.bot()) && event.room == bridged && event.id() != notice.id()
        })
        .await?;
    chat.ask("discard all").await?;
    let none = chat.ask("failed").await?;
    assert!(!none.body().contains("give this"), "{}", none.body());
    for text in ["retry 7", "discard 7", "retry", "discard nonsense"] {
        assert!(!chat.ask(text).await?.body().is_empty());
    }
    assert_eq!(
        scene.town.texts(&lounge),
        ["all is well", "words that are refused"]
    );
    Ok(())
}

/// "`sync`: reads rooms, names, topics and members again from Gitter."
#[tokio::test]
async fn sync_answers() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let answer = chat.ask("sync").await?;
    assert_eq!(answer.msgtype(), "m.notice");
    assert!(!answer.body().contains('{'), "{}", answer.body());
    Ok(())
}

/// "`version`"
#[tokio::test]
async fn version_names_the_program() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let answer = chat.ask("version").await?;
    assert!(answer.body().contains("matrix-gitter"), "{}", answer.body());
    assert!(
        answer.body().contains(env!("CARGO_PKG_VERSION")),
        "{}",
        answer.body()
    );
    Ok(())
}

/// What needs a login says so, in words, and shows the way.
#[tokio::test]
async fn without_a_login_commands_point_to_it() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    for text in [
        "list",
        "invite rustics/lounge",
        "gjoin rustics/lounge",
        "gpart a/b",
        "sync",
        "logout",
    ] {
        let answer = chat.ask(text).await?;
        assert!(
            answer.body().to_lowercase().contains("log"),
            "{text:?} got {:?}",
            answer.body()
        );
    }
    Ok(())
}

/// "Elsewhere in rooms of the bridge only what starts with `command_prefix`."
#[tokio::test]
async fn in_bridged_rooms_commands_need_the_prefix() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.command_prefix", "!g")).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    chat.user.say(&bridged, "!g version").await?;
    chat.user
        .wait_for("an answer in the room", |event| {
            event.room == bridged
                && event.is_message_of(&scene.bot())
                && event.body().contains("matrix-gitter")
        })
        .await?;
    chat.user.say(&bridged, "version").await?;
    chat.user.say(&bridged, "!gather round").await?;
    scene.town.hears(&lounge, "!gather round").await?;
    assert_eq!(scene.town.texts(&lounge), ["version", "!gather round"]);
    Ok(())
}
