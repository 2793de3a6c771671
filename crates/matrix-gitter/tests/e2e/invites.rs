//! What a user is invited to, and what comes of invites he leaves alone, declines or accepts.

use serde_json::json;

use crate::scene::{Result, Scene};

/// "`policy: all`", "`max`: most recently active first; the rest stay in `list`, one `invite` away".
#[tokio::test]
async fn the_most_recently_active_rooms_come_first() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.invites.max", 2)).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let rooms: Vec<_> = ["a/one", "a/two", "a/three", "a/four"]
        .iter()
        .map(|uri| scene.town.room(uri, &[&maria, &ben]))
        .collect();
    // Where she was last is what Gitter calls recent, to the millisecond.
    for room in [&rooms[2], &rooms[0]] {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        scene.town.say(&maria, room, "here I am");
    }
    let chat = scene.citizen(&maria).await?;
    chat.user.wait_for_invite_to("a/one").await?;
    chat.user.wait_for_invite_to("a/three").await?;
    chat.ask_for("invite a/four", "matrix.to").await?;
    chat.user.wait_for_invite_to("a/four").await?;
    let seen = chat.user.seen().await?;
    assert!(!seen.iter().any(|event| event.content()["name"] == "a/two"));
    Ok(())
}

/// "`policy: none`"
#[tokio::test]
async fn with_policy_none_nobody_is_invited_unasked() -> Result {
    let scene = Scene::with(|setup| {
        setup
            .set("bridge.invites.policy", "none")
            .set("bridge.space", false)
    })
    .await?;
    let maria = scene.town.person("maria", "Maria");
    scene.town.room("a/one", &[&maria]);
    scene.town.room("a/two", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    chat.ask_for("invite a/two", "matrix.to").await?;
    let asked = chat.user.wait_for_invite_to("a/two").await?;
    assert_eq!(chat.user.rooms_by_membership("invite").await?, [asked]);
    Ok(())
}

/// "An invite that is not accepted costs the homeserver one small room and nothing more: members and history come in
/// when the user enters, and only then does traffic flow."
#[tokio::test]
async fn nothing_comes_in_before_the_user_does() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    scene.town.say(&ben, &lounge, "before the login");
    let chat = scene.citizen(&maria).await?;
    let invited = chat.user.wait_for_invite_to("rustics/lounge").await?;
    scene.town.say(&ben, &lounge, "before the door");
    // The bot, who is in the room, sees what is there.
    chat.ask("status").await?;
    let joined = scene.state_as_bot(&invited).await?;
    let members: Vec<_> = joined
        .iter()
        .filter(|event| {
            event["type"] == "m.room.member" && event["content"]["membership"] == "join"
        })
        .filter_map(|event| event["state_key"].as_str())
        .collect();
    assert_eq!(members, [scene.bot()]);

    chat.user.join(&invited).await?;
    chat.hears(&invited, "before the door").await?;
    let bodies = chat.user.bodies(&invited).await?;
    assert_eq!(bodies, ["before the login", "before the door"]);
    Ok(())
}

/// "An invite he declines is not repeated by itself."
#[tokio::test]
async fn a_declined_invite_is_not_repeated_by_itself() -> Result {
    let mut scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let invited = chat.user.wait_for_invite_to("rustics/lounge").await?;
    chat.user.leave(&invited).await?;
    chat.ask("status").await?;
    let mark = chat.user.mark().await?;
    scene.town.say(&ben, &lounge, "anybody there?");
    chat.ask("sync").await?;
    scene.bridge.stop().await?;
    scene.bridge.start_again().await?;
    chat.ask("status").await?;
    let seen = chat.user.seen().await?;
    assert!(
        !seen
            .iter()
            .skip(mark)
            .any(|event| event.content()["name"] == "rustics/lounge")
    );

    chat.ask_for("invite rustics/lounge", "matrix.to").await?;
    chat.user
        .wait_from(mark, "the invite that was asked for", |event| {
            event.content()["name"] == "rustics/lounge"
        })
        .await?;
    Ok(())
}

/// A room which he joins on Gitter while he is logged in is his on Matrix too.
#[tokio::test]
async fn a_room_joined_on_gitter_comes_by_itself() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&ben]);
    let chat = scene.citizen(&maria).await?;
    scene.town.join(&maria, &lounge);
    let bridged = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "you are new");
    chat.hears(&bridged, "you are new").await?;
    Ok(())
}

