//! Logs a Matrix user in to the sandbox Gitter, through the pages, as a browser without JavaScript would.

use crate::user::{Dm, User};
use crate::visitor::{Page, Visitor};
use anyhow::Context as _;

/// Asks the bot for a link, and follows it as the Gitter person with this username; gives the last page.
///
/// # Errors
/// If a page or a person is missing on the way; the message holds what was there instead.
pub async fn through_pages(user: &User, dm: &Dm, username: &str) -> anyhow::Result<Page> {
    let answer = user.ask_for(dm, "login", "/login/").await?;
    let link = answer
        .body()
        .split(|character: char| character.is_whitespace() || "<>()\"".contains(character))
        .find(|word| word.contains("/login/"))
        .context("no link in the answer")?
        .trim_end_matches('.');
    let browser = Visitor::new()?;
    let page = browser.open(link).await?;
    let who = browser.press_only_button(&page).await?;
    let person = ("user".to_owned(), username.to_owned());
    let choice = who.forms.iter().find(|form| form.fields.contains(&person));
    let choice = choice.with_context(|| format!("no {username} on {who}"))?;
    let consent = browser.send(choice).await?;
    let confirm = browser.press(&consent, "Allow").await?;
    let end = browser.press(&confirm, "Connect").await?;
    anyhow::ensure!(end.status == 200, "it ended on {end}");
    Ok(end)
}
