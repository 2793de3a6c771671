//! The road of a login: the link is looked at, started, comes back from the network, is confirmed.
//!
//! A ticket belongs to one Matrix user. Starting it binds it to a browser (cookie) and to a `state` that travels
//! through the network; whoever comes back needs both. It is used up when the login succeeds or is refused.

use remote::{LoginError, Person};
use store::{NewLogin, Ticket};

use super::pending::Held;
use super::{About, Connected, LinkProblem, Pending, Started, TicketView, callback_url, secret};
use crate::Ctx;

/// The road of a login, for the web pages.
#[derive(Clone)]
pub struct Logins {
    world: Ctx,
}

impl Logins {
    pub(crate) fn new(world: Ctx) -> Self {
        Self { world }
    }

    /// What the pages say about the network and the bot.
    pub fn about(&self) -> About {
        About {
            network: self.world.network.info().clone(),
            bot: self.world.names.bot().to_owned(),
            login_origins: self.world.network.login_origins(),
        }
    }

    /// Whose login link this is. Changes nothing, since link previews come here too.
    ///
    /// # Errors
    /// [`LinkProblem`], for the page to explain.
    pub async fn look(&self, ticket: &str) -> Result<TicketView, LinkProblem> {
        let ticket = self.live(&secret::hash(ticket)).await?;
        Ok(TicketView {
            mxid: ticket.mxid,
            network_name: self.world.network.info().name.to_owned(),
        })
    }

