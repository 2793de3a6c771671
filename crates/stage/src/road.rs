//! The road of a login, walked as a browser would.

use bridge::login::{LinkProblem, Pending, Started};
use ruma::OwnedRoomId;

use crate::talk::invites_bot;
use crate::{ALICE, Stage, network};

/// The newest words of the bot.
pub fn last_word(stage: &Stage, room: &OwnedRoomId) -> String {
    stage.transcript(room).pop().unwrap_or_default()
}

/// How often the bot has spoken.
pub fn words(stage: &Stage, room: &OwnedRoomId) -> usize {
    stage
        .transcript(room)
        .iter()
        .filter(|line| line.starts_with("gitter: "))
        .count()
}

/// The ticket of the login link in these words.
pub fn ticket(words: &str) -> String {
    let (_, rest) = words
        .split_once("https://bridge.example.org/login/")
        .expect("there is a link");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// A bridge on a network with these rooms, a talk with it, and the ticket it gave.
pub async fn stage(rooms: &[&str]) -> (Stage, OwnedRoomId, String) {
    let mut stage = Stage::new().await;
    stage.network.lock().rooms = rooms.iter().map(|address| network::room(address)).collect();
    stage.start().await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    let ticket = ticket(&last_word(&stage, &talk));
    (stage, talk, ticket)
}

pub async fn starts(
    stage: &Stage,
    ticket: &str,
    browser: Option<&str>,
) -> Result<Started, LinkProblem> {
    stage
        .bridge
        .as_ref()
        .unwrap()
        .logins()
        .start(ticket, browser)
        .await
}

/// Comes back from the network as this person, in the browser that started.
pub async fn comes_back(
    stage: &Stage,
    started: &Started,
    who: &str,
) -> Result<Pending, LinkProblem> {
    let carried = started
        .url
        .query_pairs()
        .find(|(key, _)| key == "state")
        .unwrap()
        .1
        .into_owned();
    let query = [
        ("code".to_owned(), who.to_owned()),
        ("state".to_owned(), carried),
    ];
    stage
        .bridge
        .as_ref()
        .unwrap()
        .logins()
        .come_back(&query, Some(&started.browser))
        .await
}

pub async fn connects(
    stage: &Stage,
    started: &Started,
    pending: &Pending,
) -> Result<(), LinkProblem> {
    stage
        .bridge
        .as_ref()
        .unwrap()
        .logins()
        .connect(&pending.confirm, Some(&started.browser))
        .await
        .map(drop)
}

pub async fn walks(stage: &Stage, ticket: &str, who: &str) -> Result<(), LinkProblem> {
    let started = starts(stage, ticket, None).await?;
    let pending = comes_back(stage, &started, who).await?;
    connects(stage, &started, &pending).await
}
