//! Walks through the sandbox as an application does: a person grants it access, it reads, writes and listens.

use gitter_sandbox::{Sandbox, Visibility};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::caller::{Socket, client};

const CALLBACK: &str = "http://bridge.test/callback";

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .unwrap()
        .0
}

/// Logs in with a browser and grants access: the token.
async fn grant(sandbox: &Sandbox, username: &str) -> String {
    let app = sandbox.world().add_client("Bridge", CALLBACK);
    let (http, web) = (client(), sandbox.web_url());
    let ask = web.join("/login/oauth/authorize").unwrap();
    let asked = [
        ("response_type", "code"),
        ("client_id", &app.key),
        ("redirect_uri", CALLBACK),
        ("state", "s1"),
    ];
    let away = http.get(ask).query(&asked).send().await.unwrap();
    assert_eq!(away.headers()["location"], "/login");
    let cookie = away.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = http
        .get(web.join("/login").unwrap())
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert!(page.text().await.unwrap().contains(username));
    let picked = http
        .post(web.join("/login").unwrap())
        .header("cookie", &cookie)
        .form(&[("user", username)]);
    let back = picked.send().await.unwrap().headers()["location"]
        .to_str()
        .unwrap()
        .to_owned();
    let page = http
        .get(web.join(&back).unwrap())
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    let transaction = between(
        &page,
        "name=\"transaction_id\" type=\"hidden\" value=\"",
        "\"",
    )
    .to_owned();
    let decide = web.join("/login/oauth/authorize/decision").unwrap();
    let allowed = http
        .post(decide)
        .header("cookie", &cookie)
        .form(&[("transaction_id", transaction)]);
    let to = allowed.send().await.unwrap().headers()["location"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        to.starts_with(CALLBACK) && to.ends_with("&state=s1"),
        "{to}"
    );
    let form = [
        ("client_id", app.key.as_str()),
        ("client_secret", &app.secret),
        ("redirect_uri", CALLBACK),
        ("grant_type", "authorization_code"),
        ("code", between(&to, "code=", "&")),
    ];
    let token = http
        .post(web.join("/login/oauth/token").unwrap())
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(token.status(), StatusCode::OK);
    let token: Value = token.json().await.unwrap();
    token["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_application_is_granted_access_and_chats() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let alice = world.add_user("alice-gh", "Alice");
    let bob = world.add_user("bob_gitlab", "Bob");
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    world.join(bob, lobby).unwrap();
    let token = grant(&sandbox, "bob_gitlab").await;

    let mut socket = Socket::open(&sandbox).await;
    let channel = format!("/api/v1/rooms/{lobby}/chatMessages");
    socket.listen(&token, &channel).await;

    let http = client();
    let rooms = format!("{}/rooms", sandbox.api_url());
    let listed: Value = http
        .get(&rooms)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["uri"], "acme/lobby");
    let said = http
        .post(format!("{rooms}/{lobby}/chatMessages"))
        .bearer_auth(&token)
        .json(&json!({ "text": "hi" }));
    let said: Value = said.send().await.unwrap().json().await.unwrap();
    let push = socket.next().await;
    assert_eq!(push[0]["channel"], channel);
    assert_eq!(push[0]["data"]["model"]["id"], said["id"]);
    assert_eq!(push[0]["ext"]["c"], 1);

    world.say(alice, lobby, "hello @bob_gitlab").unwrap();
    assert_eq!(
        socket.next().await[0]["data"]["model"]["mentions"][0]["userId"],
        bob.to_string()
    );
    assert_eq!(world.messages(lobby).unwrap().len(), 2);
    assert_eq!(sandbox.stats().of_account("bob_gitlab"), 2);
    assert_eq!(
        sandbox
            .stats()
            .of_route("POST", "/v1/rooms/:room/chatMessages"),
        1
    );
}
