//! Uploads.

use gitter_sandbox::{Effect, Fault as Trouble};
use remote::contract::World as _;
use remote::{Attachment, Avatar, Fault, History, RemoteError};

use crate::world::{SandboxWorld, room};

async fn fetched(world: &SandboxWorld, url: &str) -> Result<Vec<u8>, RemoteError> {
    let attachment = Attachment {
        url: url.to_owned(),
        name: None,
    };
    let mut download = world.account().fetch_attachment(&attachment).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = download.pieces.next().await? {
        bytes.extend_from_slice(&piece);
    }
    if let Some(length) = download.length {
        assert_eq!(length, bytes.len() as u64);
    }
    Ok(bytes)
}

#[tokio::test]
async fn an_upload_is_an_attachment_and_comes_whole() {
    let world = SandboxWorld::new().await;
    let place = world.room();
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let control = world.sandbox.world();
    control
        .upload(
            world.bob,
            room(&place),
            "a cat (1).png",
            "image/png",
            bytes.clone(),
        )
        .unwrap();
    control
        .upload(world.bob, room(&place), "notes.txt", "text/plain", "hi")
        .unwrap();
    control
        .say(world.bob, room(&place), "https://example.org/a.png")
        .unwrap();
    let messages = world
        .account()
        .history(&place, &History::Newest, 3)
        .await
        .unwrap();
    let names: Vec<_> = messages
        .iter()
        .map(|message| {
            let names = message
                .attachments
                .iter()
                .filter_map(|it| it.name.as_deref());
            names.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(names, [vec!["a cat (1).png"], vec!["notes.txt"], vec![]]);
    let url = &messages[0].attachments[0].url;
    assert!(fetched(&world, url).await.unwrap() == bytes);
}

#[tokio::test]
async fn nothing_is_asked_for_elsewhere() {
    let world = SandboxWorld::new().await;
    let place = room(&world.room());
    let control = world.sandbox.world();
    let port = world.sandbox.web_url().port().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = listener.local_addr().unwrap().port();
    world.sandbox.reset_stats();
    for url in [
        format!("http://127.0.0.1:{near}/secret"),
        format!("http://127.0.0.1:{port}/secret"),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
        "no address".to_owned(),
    ] {
        let error = fetched(&world, &url).await.unwrap_err();
        assert_eq!(error.fault, Fault::Rejected, "{url}");
    }
    assert!(world.sandbox.stats().requests.is_empty());
    for target in [
        format!("http://127.0.0.1:{near}/secret"),
        format!("https://127.0.0.1:{near}/secret"),
        "https://127.0.0.1/secret".to_owned(),
        "https://[::ffff:127.0.0.1]/secret".to_owned(),
        "https://2130706433/secret".to_owned(),
        "https://0177.0.0.1/secret".to_owned(),
        "https://[64:ff9b::7f00:1]/secret".to_owned(),
        "https://[::]/secret".to_owned(),
        "https://0/secret".to_owned(),
        "https://1.1.1.1:8443/secret".to_owned(),
        "https://someone:something@1.1.1.1/secret".to_owned(),
        "http://1.1.1.1/secret".to_owned(),
        format!("http://127.0.0.1:{port}/secret"),
        "file:///etc/passwd".to_owned(),
    ] {
        let url = control.add_detour(place, "x.png", &target);
        let error = fetched(&world, &url).await.unwrap_err();
        assert_eq!(error.fault, Fault::Rejected, "{target}");
    }
    // A name that leads home is found out when it is resolved.
    let url = control.add_detour(place, "x.png", "https://localhost/secret");
    let error = fetched(&world, &url).await.unwrap_err();
    assert_eq!(error.fault, Fault::Unavailable);
    let nobody = not_yet(listener.accept()).await;
    assert!(nobody, "nobody came");

    let circle = format!("{}/{place}/tour/y.png", world.sandbox.files_url());
    control.add_detour(place, "y.png", &circle);
    let error = fetched(&world, &circle).await.unwrap_err();
    assert!(error.sentence.contains("circles"), "{error}");
    let file = control.add_file(place, "z.png", "image/png", "z");
    let good = control.add_detour(place, "good.png", &file);
    assert_eq!(fetched(&world, &good).await.unwrap(), b"z");
}

/// Whether this is not ready at once.
async fn not_yet<T>(future: impl Future<Output = T>) -> bool {
    tokio::select! {
        biased;
        _ = future => false,
        () = std::future::ready(()) => true,
    }
}

#[tokio::test]
async fn what_does_not_come_has_words() {
    let world = SandboxWorld::new().await;
    let place = room(&world.room());
    let missing = format!("{}/{place}/abcd/gone.png", world.sandbox.files_url());
    let error = fetched(&world, &missing).await.unwrap_err();
    assert_eq!(error.to_string(), "The file is not there");
    let control = world.sandbox.world();
    let url = control.add_file(place, "a.bin", "application/octet-stream", vec![7; 100_000]);
    for effect in [Effect::Status(503), Effect::DropBefore] {
        let fault = Trouble::new("GET /_files/*/*/*", effect);
        world.sandbox.faults().add(fault.times(1));
        let error = fetched(&world, &url).await.unwrap_err();
        assert_eq!(error.fault, Fault::Unavailable, "{error}");
    }
    assert_eq!(fetched(&world, &url).await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn what_never_answers_is_given_up() {
    let world = SandboxWorld::new().await;
    let place = room(&world.room());
    let url = world
        .sandbox
        .world()
        .add_file(place, "a.bin", "application/octet-stream", "x");
    let picture = format!("{}api/private/avatars/g/u/bob", world.sandbox.web_url());
    let avatar = Avatar {
        key: "bob".into(),
        url: picture,
    };
    assert!(world.account().avatar(&avatar, 1 << 20).await.is_ok());
    for requests in ["GET /_files/*/*/*", "GET /private/avatars/*/*/*"] {
        let fault = Trouble::new(requests, Effect::Hang);
        world.sandbox.faults().add(fault.always());
    }
    // From here on nobody waits in vain, since time runs as soon as everybody waits.
    tokio::time::pause();
    let error = fetched(&world, &url).await.unwrap_err();
    assert_eq!(error.fault, Fault::Unavailable, "{error}");
    let error = world.account().avatar(&avatar, 1 << 20).await.unwrap_err();
    assert_eq!(error.fault, Fault::Unavailable, "{error}");
}