/// "Leaving the Matrix room ends the bridging of that room (he stays in it on Gitter); `invite` brings it back, with
/// what he missed."
#[tokio::test]
async fn leaving_ends_it_and_invite_brings_it_back() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let first = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "first");
    chat.hears(&first, "first").await?;

    chat.user.leave(&first).await?;
    chat.until_list(&["- rustics/lounge"]).await?;
    assert_eq!(scene.town.members(&lounge), ["ben", "maria"]);
    scene.town.say(&ben, &lounge, "missed");

    let mark = chat.user.mark().await?;
    chat.ask_for("invite rustics/lounge", "matrix.to").await?;
    let invite = chat
        .user
        .wait_from(mark, "an invite", |event| {
            event.content()["name"] == "rustics/lounge"
        })
        .await?;
    chat.user.join(&invite.room).await?;
    chat.hears(&invite.room, "missed").await?;
    chat.user.say(&invite.room, "back again").await?;
    scene.town.hears(&lounge, "back again").await?;
    assert_eq!(
        chat.user.bodies(&invite.room).await?,
        ["first", "missed", "back again"]
    );
    Ok(())
}

/// Somebody else's invite does not make an outsider part of a portal: "Only bot and ghosts can invite".
#[tokio::test]
async fn outsiders_stay_outside() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    let ben = scene.user("ben").await?;
    let refused = chat
        .user
        .invite(&bridged, &ben.id)
        .await
        .expect_err("an invite by the user");
    assert_eq!(refused.status, 403);
    let refused = ben
        .join(&bridged)
        .await
        .expect_err("a join without an invite");
    assert_eq!(refused.status, 403);
    assert_eq!(
        chat.user.state(&bridged, "m.room.join_rules", "").await?,
        json!({ "join_rule": "invite" })
    );
    Ok(())
}

/// "`invite <room>` makes the Matrix room … contains a matrix.to link." "`<room>` is a Gitter URI (`org/room`, any case,
/// with or without a leading `/` or `https://gitter.im/`) or `@username` for a one-to-one."
#[tokio::test]
async fn invite_takes_every_way_to_write_a_room() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.invites.policy", "none")).await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben H"),
    );
    for uri in [
        "rustics/one",
        "rustics/two",
        "rustics/Three",
        "rustics/four",
    ] {
        scene.town.room(uri, &[&maria, &ben]);
    }
    scene.town.direct(&maria, &ben);
    let chat = scene.citizen(&maria).await?;
    for (written, name) in [
        ("rustics/one", "rustics/one"),
        ("/rustics/two", "rustics/two"),
        ("RUSTICS/THREE", "rustics/Three"),
        ("https://gitter.im/rustics/four", "rustics/four"),
        ("@ben", "Ben H"),
    ] {
        let answer = chat
            .ask_for(&format!("invite {written}"), "https://matrix.to/#/")
            .await?;
        let room = chat.user.wait_for_invite_to(name).await?;
        assert!(
            answer.html().contains("https://matrix.to/#/"),
            "{}",
            answer.html()
        );
        let encoded = testbed::user::path(&[&room]);
        let named = answer.body().contains(&room) || answer.body().contains(&encoded);
        assert!(named, "{} should link to {room}", answer.body());
    }
    Ok(())
}

/// "If it exists, invites him again and links it."
#[tokio::test]
async fn invite_of_a_bridged_room_invites_again() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    let answer = chat
        .ask_for("invite rustics/lounge", "https://matrix.to/#/")
        .await?;
    let encoded = testbed::user::path(&[&bridged]);
    assert!(
        answer.body().contains(&bridged) || answer.body().contains(&encoded),
        "{}",
        answer.body()
    );
    Ok(())
}

/// "`invite <room>` … a Gitter room he is in (or can read)": a public one too; and a private one of others is not shown.
#[tokio::test]
async fn invite_works_for_what_he_can_read_and_says_why_not_otherwise() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let open = scene.town.room("open/door", &[&ben]);
    scene.town.private_room("closed/door", &[&ben]);
    let chat = scene.citizen(&maria).await?;
    chat.ask_for("invite open/door", "https://matrix.to/#/")
        .await?;
    let bridged = scene.enter(&chat, &open).await?;
    scene.town.say(&ben, &open, "come in");
    chat.hears(&bridged, "come in").await?;
    for text in [
        "invite closed/door",
        "invite no/such",
        "invite",
        "invite @nobody-here",
        "invite a secret plan",
    ] {
        let answer = chat.ask(text).await?;
        assert!(
            !answer.body().contains("matrix.to"),
            "{text:?} got {:?}",
            answer.body()
        );
        assert!(
            !answer.body().contains('{'),
            "a raw error: {:?}",
            answer.body()
        );
    }
    scene.bridge.check_log(&["a secret plan", "closed/door"])?;
    Ok(())
}

/// "`invite all` does so for every room in `list` not yet his on Matrix, paced."
#[tokio::test]
async fn invite_all_invites_to_the_rest() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.invites.max", 1)).await?;
    let maria = scene.town.person("maria", "Maria");
    for number in 0..6 {
        scene.town.room(&format!("rustics/room{number}"), &[&maria]);
    }
    let chat = scene.citizen(&maria).await?;
    chat.ask("invite all").await?;
    for number in 0..6 {
        chat.user
            .wait_for_invite_to(&format!("rustics/room{number}"))
            .await?;
    }
    Ok(())
}
