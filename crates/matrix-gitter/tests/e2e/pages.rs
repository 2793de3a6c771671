//! The login pages in a real browser, wide and narrow, light and dark.

use testbed::browser::{Browser, Screen};
use testbed::progress::Lines;

use crate::scene::{Result, Scene};

async fn walk(screen: Screen, name: &str) -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria Silva");
    let chat = scene.newcomer("anna").await?;
    let browser = Browser::start(screen, &Lines).await?;
    let look = async |page: &str| {
        browser.screenshot(&format!("{name}-{page}")).await?;
        anyhow::ensure!(!browser.scrolls_sideways().await?, "{page} is too wide");
        anyhow::Ok(())
    };
    browser.open(&scene.bridge.slot().address()).await?;
    assert!(browser.text().await?.contains(&scene.bot()));
    look("index").await?;

    let link = scene.login_link(&chat.ask("login").await?)?;
    browser.open(&link).await?;
    assert!(browser.text().await?.contains(&chat.user.id));
    look("login").await?;
    browser.press_only_button().await?;
    scene.town.consent_in_browser(&browser, &maria).await?;
    assert!(
        browser.text().await?.contains("maria"),
        "{}",
        browser.text().await?
    );
    look("confirm").await?;
    browser.press("Connect").await?;
    look("connected").await?;
    let status = chat.ask("status").await?;
    assert!(status.body().contains("maria"), "{}", status.body());

    browser.open(&link).await?;
    look("used-up").await?;
    browser.close().await
}

#[tokio::test]
async fn on_a_wide_screen() -> Result {
    walk(Screen::WIDE, "wide").await
}

#[tokio::test]
async fn on_a_phone() -> Result {
    walk(Screen::NARROW, "narrow").await
}

#[tokio::test]
async fn on_a_phone_in_the_dark() -> Result {
    walk(Screen::NARROW.dark(), "narrow-dark").await
}
