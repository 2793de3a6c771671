//! Files, both ways.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderName};
use serde_json::json;

use crate::scene::{Chat, Result, Scene};
use crate::town::{Person, Room};

/// A PNG of 2 times 1 pixels.
const PNG: &[u8] = include_bytes!("media/two_pixels.png");

struct Place {
    scene: Scene,
    ben: Person,
    lounge: Room,
    chat: Chat,
    room: String,
}

/// Maria in the lounge, on both sides; Ben is there on Gitter.
async fn lounge() -> Result<Place> {
    let scene = Scene::with(|setup| setup.set("bridge.media.max_size", 1)).await?;
    let maria = scene.town.person("maria", "Maria");
    let ben = scene.town.person("ben", "Ben");
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    Ok(Place {
        scene,
        ben,
        lounge,
        chat,
        room,
    })
}

impl Place {
    /// The first address in what was said as number `count` on Gitter.
    async fn link(&self, count: usize) -> Result<String> {
        let said = self.scene.town.next(&self.lounge, count).await?;
        let from = said.text.find("](http").map_or(0, |at| at + 2);
        let rest = said.text.get(from..).unwrap_or_default();
        let end = rest.find(')').unwrap_or(rest.len());
        let link = rest.get(..end).unwrap_or_default().to_owned();
        let base = format!("{}/media/", self.scene.bridge.slot().address());
        anyhow::ensure!(link.starts_with(&base), "no link in {:?}", said.text);
        Ok(link)
    }

    /// What Ben's ghost shows next of this kind.
    async fn shown(&self, msgtype: &str) -> Result<testbed::user::Event> {
        let ghost = self.scene.ghost(&self.ben);
        let wanted = |event: &testbed::user::Event| {
            event.room == self.room && event.is_message_of(&ghost) && event.msgtype() == msgtype
        };
        self.chat.user.wait_for(msgtype, wanted).await
    }
}

async fn get(link: &str, headers: &[(HeaderName, &str)]) -> Result<reqwest::Response> {
    let mut request = testbed::http::client()?.get(link);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    Ok(request.send().await?)
}

