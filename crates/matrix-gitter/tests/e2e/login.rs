//! Logging in: the road through the pages, and every way to stray from it.

use testbed::visitor::{Page, Visitor};

use crate::scene::{Result, Scene};

fn promised_headers(page: &Page) {
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'"),
        "{policy:?} of {page}"
    );
    assert!(policy.contains("default-src"), "{policy:?} of {page}");
    assert!(!policy.contains("unsafe-inline"), "{policy:?} of {page}");
    assert_eq!(page.header("cache-control"), "no-store", "{page}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{page}");
    assert_eq!(page.header("referrer-policy"), "no-referrer", "{page}");
}

/// "`GET /login/<ticket>` names the Matrix user who will get access and has one button; it leads to Gitter's consent
/// page; `GET /callback` comes back to a page which names both accounts and has one button (`Connect`); only that
/// stores the token."
#[tokio::test]
async fn the_road_through_the_pages() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria Silva");
    let chat = scene.newcomer("anna").await?;
    let link = scene.login_link(&chat.ask("login").await?)?;
    let browser = Visitor::new()?;

    let page = browser.open(&link).await?;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&chat.user.id), "{page}");
    assert_eq!(page.forms.len(), 1, "{page}");
    assert_eq!(page.forms[0].method.as_str(), "POST");
    promised_headers(&page);
    // Chromium applies `form-action` to the redirect that answers the form, too.
    let policy = page.header("content-security-policy");
    let gitter = url::Url::parse(&scene.town.gitter().web_url)?
        .origin()
        .ascii_serialization();
    let actions = policy
        .split(';')
        .find(|part| part.trim().starts_with("form-action"));
    assert!(
        actions.is_some_and(|actions| actions.contains(&gitter)),
        "{policy}"
    );

    let consent = browser.press_only_button(&page).await?;
    let confirm = scene.town.consent(&browser, consent, &maria).await?;
    assert!(confirm.url.path().ends_with("/callback"), "{confirm}");
    assert!(confirm.text.contains(&chat.user.id), "{confirm}");
    assert!(confirm.text.contains("maria"), "{confirm}");
    assert_eq!(confirm.forms.len(), 1, "{confirm}");
    assert_eq!(confirm.forms[0].button, "Connect");
    promised_headers(&confirm);
    // Not yet: only the button stores the token.
    let status = chat.ask("status").await?;
    assert!(!status.body().contains("maria"), "{}", status.body());

    let done = browser.press(&confirm, "Connect").await?;
    assert_eq!(done.status, 200, "{done}");
    promised_headers(&done);
    let status = chat.ask("status").await?;
    assert!(status.body().contains("maria"), "{}", status.body());

    // "Used up when the login succeeds".
    let again = browser.open(&link).await?;
    assert!(again.status >= 400, "{again}");
    assert!(again.forms.is_empty(), "{again}");
    assert!(!again.text.is_empty());
    promised_headers(&again);
    let ticket = link.rsplit('/').next().unwrap_or_default();
    scene.bridge.check_log(&[ticket, &link])?;
    Ok(())
}

/// "Opening the link (as link previews do) changes nothing".
#[tokio::test]
async fn previews_do_no_harm() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let chat = scene.newcomer("anna").await?;
    let link = scene.login_link(&chat.ask("login").await?)?;
    let http = testbed::http::client()?;
    for _ in 0..3 {
        assert_eq!(http.head(&link).send().await?.status(), 200);
        let preview = http.get(&link).send().await?;
        assert_eq!(preview.status(), 200);
    }
    let browser = Visitor::new()?;
    let page = browser.open(&link).await?;
    let consent = browser.press_only_button(&page).await?;
    let confirm = scene.town.consent(&browser, consent, &maria).await?;
    assert_eq!(browser.press(&confirm, "Connect").await?.status, 200);
    Ok(())
}

/// "Pressing the button starts the login and binds it by a cookie to that browser, and no other browser can finish it."
#[tokio::test]
async fn no_other_browser_can_finish_a_login() -> Result {
    let scene = Scene::start().await?;
    let (maria, mallory) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("mallory", "Mallory"),
    );
    let chat = scene.newcomer("anna").await?;
    let (hers, his) = (Visitor::new()?, Visitor::new()?);
    let confirm = scene.confirmation(&hers, &chat, &maria).await?;

    // He has learnt the address she came back to.
    let stolen = his.open(confirm.url.as_str()).await?;
    assert!(stolen.status >= 400, "{stolen}");
    assert!(
        stolen.forms.iter().all(|form| form.button != "Connect"),
        "{stolen}"
    );
    // And sends her form.
    let forged = his.press(&confirm, "Connect").await?;
    assert!(forged.status >= 400, "{forged}");
    assert!(!chat.ask("status").await?.body().contains("maria"));
    // She can still finish it.
    assert_eq!(hers.press(&confirm, "Connect").await?.status, 200);

    // He begins a login with her link, and makes her finish it: she would write as him.
    chat.ask_for("logout", "You are logged out").await?;
    let trap = scene.confirmation(&his, &chat, &mallory).await?;
    let fallen = hers.open(trap.url.as_str()).await?;
    assert!(
        fallen.forms.iter().all(|form| form.button != "Connect"),
        "{fallen}"
    );
    Ok(())
}

