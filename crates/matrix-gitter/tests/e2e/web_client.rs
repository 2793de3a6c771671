//! A Matrix client and Gitter's page of the same room, side by side in a real browser, as the demo shows them.

use anyhow::Context as _;
use testbed::browser::{Browser, ENTER, Screen};
use testbed::progress::Lines;
use testbed::web_client::{self, Account, WebClient};
use testbed::{http, ports};

use crate::scene::{Result, Scene};

const MATRIX: &[u16] = &[0];
const GITTER: &[u16] = &[1];
const GITTER_MESSAGES: &[u16] = &[1, 0];

/// Opens the menu of the message with this text, which only shows under a mouse.
const OPEN_MENU: &str = "
    const messages = [...document.querySelectorAll('.Timeline_message')];
    const message = messages.find((it) => it.innerText.includes(arguments[0]));
    message.querySelector('.Timeline_messageOptions').click();
";

/// The client comes up logged in; what is typed, edited and answered on either side shows on the other.
#[tokio::test]
async fn both_sides_show_the_same_conversation() -> Result {
    let files = web_client::prepare(&Lines).await?;
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let password = http::random_hex(12);
    let name = format!("maria-{}", http::random_hex(4));
    let user = scene.synapse.user_named(&name, &password).await?;
    let chat = scene.chat(user).await?;
    scene.log_in(&chat, &maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let account = Account {
        homeserver: scene.synapse.base().as_str().trim_end_matches('/'),
        user: &name,
        password: &password,
        room: &room,
        beside: &scene.town.page_of(&lounge),
    };
    let client = WebClient::serve(files, ports::reserve()?, &account).await?;

    let browser = Browser::start(Screen::WIDE, &Lines).await?;
    scene.town.sign_in(&browser, &ben).await?;
    browser.open(&client.both()).await?;
    let composer = ".MessageComposer_input textarea";
    browser
        .in_frame(MATRIX, async || {
            let text = format!("Good **morning**!{ENTER}");
            browser.types(composer, &text).await
        })
        .await?;
    scene.town.hears(&lounge, "Good **morning**!").await?;
    let reads = |text: &'static str| move |page: &str| page.contains(text);
    browser
        .reads(GITTER_MESSAGES, "the greeting", reads("Good morning!"))
        .await?;

    browser
        .in_frame(GITTER, async || {
            browser.types(".say textarea", "Ah, frist :crab:").await?;
            browser.press("Send").await
        })
        .await?;
    browser
        .reads(MATRIX, "the crab", reads("Ah, frist \u{1f980}"))
        .await?;
    let said = scene.town.hears(&lounge, "Ah, frist :crab:").await?;
    scene.town.edit(&lounge, said.id(), "Ah, *first*");
    browser
        .reads(MATRIX, "the edit in its place", |page| {
            page.contains("Ah, first (edited)") && !page.contains("frist")
        })
        .await?;

    browser
        .in_frame(MATRIX, async || {
            let text = "Good **morning**!".into();
            browser.page.execute(OPEN_MENU, vec![text]).await?;
            browser.press_and_answer("Edit", "Good *evening*!").await
        })
        .await?;
    browser
        .reads(GITTER_MESSAGES, "the edit", |page| {
            page.contains("Good evening!") && page.contains("edited")
        })
        .await?;
    browser
        .reads(MATRIX, "the own edit", |page| {
            page.contains("Good *evening*! (edited)") && !page.contains("**morning**")
        })
        .await?;
    browser.screenshot("both-sides").await?;

    let greeting = scene.town.hears(&lounge, "Good *evening*!").await?;
    scene
        .town
        .reply(&ben, &lounge, greeting.id(), "In a thread");
    browser
        .reads(MATRIX, "the answer", reads("In a thread"))
        .await?;
    scene.town.delete(&lounge, said.id());
    browser
        .reads(MATRIX, "the deletion", |page| {
            page.contains("has been deleted") && !page.contains("Ah, first")
        })
        .await?;
    browser.close().await.context("closing the browser")
}
