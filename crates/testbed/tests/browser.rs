//! The real browser sees what a person would see, at the size and in the colours asked for.

use testbed::browser::{Browser, Screen};
use testbed::progress::Lines;

const PAGE: &str = "<meta name=viewport content='width=device-width'>\
    <style>@media (prefers-color-scheme: dark) { body { background: black } }</style>\
    <body><p>Good morning</p><a href='next.html'>Go on</a>";

#[tokio::test]
async fn pages_are_read_and_buttons_pressed() {
    let browser = Browser::start(Screen::NARROW.dark(), &Lines).await.unwrap();
    let pages = testbed::scratch::directory("pages").unwrap();
    std::fs::write(pages.path().join("first.html"), PAGE).unwrap();
    std::fs::write(pages.path().join("next.html"), "<p>Next page").unwrap();
    let first = format!("file://{}/first.html", pages.path().display());
    browser.open(&first).await.unwrap();
    assert!(browser.text().await.unwrap().contains("Good morning"));
    let script = "return [window.innerWidth, getComputedStyle(document.body).backgroundColor]";
    let seen = browser.page.execute(script, Vec::new()).await.unwrap();
    assert_eq!(seen, serde_json::json!([360, "rgb(0, 0, 0)"]));
    assert!(!browser.scrolls_sideways().await.unwrap());
    let picture = browser.screenshot("testbed").await.unwrap();
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));

    browser.press("Go on").await.unwrap();
    assert!(browser.text().await.unwrap().contains("Next page"));
    assert!(browser.press("Nowhere").await.is_err());
    browser.close().await.unwrap();
}