/// "A ticket … is used up when the login … is refused; a refused or failed login ends on a page which says what to do."
#[tokio::test]
async fn a_refused_login_says_what_to_do() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let chat = scene.newcomer("anna").await?;
    let link = scene.login_link(&chat.ask("login").await?)?;
    let browser = Visitor::new()?;
    let page = browser.open(&link).await?;
    let consent = browser.press_only_button(&page).await?;
    let refused = scene.town.refuse(&browser, consent, &maria).await?;
    assert!(refused.url.path().ends_with("/callback"), "{refused}");
    assert!(refused.text.contains("login"), "{refused}");
    promised_headers(&refused);
    let again = browser.open(&link).await?;
    assert!(again.status >= 400 && again.forms.is_empty(), "{again}");
    // A new link works.
    scene.log_in(&chat, &maria).await?;
    Ok(())
}

/// Gitter answers with nonsense or not at all: the page says so in words, and a new attempt works.
#[tokio::test]
async fn trouble_at_gitter_ends_on_a_page_that_says_so() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let chat = scene.newcomer("anna").await?;
    scene.town.break_next_token();
    let browser = Visitor::new()?;
    let link = scene.login_link(&chat.ask("login").await?)?;
    let page = browser.open(&link).await?;
    let consent = browser.press_only_button(&page).await?;
    let failed = scene.town.consent(&browser, consent, &maria).await?;
    assert!(failed.status >= 400, "{failed}");
    assert!(
        !failed.text.is_empty() && !failed.text.contains("<html"),
        "{failed}"
    );
    promised_headers(&failed);
    scene.log_in(&chat, &maria).await?;
    Ok(())
}

/// Nonsense gets a page that helps, never a blank one.
#[tokio::test]
async fn wrong_addresses_get_a_page_that_helps() -> Result {
    let scene = Scene::start().await?;
    let base = scene.bridge.slot().address();
    let browser = Visitor::new()?;
    for path in [
        "/login/nonsense",
        "/login/",
        "/callback",
        "/callback?code=x",
        "/callback?code=x&state=y",
        "/callback?error=access_denied&state=%00",
        "/no/such/page",
    ] {
        let page = browser.open(&format!("{base}{path}")).await?;
        assert!((400..500).contains(&page.status), "{page}");
        assert!(!page.text.is_empty(), "{page}");
        promised_headers(&page);
    }
    Ok(())
}

/// "`GET /` says what this is and how to reach the bot."
#[tokio::test]
async fn the_index_names_the_bot() -> Result {
    let scene = Scene::start().await?;
    let page = Visitor::new()?.open(&scene.bridge.slot().address()).await?;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&scene.bot()), "{page}");
    promised_headers(&page);
    Ok(())
}

/// The login outlives a restart, and the token is nowhere readable in the database.
#[tokio::test]
async fn a_login_outlives_a_restart() -> Result {
    let mut scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let chat = scene.citizen(&maria).await?;
    scene.bridge.stop().await?;
    let token = scene.town.token(&maria);
    let database = std::fs::read(scene.bridge.config_file().with_file_name("bridge.db"))?;
    let found = database
        .windows(token.len())
        .any(|window| window == token.as_bytes());
    assert!(!found, "the token stands in the database");
    scene.bridge.start_again().await?;
    let status = chat.ask("status").await?;
    assert!(status.body().contains("maria"), "{}", status.body());
    scene.bridge.check_log(&[&token])?;
    Ok(())
}

/// "Expired login: the lane pauses, one notice with a login link, and resumes after login."
#[tokio::test]
async fn an_expired_login_asks_for_a_new_one_and_goes_on() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    chat.user.say(&bridged, "one").await?;
    scene.town.hears(&lounge, "one").await?;
    let mark = chat.user.mark().await?;
    scene.town.revoke(&maria);
    chat.user.say(&bridged, "two").await?;
    let notice = chat
        .user
        .wait_from(mark, "a notice with a login link", |event| {
            event.is_message_of(&scene.bot()) && scene.login_link(event).is_ok()
        })
        .await?;
    assert_eq!(notice.room, chat.dm.room);
    scene.log_in(&chat, &maria).await?;
    scene.town.hears(&lounge, "two").await?;
    assert_eq!(scene.town.texts(&lounge), ["one", "two"]);
    Ok(())
}
