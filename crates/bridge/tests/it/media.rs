//! Files, both ways.

use std::time::Duration;

use bridge::media::{MediaFile, MediaProblem, MediaRange, MediaRequest, open};
use futures_util::TryStreamExt as _;
use homeserver::Homeserver as _;
use remote::{RichText, text::html::parse_plainly};
use ruma::RoomId;
use serde_json::{Value, json};

use stage::{ALICE, Stage, homeserver::BOT, network::BROKEN_OFF};

const URL: &str = "https://files.test.example/cat.png";

/// A PNG of 2 times 1 pixels.
fn png() -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(2, 1, image::Rgb([200, 90, 10]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// What the room says on the network, pieces joined.
fn said(stage: &Stage) -> String {
    let lines = stage.network.transcript("org/one");
    let texts = lines.iter().filter_map(|line| line.strip_prefix("alice: "));
    texts.collect()
}

/// The secret of the link in a text.
fn secret(text: &str) -> String {
    let (_, rest) = text
        .split_once("https://bridge.example.org/media/")
        .expect("a link");
    rest.split('/').next().unwrap().to_owned()
}

async fn opens(
    stage: &Stage,
    secret: &str,
    range: Option<MediaRange>,
) -> Result<String, MediaProblem> {
    let request = MediaRequest {
        range,
        has_it: false,
    };
    let world = stage.bridge.as_ref().unwrap().world();
    let file: MediaFile = open(world, secret, request).await?.unwrap();
    let bytes: Vec<_> = file.body.try_collect().await.unwrap();
    assert_eq!(
        file.length,
        Some(bytes.iter().map(|it| it.len() as u64).sum())
    );
    Ok(String::from_utf8(bytes.concat()).unwrap())
}

async fn stores(stage: &Stage, bytes: &str) -> String {
    let uri = stage
        .homeserver
        .upload(bytes.into(), "image/png", None)
        .await;
    uri.unwrap().to_string()
}

async fn sends(stage: &mut Stage, room: &RoomId, kind: &str, content: Value) -> String {
    let event = stage.happens(room, ALICE, kind, None, content).await;
    stage.quiet().await;
    event.event_id.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_file_from_matrix_is_a_link_that_can_be_opened() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "the whole cat").await;
    let content = json!({"msgtype": "m.image", "body": "my cat.png", "url": url});
    sends(&mut stage, &room, "m.room.message", content).await;
    let text = said(&stage);
    assert!(text.contains("/my_cat.png"), "{text}");
    let secret = secret(&text);
    assert_eq!(opens(&stage, &secret, None).await.unwrap(), "the whole cat");
    for (range, part) in [
        (MediaRange::From(4, Some(8)), "whole"),
        (MediaRange::From(10, None), "cat"),
        (MediaRange::Last(3), "cat"),
    ] {
        assert_eq!(opens(&stage, &secret, Some(range)).await.unwrap(), part);
    }
    let behind = opens(&stage, &secret, Some(MediaRange::From(13, None))).await;
    assert_eq!(behind, Err(MediaProblem::NoSuchPart(13)));

    stage.homeserver.lock().requests.clear();
    let world = stage.bridge.as_ref().unwrap().world().clone();
    let has_it = MediaRequest {
        range: None,
        has_it: true,
    };
    assert!(open(&world, &secret, has_it).await.unwrap().is_none());
    assert!(stage.homeserver.lock().requests.is_empty());
    for wrong in ["", "nothing", &secret[1..]] {
        assert_eq!(opens(&stage, wrong, None).await, Err(MediaProblem::Unknown));
    }
    stage.homeserver.lock().files_away = true;
    let away = opens(&stage, &secret, None).await;
    assert_eq!(away, Err(MediaProblem::Homeserver));
    stage.homeserver.lock().files_away = false;
    stage.homeserver.lock().files.clear();
    assert_eq!(opens(&stage, &secret, None).await, Err(MediaProblem::Gone));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_of_a_file_goes_with_it() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "x").await;
    let content =
        json!({"msgtype": "m.file", "filename": "a.pdf", "body": "read *this*", "url": url});
    sends(&mut stage, &room, "m.room.message", content).await;
    let text = said(&stage);
    assert!(
        text.contains("a.pdf") && text.ends_with("read *this*"),
        "{text}"
    );
    let sticker = json!({"body": "a wave", "info": {}, "url": url});
    sends(&mut stage, &room, "m.sticker", sticker).await;
    assert!(said(&stage).contains("/a_wave"));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_file_can_be_changed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "x").await;
    let file = |caption: &str| json!({"msgtype": "m.image", "filename": "a.png", "body": caption, "url": url});
    let event = sends(&mut stage, &room, "m.room.message", file("a dog")).await;
    let before = said(&stage);
    assert!(before.ends_with("a dog"), "{before}");
    let mut edit = file("* a cat");
    edit["m.new_content"] = file("a cat");
    edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": event});
    sends(&mut stage, &room, "m.room.message", edit).await;
    let after = said(&stage);
    assert_eq!(after, before.replace("dog", "cat"), "the same link");
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gives_the_same_link() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "x").await;
    stage
        .network
        .lock()
        .failures
        .push_back(stage::network::Failure::Unavailable);
    let content = json!({"msgtype": "m.file", "body": "a", "url": url});
    let event = sends(&mut stage, &room, "m.room.message", content).await;
    let first = secret(&said(&stage));
    let again = stage
        .store
        .put_link(room.as_str(), &event, &url, "b", "{}", 9)
        .await;
    assert_eq!(again.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn taking_it_back_ends_its_links() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "x").await;
    let content = json!({"msgtype": "m.file", "body": "a", "url": url});
    let event = sends(&mut stage, &room, "m.room.message", content).await;
    let secret = secret(&said(&stage));
    let redacts = |event: &str| json!({"redacts": event});
    let redaction = |stage: &Stage, who: &str, room: &RoomId| {
        let mut homeserver = stage.homeserver.lock();
        let mut event_of = homeserver.append(
            room,
            who.try_into().unwrap(),
            "m.room.redaction",
            None,
            redacts(&event),
            0,
        );
        event_of.redacts = Some(event.as_str().try_into().unwrap());
        event_of
    };
    let stranger = redaction(&stage, "@mallory:example.org", &room);
    stage.push(vec![stranger]).await;
    assert_eq!(opens(&stage, &secret, None).await.unwrap(), "x");
    let hers = redaction(&stage, ALICE, &room);
    stage.push(vec![hers]).await;
    assert_eq!(
        opens(&stage, &secret, None).await,
        Err(MediaProblem::Revoked)
    );
    stage.quiet().await;
    assert_eq!(
        opens(&stage, &secret, None).await,
        Err(MediaProblem::Revoked)
    );
}