fn of(answer: &reqwest::Response, name: HeaderName) -> &str {
    let value = answer.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A picture sent on Matrix is seen on Gitter by people without any account there, in whole and in parts, until it is deleted.
#[tokio::test]
async fn a_picture_from_matrix_is_seen_on_gitter_until_it_is_deleted() -> Result {
    let place = lounge().await?;
    let user = &place.chat.user;
    let mxc = user.upload("cat.png", "image/png", PNG).await?;
    let event = user
        .send_file(&place.room, "m.image", "my cat.png", &mxc)
        .await?;
    let link = place.link(0).await?;
    let said = place.scene.town.next(&place.lounge, 0).await?;
    assert_eq!(said.text, format!("[![my cat.png]({link})]({link})"));
    assert!(
        said.html.contains(&format!("<img src=\"{link}\"")),
        "{}",
        said.html
    );

    let answer = get(&link, &[]).await?;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(of(&answer, header::CONTENT_TYPE), "image/png");
    assert_eq!(of(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert!(
        of(&answer, header::CONTENT_DISPOSITION).starts_with("inline; filename=\"my cat.png\"")
    );
    assert!(
        of(&answer, header::CONTENT_SECURITY_POLICY).starts_with("sandbox; default-src 'none'")
    );
    let tag = of(&answer, header::ETAG).to_owned();
    assert_eq!(answer.bytes().await?, PNG);
    let part = get(&link, &[(header::RANGE, "bytes=1-3")]).await?;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        of(&part, header::CONTENT_RANGE),
        format!("bytes 1-3/{}", PNG.len())
    );
    assert_eq!(part.bytes().await?, "PNG");
    let same = get(&link, &[(header::IF_NONE_MATCH, &tag)]).await?;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let head = testbed::http::client()?.head(&link).send().await?;
    assert_eq!(of(&head, header::CONTENT_LENGTH), PNG.len().to_string());

    let mut wrong = link.clone();
    wrong.replace_range(link.len() - 20..link.len() - 19, "_");
    let base = format!("{}/media/", place.scene.bridge.slot().address());
    for wrong in [format!("{base}{}", "A".repeat(32)), base] {
        assert_eq!(
            get(&wrong, &[]).await?.status(),
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }

    user.redact(&place.room, &event).await?;
    for _ in 0..600 {
        if get(&link, &[]).await?.status() == StatusCode::GONE {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("the link works although the picture was deleted")
}

/// What browsers could run is only for saving; stickers and captions cross too; what is encrypted is told of.
#[tokio::test]
async fn files_stickers_and_captions_cross_to_gitter() -> Result {
    let place = lounge().await?;
    let user = &place.chat.user;
    let page = user
        .upload("page.html", "text/html", b"<script>alert(1)</script>")
        .await?;
    user.send_file(&place.room, "m.file", "page.html", &page)
        .await?;
    let link = place.link(0).await?;
    let text = &place.scene.town.next(&place.lounge, 0).await?.text;
    assert_eq!(text, &format!("[page.html]({link})"));
    let answer = get(&link, &[]).await?;
    assert_eq!(
        of(&answer, header::CONTENT_TYPE),
        "application/octet-stream"
    );
    assert!(
        of(&answer, header::CONTENT_DISPOSITION).starts_with("attachment; filename=\"page.html\"")
    );

    let picture = user.upload("cat.png", "image/png", PNG).await?;
    let sticker = json!({ "body": "waves", "info": { "w": 2, "h": 1 }, "url": picture });
    user.send(&place.room, "m.sticker", &sticker).await?;
    let link = place.link(1).await?;
    assert_eq!(get(&link, &[]).await?.bytes().await?, PNG);

    let caption = json!({
        "msgtype": "m.image", "filename": "cat.png", "body": "this is **mine**", "format": "org.matrix.custom.html",
        "formatted_body": "this is <strong>mine</strong>", "url": picture,
    });
    user.send(&place.room, "m.room.message", &caption).await?;
    let link = place.link(2).await?;
    let text = &place.scene.town.next(&place.lounge, 2).await?.text;
    assert_eq!(
        text,
        &format!("[![cat.png]({link})]({link})\n\nthis is **mine**")
    );

    let nothing = user
        .upload("empty.bin", "application/octet-stream", b"")
        .await;
    if let Ok(nothing) = nothing {
        user.send_file(&place.room, "m.file", "empty.bin", &nothing)
            .await?;
        let link = place.link(3).await?;
        assert_eq!(get(&link, &[]).await?.bytes().await?, "");
    }
    let secret =
        json!({ "msgtype": "m.file", "body": "secret", "file": { "url": picture, "v": "v2" } });
    user.send(&place.room, "m.room.message", &secret).await?;
    let notice = |event: &testbed::user::Event| {
        event.room == place.room && event.is_message_of(&place.scene.bot())
    };
    let notice = user
        .wait_for("a word about the encrypted file", notice)
        .await?;
    assert!(
        notice.body().contains("Encrypted pictures and files"),
        "{}",
        notice.body()
    );
    Ok(())
}

/// "images, files, audio, video, voice, stickers become a Markdown link": those that sound and move.
#[tokio::test]
async fn sound_film_and_voice_cross_to_gitter() -> Result {
    let place = lounge().await?;
    let user = &place.chat.user;
    let wav = [b"RIFF\x24\0\0\0WAVEfmt ".as_slice(), &[0; 24]].concat();
    let mp4 = [b"\0\0\0\x18ftypisom\0\0\x02\0isommp42".as_slice(), &[0; 24]].concat();
    let voice = [b"OggS\0\x02".as_slice(), &[0; 40]].concat();
    for (count, (msgtype, name, mime, bytes)) in [
        ("m.audio", "bell.wav", "audio/wav", &wav),
        ("m.video", "cat.mp4", "video/mp4", &mp4),
        ("m.audio", "Voice message.ogg", "audio/ogg", &voice),
    ]
    .into_iter()
    .enumerate()
    {
        let mxc = user.upload(name, mime, bytes).await?;
        let mut content = json!({
            "msgtype": msgtype, "body": name, "url": mxc, "info": {"mimetype": mime, "size": bytes.len()},
        });
        if name.starts_with("Voice") {
            content["org.matrix.msc3245.voice"] = json!({});
            content["org.matrix.msc1767.audio"] = json!({"duration": 1200, "waveform": [0, 512]});
        }
        user.send(&place.room, "m.room.message", &content).await?;
        let link = place.link(count).await?;
        let said = place.scene.town.next(&place.lounge, count).await?;
        assert_eq!(said.by, "maria");
        assert!(
            said.html.contains(&format!("href=\"{link}\"")),
            "{}",
            said.html
        );
        let answer = get(&link, &[]).await?;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        assert_eq!(of(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(answer.bytes().await?, *bytes, "{name}");
    }
    Ok(())
}

/// What people upload to Gitter is shown as what it is, whatever it is called, and fetched once.
#[tokio::test]
async fn uploads_on_gitter_are_shown_as_what_they_are() -> Result {
    let place = lounge().await?;
    let (town, user) = (&place.scene.town, &place.chat.user);
    town.upload(
        &place.ben,
        &place.lounge,
        "cat.png",
        "image/png",
        PNG.to_vec(),
    );
    let picture = place.shown("m.image").await?;
    let content = picture.content();
    assert_eq!(
        (picture.body(), &content["filename"]),
        ("cat.png", &json!("cat.png"))
    );
    assert_eq!(content["info"]["mimetype"], "image/png");
    assert_eq!(
        (&content["info"]["w"], &content["info"]["h"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(content["info"]["size"], PNG.len());
    assert!(
        content["info"]["xyz.amorgan.blurhash"].is_string(),
        "{content}"
    );
    assert_eq!(content["m.mentions"], json!({}));
    let (mime, bytes) = user
        .download(content["url"].as_str().unwrap_or_default())
        .await?;
    assert_eq!((mime.as_str(), bytes.as_slice()), ("image/png", PNG));

    let lie = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    town.upload(
        &place.ben,
        &place.lounge,
        "lie.png",
        "image/png",
        lie.clone(),
    );
    let lie_shown = place.shown("m.file").await?;
    assert_eq!(lie_shown.content()["info"]["mimetype"], "text/html");
    let (mime, bytes) = user
        .download(lie_shown.content()["url"].as_str().unwrap_or_default())
        .await?;
    assert!(mime.starts_with("text/html") && bytes == lie, "{mime}");

    // Only the files are shown, not their links; and a text around one is.
    let url = town.file(&place.lounge, "notes.txt", "text/plain", b"note".to_vec());
    town.say(
        &place.ben,
        &place.lounge,
        &format!("read [my notes]({url}) please"),
    );
    let text = place.shown("m.text").await?;
    assert_eq!(text.body().split(' ').next(), Some("read"));
    let notes = |event: &testbed::user::Event| event.body() == "my notes";
    let notes = user.wait_for("the notes", notes).await?;
    assert_eq!(
        (notes.msgtype(), &notes.content()["info"]["mimetype"]),
        ("m.file", &json!("text/plain"))
    );
    let bodies: Vec<String> = place
        .chat
        .conversation(&place.room)
        .await?
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    assert_eq!(bodies, ["cat.png", "lie.png", text.body(), "my notes"]);
    assert_eq!(town.times_fetched(), 3);
    Ok(())
}

/// What is too large, empty or not there stays a link, and so does what leads into the network the bridge runs in: nothing is asked for
/// there.
#[tokio::test]
async fn what_cannot_be_carried_stays_a_link() -> Result {
    let place = lounge().await?;
    let town = &place.scene.town;
    let near = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let secret = format!("http://{}/latest/meta-data", near.local_addr()?);
    let large = town.file(&place.lounge, "large.bin", "video/mp4", vec![7; 2 << 20]);
    let empty = town.file(&place.lounge, "empty.png", "image/png", Vec::new());
    let detour = town.detour(&place.lounge, "detour.png", &secret);
    let missing = large.replace("large", "missing");
    for url in [&large, &empty, &detour, &missing, &secret] {
        town.say(&place.ben, &place.lounge, &format!("[x.png]({url})"));
    }
    town.say(&place.ben, &place.lounge, "the end");
    place.chat.hears(&place.room, "the end").await?;
    let timeline = place.chat.user.timeline(&place.room).await?;
    let shown: Vec<_> = timeline
        .iter()
        .filter(|event| event.kind() == "m.room.message")
        .collect();
    assert_eq!(shown.len(), 6);
    for (event, url) in shown
        .iter()
        .zip([&large, &empty, &detour, &missing, &secret])
    {
        assert_eq!(event.msgtype(), "m.text");
        assert!(
            event.html().contains(&format!("href=\"{url}\"")),
            "{}",
            event.html()
        );
    }
    let asked = tokio::select! {
        biased;
        _ = near.accept() => true,
        () = std::future::ready(()) => false,
    };
    assert!(!asked, "the bridge asked an address of its own network");
    Ok(())
}

/// Two people of the same bridge see each other's pictures as pictures, not as links to their own homeserver.
#[tokio::test]
async fn two_users_of_the_bridge_see_each_others_pictures() -> Result {
    let place = lounge().await?;
    let ben = place.scene.citizen(&place.ben).await?;
    let bens = place.scene.enter(&ben, &place.lounge).await?;
    // What comes after it shows that Ben's room listens.
    place.scene.town.say(&place.ben, &place.lounge, "here I am");
    ben.hears(&bens, "here I am").await?;
    let user = &place.chat.user;
    let mxc = user.upload("cat.png", "image/png", PNG).await?;
    let content = json!({ "msgtype": "m.image", "body": "cat.png", "url": mxc, "info": { "w": 2, "h": 1, "mimetype": "image/png" } });
    user.send(&place.room, "m.room.message", &content).await?;
    let picture = |event: &testbed::user::Event| event.room == bens && event.msgtype() == "m.image";
    let picture = ben.user.wait_for("Maria's picture", picture).await?;
    assert_eq!(picture.content()["url"], mxc);
    assert_eq!(picture.content()["info"], content["info"]);
    Ok(())
}

/// An upload that is deleted on Gitter goes from Matrix with all its parts, and stands in its thread before.
#[tokio::test]
async fn an_upload_is_deleted_with_all_its_parts() -> Result {
    let place = lounge().await?;
    let (town, user) = (&place.scene.town, &place.chat.user);
    let url = town.file(&place.lounge, "cat.png", "image/png", PNG.to_vec());
    let id = town.say(&place.ben, &place.lounge, &format!("see [the cat]({url})"));
    let picture = place.shown("m.image").await?;
    let text = place.shown("m.text").await?;
    town.delete(&place.lounge, &id);
    for event in [text.id(), picture.id()] {
        let gone = |it: &testbed::user::Event| {
            it.kind() == "m.room.redaction"
                && (it.json["redacts"] == event || it.content()["redacts"] == event)
        };
        user.wait_for("the redaction of a part", gone).await?;
    }
    Ok(())
}