    /// Starts the login of a link. Binds it to the browser whose cookie is `browser`, or to a new cookie. The same
    /// browser may start again; another one may not.
    ///
    /// # Errors
    /// [`LinkProblem`], for the page to explain.
    pub async fn start(&self, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem> {
        let world = &self.world;
        let hash = secret::hash(ticket);
        let ticket = self.live(&hash).await?;
        let cookie = browser.filter(|browser| secret::looks_right(browser));
        if ticket.browser.is_some() && ticket.browser != cookie.map(secret::hash) {
            return Err(LinkProblem::OtherBrowser);
        }
        let browser = cookie.map_or_else(|| secret::draw(&world.random), str::to_owned);
        let state = secret::draw(&world.random);
        if !world
            .store
            .bind_ticket(&hash, &secret::hash(&browser), &secret::hash(&state))
            .await?
        {
            return Err(LinkProblem::OtherBrowser);
        }
        world.connections.waiting.forget(&hash);
        let url = world
            .network
            .login_url(&callback_url(&world.config.public_address), &state);
        Ok(Started { url, browser })
    }

    /// Takes the browser back from the network. Nothing is stored: the credentials wait in memory for the confirmation.
    /// Loading the page again shows the same.
    ///
    /// # Errors
    /// [`LinkProblem`], for the page to explain.
    pub async fn come_back(
        &self,
        query: &[(String, String)],
        browser: Option<&str>,
    ) -> Result<Pending, LinkProblem> {
        let world = &self.world;
        let state = query
            .iter()
            .find(|(key, _)| key == "state")
            .map(|(_, value)| value.as_str());
        let state_hash = secret::hash(state.ok_or(LinkProblem::Stale)?);
        let ticket = world
            .store
            .ticket_by_state(&state_hash)
            .await?
            .ok_or(LinkProblem::Stale)?;
        let browser_hash = browser.map(secret::hash);
        if ticket.browser.is_none() || ticket.browser != browser_hash {
            return Err(LinkProblem::OtherBrowser);
        }
        let ticket = self.live(&ticket.hash).await?;
        let (this, query) = (self.clone(), query.to_vec());
        // What the browser brings is good for one time, and people reload pages that take long: the first
        // request is seen through, and the next one waits for what it finds.
        let exchanged =
            world.see_through(async move { this.exchange(&ticket, state_hash, &query).await });
        exchanged.await.unwrap_or(Err(LinkProblem::OutOfOrder))
    }

    async fn exchange(
        &self,
        ticket: &Ticket,
        state_hash: String,
        query: &[(String, String)],
    ) -> Result<Pending, LinkProblem> {
        let world = &self.world;
        let _exchanging = world.connections.exchanging.lock(ticket.hash.clone()).await;
        let seen = world.connections.waiting.read(&ticket.hash, |held| {
            (held.state_hash == state_hash)
                .then(|| pending(&held.mxid, &held.login.person, &held.confirm))
        });
        if let Some(pending) = seen.flatten() {
            return Ok(pending);
        }
        let callback = callback_url(&world.config.public_address);
        let login = match world.network.finish_login(&callback, query).await {
            Ok(login) => login,
            Err(error) => {
                if error == LoginError::Refused {
                    world.store.use_up_ticket(&ticket.hash).await?;
                }
                return Err(error.into());
            }
        };
        self.check_person(&ticket.mxid, &login.person).await?;
        let confirm = secret::draw(&world.random);
        let pending = pending(&ticket.mxid, &login.person, &confirm);
        let held = Held {
            mxid: ticket.mxid.clone(),
            login,
            state_hash,
            browser_hash: ticket.browser.clone().unwrap_or_default(),
            confirm,
            expires_at: ticket.expires_at,
        };
        world
            .connections
            .waiting
            .put(ticket.hash.clone(), held, world.now());
        Ok(pending)
    }

    /// The person confirmed: stores the login and starts its connection, which greets him and makes the invites.
    ///
    /// # Errors
    /// [`LinkProblem`], for the page to explain.
    pub async fn connect(
        &self,
        confirm: &str,
        browser: Option<&str>,
    ) -> Result<Connected, LinkProblem> {
        let world = &self.world;
        let browser_hash = browser.map(secret::hash);
        let now = world.now();
        let taken = world.connections.waiting.take(confirm, |held| {
            if Some(&held.browser_hash) != browser_hash.as_ref() {
                return Err(LinkProblem::OtherBrowser);
            }
            if held.expires_at <= now {
                Err(LinkProblem::Expired)
            } else {
                Ok(())
            }
        });
        let (ticket_hash, held) = taken.unwrap_or(Err(LinkProblem::Used))?;
        let this = self.clone();
        // A browser that is closed now must not leave a login without a connection behind.
        let stored = world.see_through(async move {
            let stored = this.store(&ticket_hash, &held).await;
            if stored == Err(LinkProblem::OutOfOrder) {
                // Nothing is wrong with the login itself: the person may press the button again.
                this.world.connections.waiting.put(ticket_hash, held, now);
            }
            stored
        });
        stored.await.unwrap_or(Err(LinkProblem::OutOfOrder))
    }

    async fn store(&self, ticket_hash: &str, held: &Held) -> Result<Connected, LinkProblem> {
        let world = &self.world;
        // Both are asked again, since minutes have passed.
        self.live(ticket_hash).await?;
        self.check_person(&held.mxid, &held.login.person).await?;
        let person = &held.login.person;
        let login = world
            .store
            .put_login(&NewLogin {
                mxid: held.mxid.clone(),
                person_id: person.id.to_string(),
                username: person.username.clone(),
                display_name: person.display_name.clone(),
                credentials: held.login.credentials.clone(),
                now: world.now(),
            })
            .await?;
        super::welcome::owe(world, &login).await?;
        world.connections.start(world, &login).await?;
        // Last: if anything before this failed, the person can press the button again.
        world.store.use_up_ticket(ticket_hash).await?;
        world.store.drop_tickets_of(&held.mxid).await?;
        tracing::info!(mxid = held.mxid, login = login.id, "logged in");
        Ok(Connected {
            mxid: held.mxid.clone(),
            username: person.username.clone(),
            bot: world.names.bot().to_owned(),
        })
    }

    /// The ticket, if it can (still) be used by somebody who may.
    async fn live(&self, hash: &str) -> Result<Ticket, LinkProblem> {
        let world = &self.world;
        let Some(ticket) = world.store.ticket(hash).await? else {
            let used = world.store.ticket_used(hash).await?;
            return Err(if used {
                LinkProblem::Used
            } else {
                LinkProblem::Unknown
            });
        };
        if ticket.expires_at <= world.now() {
            return Err(LinkProblem::Expired);
        }
        if world.config.permissions.may_still_use(&ticket.mxid) {
            Ok(ticket)
        } else {
            Err(LinkProblem::NotPermitted)
        }
    }

    /// Refuses a person other than the one the Matrix user is connected with: rooms and messages are that one's.
    async fn check_person(&self, mxid: &str, person: &Person) -> Result<(), LinkProblem> {
        match self.world.store.login_of(mxid).await? {
            Some(login) if login.person_id != person.id.as_str() => {
                Err(LinkProblem::OtherAccount {
                    connected: login.username,
                    offered: person.username.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

fn pending(mxid: &str, person: &Person, confirm: &str) -> Pending {
    Pending {
        mxid: mxid.to_owned(),
        display_name: person.display_name.clone(),
        username: person.username.clone(),
        confirm: confirm.to_owned(),
    }
}
