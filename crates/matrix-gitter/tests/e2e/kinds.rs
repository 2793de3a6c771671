//! What is neither text nor media: polls, places, and what else has words.

use serde_json::json;

use crate::gathering::Gathering;
use crate::scene::Result;

/// "polls, locations, contacts and whatever has a sensible text form in that form; everything else one notice by the bot
/// that says what did not cross"
#[tokio::test]
async fn whatever_has_words_crosses_as_these() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let user = &chat.user;

    let poll = json!({
        "org.matrix.msc3381.poll.start": {
            "kind": "org.matrix.msc3381.poll.disclosed",
            "max_selections": 1,
            "question": {"org.matrix.msc1767.text": "Tea or coffee?"},
            "answers": [
                {"id": "a", "org.matrix.msc1767.text": "Tea"},
                {"id": "b", "org.matrix.msc1767.text": "#coffee"},
            ],
        },
        "org.matrix.msc1767.text": "Tea or coffee?\n1. Tea\n2. #coffee",
    });
    let start = user
        .send(&room, "org.matrix.msc3381.poll.start", &poll)
        .await?;
    let said = scene.town.next(&lounge, 0).await?;
    assert_eq!(said.by, "maria");
    assert_eq!(
        said.html.trim_end(),
        "<strong>Poll:</strong> Tea or coffee?<ol>\n<li>Tea</li>\n<li>#coffee</li>\n</ol>"
    );

    let vote = json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": start},
        "org.matrix.msc3381.poll.response": {"answers": ["a"]},
    });
    user.send(&room, "org.matrix.msc3381.poll.response", &vote)
        .await?;
    user.wait_for("a word about votes", |event| {
        event.room == room
            && event.is_message_of(&scene.bot())
            && event.body().contains("nobody there can vote")
    })
    .await?;

    let end = json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": start},
        "org.matrix.msc3381.poll.end": {},
        "org.matrix.msc1767.text": "The poll has ended. Top answer: Tea",
    });
    user.send(&room, "org.matrix.msc3381.poll.end", &end)
        .await?;
    let said = scene.town.next(&lounge, 1).await?;
    assert_eq!(said.text, "The poll has ended. Top answer: Tea");

    let place = json!({
        "msgtype": "m.location",
        "body": "Big Ben, London",
        "geo_uri": "geo:51.5008,-0.1247;u=10",
    });
    user.send(&room, "m.room.message", &place).await?;
    let said = scene.town.next(&lounge, 2).await?;
    assert!(said.text.contains("Big Ben, London"), "{}", said.text);
    assert!(
        said.html
            .contains("https://www.openstreetmap.org/?mlat=51.5008"),
        "{}",
        said.html
    );

    let confetti = json!({"msgtype": "nic.custom.confetti", "body": "sends confetti"});
    user.send(&room, "m.room.message", &confetti).await?;
    let said = scene.town.next(&lounge, 3).await?;
    assert_eq!(said.text, "sends confetti");

    user.send(&room, "org.example.dance", &json!({"steps": 3}))
        .await?;
    user.wait_for("a word about what did not cross", |event| {
        event.room == room
            && event.is_message_of(&scene.bot())
            && event.body().contains("do not cross to Gitter")
    })
    .await?;
    assert_eq!(scene.town.said(&lounge).len(), 4);
    Ok(())
}