#[tokio::test(start_paused = true)]
async fn links_grow_old_if_the_admin_wants_it() {
    let mut stage = Stage::new().await;
    stage.config.media.link_lifetime = Some(60_000);
    stage.network.lock().rooms = vec![stage::network::room("org/one")];
    stage.log_in().await;
    stage.start().await;
    let room = stage.enter("org/one").await;
    let url = stores(&stage, "x").await;
    let content = json!({"msgtype": "m.file", "body": "a", "url": url});
    sends(&mut stage, &room, "m.room.message", content).await;
    let secret = secret(&said(&stage));
    assert_eq!(opens(&stage, &secret, None).await.unwrap(), "x");
    stage.wait(Duration::from_mins(1)).await;
    assert_eq!(
        opens(&stage, &secret, None).await,
        Err(MediaProblem::Expired)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_of_no_use_any_more_is_forgotten() {
    let mut stage = Stage::new().await;
    stage.config.media.link_lifetime = Some(60_000);
    stage.network.lock().rooms = vec![stage::network::room("org/one")];
    stage.log_in().await;
    stage.start().await;
    let room = stage.enter("org/one").await;
    let url = stores(&stage, "x").await;
    let content = json!({"msgtype": "m.image", "body": "a.png", "url": url});
    sends(&mut stage, &room, "m.room.message", content).await;
    let secret = secret(&said(&stage));
    let day = Duration::from_hours(24);
    for (days, is_known) in [(2, true), (30, false)] {
        tokio::time::advance(day * days).await;
        stage.wait(Duration::from_secs(1)).await;
        let link = stage.store.link(&secret).await.unwrap();
        assert_eq!(link.is_some(), is_known, "after {days} days");
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_served_at_once() {
    let (stage, _) = Stage::in_room("org/one").await;
    let url = stores(&stage, &"x".repeat(1_000)).await;
    let secret = stage
        .store
        .put_link("!r", "$e", &url, "x", "{}", 0)
        .await
        .unwrap();
    let world = stage.bridge.as_ref().unwrap().world().clone();
    let mut served = Vec::new();
    for _ in 0..32 {
        served.push(
            open(&world, &secret, MediaRequest::default())
                .await
                .unwrap(),
        );
    }
    // Who comes just then waits for somebody to go; nobody is asked to before it can be told how quick he is.
    let one_more = || {
        let (world, secret) = (world.clone(), secret.clone());
        tokio::spawn(async move {
            let file = open(&world, &secret, MediaRequest::default()).await;
            let bytes: Vec<_> = file.unwrap().unwrap().body.try_collect().await.unwrap();
            bytes.concat().len()
        })
    };
    let his = one_more();
    stage.wait(Duration::from_secs(6)).await;
    assert!(!his.is_finished(), "nobody can tell yet who is slow");
    stage.wait(Duration::from_secs(4)).await;
    assert_eq!(his.await.unwrap(), 1_000);
    let mut ended = 0;
    for file in served {
        let body = file.unwrap().body.try_collect::<Vec<_>>();
        ended += usize::from(body.await.is_err());
    }
    assert_eq!(
        ended, 1,
        "only one, and his browser sees that the end is missing"
    );
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_loses_his_place() {
    let (stage, _) = Stage::in_room("org/one").await;
    let url = stores(&stage, &"x".repeat(1_000)).await;
    let secret = stage
        .store
        .put_link("!r", "$e", &url, "x", "{}", 0)
        .await
        .unwrap();
    let world = stage.bridge.as_ref().unwrap().world().clone();
    let open = async || {
        let file = open(&world, &secret, MediaRequest::default()).await;
        file.unwrap().unwrap()
    };
    let idle = open().await;
    stage.wait(Duration::from_mins(2)).await;
    assert!(idle.body.try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn encrypted_files_are_told_of() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let content =
        json!({"msgtype": "m.image", "body": "a.png", "file": {"url": "mxc://example.org/a"}});
    sends(&mut stage, &room, "m.room.message", content).await;
    let expected = "gitter: Encrypted pictures and files are not delivered to Test, since the bridge cannot read them.";
    let transcript = stage.transcript(&room);
    assert!(
        transcript.iter().any(|line| line == expected),
        "{transcript:?}"
    );
    assert!(stage.network.transcript("org/one").is_empty());
}

fn link() -> RichText {
    parse_plainly(&format!("<p><a href=\"{URL}\">cat.png</a></p>"))
}

/// What the ghosts and the bot said, without what is the same in each.
fn shown(stage: &Stage, room: &RoomId) -> Vec<Value> {
    let homeserver = stage.homeserver.lock();
    let messages = homeserver.rooms[room]
        .timeline
        .iter()
        .filter(|event| event.kind == "m.room.message" && event.sender != BOT);
    messages.map(|event| event.content.clone()).collect()
}

async fn with_file(bytes: Option<Vec<u8>>) -> (Stage, ruma::OwnedRoomId) {
    let (stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .files
        .insert(URL.to_owned(), bytes.map(Into::into));
    (stage, room)
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_shown_as_what_it_is() {
    let (stage, room) = with_file(Some(png())).await;
    let message = stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.quiet().await;
    let mut contents = shown(&stage, &room);
    assert_eq!(contents.len(), 1, "{contents:?}");
    let uri = contents[0]["url"].as_str().unwrap().to_owned();
    let blur = contents[0]["info"]["xyz.amorgan.blurhash"].take();
    assert!(blur.as_str().is_some_and(|blur| blur.len() == 28), "{blur}");
    assert_eq!(
        contents[0],
        json!({
            "msgtype": "m.image", "body": "cat.png", "filename": "cat.png", "url": uri, "m.mentions": {},
            "info": {"mimetype": "image/png", "size": png().len(), "w": 2, "h": 1, "xyz.amorgan.blurhash": null},
            "example.test.message": {"id": message.id, "room": message.room, "part": contents[0]["example.test.message"]["part"]},
        })
    );
    {
        let homeserver = stage.homeserver.lock();
        let stored = &homeserver.files[&uri];
        assert_eq!(
            (stored.bytes.as_slice(), stored.mime.as_str()),
            (png().as_slice(), "image/png")
        );
        assert_eq!(stored.name.as_deref(), Some("cat.png"));
    }
    // Again, with words: it is not fetched again.
    let words = parse_plainly(&format!("look: <a href=\"{URL}\">my cat</a>"));
    stage
        .network
        .says_with_files("bob", "org/one", words, &[(URL, "my cat")]);
    stage.quiet().await;
    let contents = shown(&stage, &room);
    assert_eq!(contents.len(), 3);
    assert_eq!(contents[1]["msgtype"], "m.text");
    assert!(
        contents[1]["formatted_body"]
            .as_str()
            .unwrap()
            .contains(URL)
    );
    assert_eq!(
        (&contents[2]["url"], &contents[2]["body"]),
        (&json!(uri), &json!("my cat"))
    );
    let part = &contents[0]["example.test.message"]["part"];
    assert!(part.as_i64().unwrap() > 60_000, "behind any text");
    assert_eq!(&contents[2]["example.test.message"]["part"], part);
    assert_eq!(stage.network.lock().files_asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_carried_stays_a_link() {
    const MIB: usize = 1 << 20;
    let broken = [vec![7; 100_000], BROKEN_OFF.to_vec()].concat();
    for (bytes, largest, hidden) in [
        (None, None, false),
        (Some(Vec::new()), None, false),
        (Some(vec![7; 11 * MIB]), None, false),
        (Some(vec![7; 11 * MIB]), None, true),
        (Some(vec![7; 7 * MIB]), None, true),
        (Some(vec![7; 7 * MIB]), Some(MIB), false),
        (Some(vec![7; 2 * MIB]), Some(MIB), false),
        (Some(broken), None, false),
    ] {
        let (stage, room) = with_file(bytes).await;
        stage.homeserver.lock().largest = largest;
        if hidden {
            stage.network.lock().lengths_hidden.insert(URL.to_owned());
        }
        stage
            .network
            .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
        stage.network.says("bob", "org/one", "next");
        stage.quiet().await;
        let contents = shown(&stage, &room);
        let kinds: Vec<_> = contents
            .iter()
            .map(|it| it["msgtype"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["m.text", "m.text"]);
        assert!(
            contents[0]["formatted_body"]
                .as_str()
                .unwrap()
                .contains(URL)
        );
        let homeserver = stage.homeserver.lock();
        let named = homeserver.files.values().filter(|file| file.name.is_some());
        assert_eq!(named.count(), 0, "only pictures of people");
    }
}

#[tokio::test(start_paused = true)]
async fn large_files_stream_through() {
    const MIB: usize = 1 << 20;
    for (start, msgtype) in [
        (
            b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00".as_slice(),
            "m.video",
        ),
        (b"", "m.file"),
    ] {
        let mut bytes = [start, &vec![b'x'; 9 * MIB]].concat();
        bytes[5 * MIB] = 1;
        let (stage, room) = with_file(Some(bytes.clone())).await;
        stage
            .network
            .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
        stage.quiet().await;
        let contents = shown(&stage, &room);
        assert_eq!(contents[0]["msgtype"], msgtype);
        assert_eq!(contents[0]["info"]["size"], bytes.len());
        let homeserver = stage.homeserver.lock();
        let stored = &homeserver.files[contents[0]["url"].as_str().unwrap()];
        assert!(stored.bytes == bytes);
        assert!(homeserver.requests.contains(&"upload_stream"));
    }
    let broken = [vec![7; 70 * 100_000], BROKEN_OFF.to_vec()].concat();
    let (stage, room) = with_file(Some(broken)).await;
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room)[0]["msgtype"], "m.text");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_left_alone_for_a_while() {
    let (stage, room) = with_file(None).await;
    for number in 0..5 {
        let url = format!("{URL}?{number}");
        stage.network.lock().files.insert(url.clone(), None);
        let text = parse_plainly(&format!("<a href=\"{url}\">x</a>"));
        stage
            .network
            .says_with_files("bob", "org/one", text, &[(&url, "x")]);
    }
    stage
        .until("all are shown", async || shown(&stage, &room).len() == 5)
        .await;
    assert_eq!(stage.network.lock().files_asked.len(), 1);
    stage.wait(Duration::from_mins(1)).await;
    stage
        .network
        .lock()
        .files
        .insert(URL.to_owned(), Some(png().into()));
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room)[5]["msgtype"], "m.image");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_homeserver_stumbles_over_stays_a_link() {
    let (stage, room) = with_file(Some(png())).await;
    stage.homeserver.lock().stumbles_over = Some("cat.png".to_owned());
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.network.says("bob", "org/one", "next");
    stage
        .until("both are shown", async || shown(&stage, &room).len() == 2)
        .await;
    assert_eq!(shown(&stage, &room)[0]["msgtype"], "m.text");
    assert_eq!(stage.network.lock().files_asked.len(), 3);
    // It is not held against the file for ever.
    stage.homeserver.lock().stumbles_over = None;
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room)[2]["msgtype"], "m.image");
}

#[tokio::test(start_paused = true)]
async fn slow_files_hold_up_no_other_room() {
    let rooms: Vec<String> = (0..9).map(|number| format!("org/{number}")).collect();
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let mut stage = Stage::with_rooms(&names).await;
    let mut entered = Vec::new();
    for name in &names {
        entered.push(stage.enter(name).await);
    }
    stage.network.lock().files_take = Duration::from_mins(3);
    let begin = stage.now();
    for (number, name) in names[..8].iter().enumerate() {
        let url = format!("{URL}?{number}");
        let text = parse_plainly(&format!("<a href=\"{url}\">x</a>"));
        stage.network.lock().files.insert(url.clone(), None);
        stage
            .network
            .says_with_files("bob", name, text, &[(&url, "x")]);
    }
    stage.network.says("bob", names[8], "hi");
    stage
        .until("it is shown", async || {
            shown(&stage, &entered[8]).len() == 1
        })
        .await;
    assert!(stage.now() - begin < 60_000, "{}", stage.now() - begin);
    // Nor does each of them wait in vain for itself.
    for room in &entered[..8] {
        stage
            .until("all are shown", async || shown(&stage, room).len() == 1)
            .await;
    }
    assert_eq!(stage.network.lock().files_asked.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_pictures_is_not_fetched_at_once() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().pictures_take = Duration::from_secs(30);
    for number in 0..40 {
        stage
            .network
            .says(&format!("crowd{number}"), "org/one", "hi");
    }
    stage
        .until("all have spoken", async || shown(&stage, &room).len() == 40)
        .await;
    let most = stage.network.lock().pictures_at_once.1;
    assert!((1..=4).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_homeserver_that_is_away_loses_no_file() {
    let (mut stage, room) = with_file(Some(png())).await;
    stage
        .homeserver
        .lock()
        .failures
        .push_back(stage::homeserver::Failure::AnswerLost);
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, "cat.png")]);
    stage.quiet().await;
    assert_eq!(shown(&stage, &room).len(), 1);
    stage.restart().await;
    stage.quiet().await;
    assert_eq!(shown(&stage, &room).len(), 1);
    assert_eq!(stage.network.lock().files_asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_user_of_the_bridge_is_shown_as_it_is() {
    let (stage, room) = Stage::in_room("org/one").await;
    let url = stores(&stage, "x").await;
    let about = json!({"msgtype": "m.video", "info": {"size": 1}}).to_string();
    let made = stage
        .store
        .put_link("!his", "$his", &url, "a.mp4", &about, stage.now());
    let href = format!(
        "https://bridge.example.org/media/{}/a.mp4",
        made.await.unwrap()
    );
    let text = |href: &str| parse_plainly(&format!("<p><a href=\"{href}\">a.mp4</a></p>"));
    let message = stage
        .network
        .says_with_files("bob", "org/one", text(&href), &[]);
    stage.quiet().await;
    let expected = json!({
        "msgtype": "m.video", "body": "a.mp4", "filename": "a.mp4", "url": url, "info": {"size": 1}, "m.mentions": {},
        "example.test.message": {"id": message.id, "room": message.room},
    });
    let mut contents = shown(&stage, &room);
    let named = contents[0]["example.test.message"].as_object_mut().unwrap();
    assert!(named.remove("part").is_some());
    assert_eq!(contents, [expected]);
    let guessed = "https://bridge.example.org/media/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a.mp4";
    stage
        .network
        .says_with_files("bob", "org/one", text(guessed), &[]);
    stage.store.revoke_links("!his", "$his").await.unwrap();
    stage
        .network
        .says_with_files("bob", "org/one", text(&href), &[]);
    stage.quiet().await;
    let contents = shown(&stage, &room);
    assert_eq!(contents.len(), 3);
    assert!(contents[1..].iter().all(|it| it["msgtype"] == "m.text"));
}

#[tokio::test(start_paused = true)]
async fn names_of_files_are_kept_short() {
    let (stage, room) = with_file(Some(png())).await;
    let name = format!("a\n{}", "\u{fc}".repeat(30_000));
    stage
        .network
        .says_with_files("bob", "org/one", link(), &[(URL, &name)]);
    stage.quiet().await;
    let contents = shown(&stage, &room);
    let body = contents[0]["body"].as_str().unwrap();
    assert!(body.starts_with("a \u{fc}") && body.chars().count() == 120);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_his_picture() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().pictures_take = Duration::from_secs(30);
    let begin = stage.now();
    for who in ["bob", "carol", "dave"] {
        stage.network.says(who, "org/one", "hi");
    }
    stage
        .until("all have spoken", async || shown(&stage, &room).len() == 3)
        .await;
    assert!(
        stage.now() - begin < 10_000,
        "one picture was waited for, and not to its end"
    );
    stage.wait(Duration::from_secs(40)).await;
    stage.network.says("bob", "org/one", "again");
    stage
        .until("he has spoken", async || shown(&stage, &room).len() == 4)
        .await;
    let bob = ruma::OwnedUserId::try_from("@gitter_id-bob:example.org").unwrap();
    assert!(stage.homeserver.lock().users[&bob].avatar.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_stays_as_the_text_around_it_changes() {
    let (stage, room) = with_file(Some(png())).await;
    let other = format!("{URL}?2");
    stage
        .network
        .lock()
        .files
        .insert(other.clone(), Some(png().into()));
    let text = |html: &str| parse_plainly(html);
    let with = |words: &str| text(&format!("{words}<a href=\"{URL}\">cat.png</a>"));
    let mut message =
        stage
            .network
            .says_with_files("bob", "org/one", with(""), &[(URL, "cat.png")]);
    stage.quiet().await;
    let there = |stage: &Stage| {
        let homeserver = stage.homeserver.lock();
        let messages = homeserver.rooms[&room].timeline.iter();
        let messages = messages
            .filter(|event| event.kind == "m.room.message" && event.content["body"].is_string());
        messages
            .map(|event| event.content["body"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(there(&stage), ["cat.png"]);
    let mut change = async |text: RichText, files: &[&str]| {
        stage.wait(Duration::from_secs(1)).await;
        message.text = text;
        message.edited_at = Some(stage.now());
        message.attachments = files
            .iter()
            .map(|url| remote::Attachment {
                url: (*url).to_owned(),
                name: Some("cat.png".to_owned()),
            })
            .collect();
        stage
            .network
            .tell(remote::Event::Changed(Box::new(message.clone())));
        stage.quiet().await;
        there(&stage)
    };
    // Words come to it, are changed, and another file takes its place.
    let [file, words] = change(with("see "), &[URL]).await.try_into().unwrap();
    assert!(file == "cat.png" && words.starts_with("see "), "{words}");
    let bodies = change(with("look "), &[URL]).await;
    assert_eq!(bodies.len(), 3);
    assert!(bodies[2].starts_with("* look "), "{bodies:?}");
    let another = text(&format!("<a href=\"{other}\">cat.png</a>"));
    let bodies = change(another, &[&other]).await;
    assert_eq!(bodies.last().unwrap(), "cat.png");
    let rows = stage
        .store
        .messages(stage.portal("org/one").await.id, message.id.as_str())
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "one event shows it now");
    stage.network.deletes(&message);
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let left = homeserver.rooms[&room].timeline.iter().filter(|event| {
        event.kind == "m.room.message"
            && event.content["body"].is_string()
            && event.content["m.relates_to"]["rel_type"] != "m.replace"
    });
    assert_eq!(left.count(), 0, "nothing of it is left");
}
