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
        room.contains("&#60;b&#62;All") && room.matches("<script").count() == 1,
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

#[tokio::test]
async fn people_answer_change_delete_and_upload_on_the_page() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let (alice, bob) = (
        world.add_user("alice-gh", "Alice"),
        world.add_user("bob_gitlab", "Bob"),
    );
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    let first = world.say(alice, lobby, "A :crab:, <b>see</b>?").unwrap();
    world.say(alice, lobby, "Something else").unwrap();
    let cookie = world.browser_cookie(bob);
    let http = client();
    let at = |path: &str| sandbox.web_url().join(path).unwrap();
    let read = async |path: &str| {
        let request = http.get(at(path)).header("cookie", &cookie);
        request.send().await.unwrap().text().await.unwrap()
    };
    let send = async |fields: &[(&str, &str)]| {
        let request = http.post(at("/acme/lobby")).header("cookie", &cookie);
        let answer = request.form(fields).send().await.unwrap();
        answer.status().as_u16()
    };
    let last = || world.messages(lobby).unwrap().pop().unwrap();

    let page = read(&format!("/acme/lobby?answer={first}")).await;
    assert!(page.contains("You answer <strong>Alice</strong>: <q>A :crab:, &#60;b&#62;see"));
    let id = first.to_string();
    assert_eq!(send(&[("answer", &id), ("text", "a\r\nb")]).await, 302);
    let answer = last();
    assert_eq!(
        (answer.parent, answer.text.as_str()),
        (Some(first), "a\nb"),
        "an answer"
    );
    let id = answer.id.to_string();
    assert_eq!(send(&[("answer", &id), ("text", "deeper")]).await, 302);
    assert_eq!(last().parent, Some(first), "threads have one level");
    let messages = read("/acme/lobby/~messages").await;
    let place = |text: &str| messages.find(text).unwrap();
    assert!(
        place("Something else") < place("A \u{1f980}") && place("A \u{1f980}") < place("deeper"),
        "{messages}"
    );

    let page = read(&format!("/acme/lobby?change={id}")).await;
    assert!(page.contains("You change what you said.") && page.contains(">a\nb</textarea>"));
    assert_eq!(send(&[("change", &id), ("text", "c")]).await, 302);
    assert!(read("/acme/lobby/~messages").await.contains("· edited"));
    assert_eq!(send(&[("delete", &id)]).await, 302);
    let texts = || -> Vec<String> {
        let messages = world.messages(lobby).unwrap();
        messages.into_iter().map(|message| message.text).collect()
    };
    assert_eq!(
        texts(),
        ["A :crab:, <b>see</b>?", "Something else", "deeper"]
    );
    for form in [
        [("change", first.to_string())],
        [("delete", first.to_string())],
        [("delete", "nonsense".to_owned())],
    ] {
        let fields: Vec<_> = form.iter().map(|(key, id)| (*key, id.as_str())).collect();
        assert_eq!(send(&fields).await, 400, "{form:?}");
    }

    let body = "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n\
        --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.txt\"\r\nContent-Type: text/plain\r\n\r\n\
        two\r\nlines\r\n--x--\r\n";
    let upload = async |body: String| {
        let request = http.post(at("/acme/lobby")).header("cookie", &cookie);
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload(body.to_owned()).await, 302);
    let text = last().text;
    let link = text
        .strip_prefix("[a b.txt](")
        .and_then(|it| it.strip_suffix(')'));
    let file = http.get(link.unwrap()).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "text/plain");
    assert_eq!(file.text().await.unwrap(), "two\r\nlines");
    for broken in ["", "--x\r\n\r\n", "--x\r\nfilename=\"a\"\r\n\r\nnever ends"] {
        assert_eq!(upload(broken.to_owned()).await, 400, "{broken:?}");
    }
}
