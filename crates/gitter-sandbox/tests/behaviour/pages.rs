//! The pages people open in the demo.

use gitter_sandbox::{Sandbox, Visibility};

use crate::caller::client;

#[tokio::test]
async fn people_read_and_write_without_scripts() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let (alice, bob) = (
        world.add_user("alice-gh", "Alice & co"),
        world.add_user("bob_gitlab", "Bob"),
    );
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    let den = world
        .add_room("acme/den", Visibility::Private, alice)
        .unwrap();
    world.set_topic(lobby, "<b>All</b> about it").unwrap();
    world.say(alice, lobby, "hello **there**").unwrap();
    let http = client();
    let at = |path: &str| sandbox.web_url().join(path).unwrap();
    let read = async |path: &str, cookie: &str| {
        let answer = http
            .get(at(path))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    let (_, home) = read("/", "").await;
    assert!(home.contains("acme/lobby") && !home.contains("acme/den") && home.contains("Sign in"));
    let (_, room) = read("/acme/lobby", "").await;
    assert!(
        room.contains("&#60;b&#62;All") && !room.contains("<script"),
        "{room}"
    );
    let (_, messages) = read("/acme/lobby/~messages", "").await;
    assert!(
        messages.contains("hello <strong>there</strong>") && messages.contains("Alice &#38; co")
    );
    assert_eq!(read("/acme/den", "").await.0, 404);

    let cookie = world.browser_cookie(bob);
    let (_, home) = read("/", &cookie).await;
    assert!(home.contains("@bob_gitlab"));
    let said = http
        .post(at("/acme/lobby"))
        .header("cookie", &cookie)
        .form(&[("text", "/me waves")])
        .send()
        .await;
    assert_eq!(said.unwrap().status(), 302);
    let said = http
        .post(at("/alice-gh"))
        .header("cookie", &cookie)
        .form(&[("text", "just us")])
        .send()
        .await;
    assert_eq!(said.unwrap().status(), 302);
    let last = world.messages(lobby).unwrap().pop().unwrap();
    assert_eq!(
        (last.from, last.text.as_str(), last.status),
        (bob, "@bob_gitlab waves", true)
    );
    let private = world.one_to_one(alice, bob).unwrap();
    assert_eq!(world.messages(private).unwrap()[0].text, "just us");
    assert!(world.messages(den).unwrap().is_empty());
}

#[tokio::test]
async fn everybody_has_a_picture_which_changes_with_the_person() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let (alice, bob) = (
        world.add_user("alice-gh", "Alice"),
        world.add_user("bob_gitlab", "Bob"),
    );
    let http = client();
    let picture = async |path: &str| {
        let answer = http
            .get(sandbox.web_url().join(path).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-type"], "image/png");
        answer.bytes().await.unwrap()
    };
    let before = picture("/api/private/avatars/gh/uv/4/alice-gh?s=60").await;
    assert_ne!(
        before,
        picture("/api/private/user-avatar/bob_gitlab?s=60").await
    );
    world.change_avatar(alice).unwrap();
    assert_ne!(
        before,
        picture("/api/private/avatars/gh/uv/5/alice-gh?s=60").await
    );
    let before = picture("/api/private/user-avatar/bob_gitlab?s=60").await;
    world.change_avatar(bob).unwrap();
    assert_ne!(
        before,
        picture("/api/private/user-avatar/bob_gitlab?s=60").await
    );
}
