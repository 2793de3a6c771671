//! What the pages need of the bridge.

use async_trait::async_trait;
use bridge::login::{Connected, LinkProblem, Pending, Started, TicketView};
use bridge::media::{self, MediaFile, MediaProblem, MediaRequest};
use bridge::{Bridge, Figures, Health};

/// What the pages say about the network and the bot; the same for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What the network is called.
    pub network_name: String,
    /// Its web site.
    pub network_url: String,
    /// The bot's Matrix id.
    pub bot: String,
    /// A matrix.to link to the bot.
    pub bot_link: String,
    /// Origins a login passes through, beside our own.
    pub login_origins: Vec<String>,
}

/// The bridge as the pages see it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the pages say about the network and the bot.
    fn site(&self) -> Site;

    /// Whose login link this is. Changes nothing.
    async fn look(&self, ticket: &str) -> Result<TicketView, LinkProblem>;

    /// Starts the login of a link and binds it to the browser (the cookie's value, if it came with one).
    async fn start(&self, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem>;

    /// Takes the browser back from the network. Nothing is stored yet.
    async fn come_back(
        &self,
        query: &[(String, String)],
        browser: Option<&str>,
    ) -> Result<Pending, LinkProblem>;

    /// The person confirmed: stores the login.
    async fn connect(&self, confirm: &str, browser: Option<&str>)
    -> Result<Connected, LinkProblem>;

    /// Opens the link to a file with this secret. `Ok(None)`: the link holds, and the browser has the file.
    async fn media(
        &self,
        secret: &str,
        request: MediaRequest,
    ) -> Result<Option<MediaFile>, MediaProblem>;

    /// Whether the parts we depend on answer.
    async fn health(&self) -> Health;

    /// Figures for the metrics, or why there are none.
    async fn figures(&self) -> Result<Figures, String>;
}

#[async_trait]
impl Backend for Bridge {
    fn site(&self) -> Site {
        let about = self.logins().about();
        Site {
            network_name: about.network.name.to_owned(),
            network_url: about.network.url.to_string(),
            bot: about.bot.to_string(),
            bot_link: about.bot.matrix_to_uri().to_string(),
            login_origins: about.login_origins,
        }
    }

    async fn look(&self, ticket: &str) -> Result<TicketView, LinkProblem> {
        self.logins().look(ticket).await
    }

    async fn start(&self, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem> {
        self.logins().start(ticket, browser).await
    }

    async fn come_back(
        &self,
        query: &[(String, String)],
        browser: Option<&str>,
    ) -> Result<Pending, LinkProblem> {
        self.logins().come_back(query, browser).await
    }

    async fn connect(
        &self,
        confirm: &str,
        browser: Option<&str>,
    ) -> Result<Connected, LinkProblem> {
        self.logins().connect(confirm, browser).await
    }

    async fn media(
        &self,
        secret: &str,
        request: MediaRequest,
    ) -> Result<Option<MediaFile>, MediaProblem> {
        media::open(self.world(), secret, request).await
    }

    async fn health(&self) -> Health {
        Self::health(self).await
    }

    async fn figures(&self) -> Result<Figures, String> {
        Self::figures(self).await.map_err(|error| error.to_string())
    }
}
