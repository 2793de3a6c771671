//! Starting and stopping a sandbox.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;

use crate::bayeux::hub::Hub;
use crate::clock::Clock;
use crate::control::{Control, Faults};
use crate::faults::FaultList;
use crate::inner::Inner;
use crate::oauth::Grants;
use crate::rest::limit::Limiter;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::world::World;

/// Why a sandbox does not start: choose another port, or none.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address does not make a URL.
    #[error("cannot name the address as a URL: {0}")]
    Url(#[from] url::ParseError),
}

/// How a sandbox is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    clock: Clock,
    rate_limit: u32,
    port: u16,
    seed: u64,
    spam_filter: bool,
}

impl Builder {
    /// Tells the time; the system's by default.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Requests per minute for each pair of person and OAuth client; 100 by default, as Gitter has it.
    #[must_use]
    pub fn rate_limit(mut self, requests: u32) -> Self {
        self.rate_limit = requests;
        self
    }

    /// The port to listen on; any free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where tokens, codes and client ids start from: the same seed gives the same ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether accounts younger than two weeks that repeat themselves are silently dropped, as Gitter does. Off by default,
    /// since tests repeat themselves.
    #[must_use]
    pub fn spam_filter(mut self, on: bool) -> Self {
        self.spam_filter = on;
        self
    }

    /// Starts to listen. It runs on the current tokio runtime until it is dropped.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let failed = |source| StartError::Listen {
            port: self.port,
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let web_url = Url::parse(&format!("http://127.0.0.1:{port}"))?;
        let api_url = Url::parse(&format!("http://127.0.0.1:{port}/api/v1"))?;
        let realtime_url = Url::parse(&format!("ws://127.0.0.1:{port}/bayeux"))?;
        let files_url = Url::parse(&format!("http://127.0.0.1:{port}/_files"))?;
        let base = format!("http://127.0.0.1:{port}");
        let shared = Shared::new(Inner {
            world: World::new(self.clock, self.seed, base, self.spam_filter),
            hub: Hub::default(),
            grants: Grants::default(),
            limiter: Limiter::new(self.rate_limit),
            faults: FaultList::default(),
            stats: Stats::default(),
        });
        tokio::spawn(crate::server::listen(Arc::clone(&shared), listener));
        Ok(Sandbox {
            shared,
            web_url,
            api_url,
            realtime_url,
            files_url,
        })
    }
}

/// A running sandbox. Dropping it stops it and closes all connections.
pub struct Sandbox {
    shared: Arc<Shared>,
    web_url: Url,
    api_url: Url,
    realtime_url: Url,
    files_url: Url,
}

impl Sandbox {
    /// A sandbox to be configured and started.
    pub fn builder() -> Builder {
        Builder {
            clock: Clock::system(),
            rate_limit: 100,
            port: 0,
            seed: 0,
            spam_filter: false,
        }
    }

    /// A sandbox with nothing special about it.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Where people browse, and OAuth lives: `http://127.0.0.1:<port>/`.
    pub fn web_url(&self) -> &Url {
        &self.web_url
    }

    /// The REST API: `http://127.0.0.1:<port>/api/v1`. It is at `/v1` too.
    pub fn api_url(&self) -> &Url {
        &self.api_url
    }

    /// Bayeux: `ws://127.0.0.1:<port>/bayeux`. Long-polling is at the same address with `http`.
    pub fn realtime_url(&self) -> &Url {
        &self.realtime_url
    }

    /// Where uploaded files are: `http://127.0.0.1:<port>/_files`.
    pub fn files_url(&self) -> &Url {
        &self.files_url
    }

    /// What can be done to the world behind the server's back.
    pub fn world(&self) -> Control<'_> {
        Control::new(&self.shared)
    }

    /// What can go wrong on purpose.
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(&self.shared)
    }

    /// What was asked since the start, or since [`Sandbox::reset_stats`].
    pub fn stats(&self) -> Stats {
        let inner = self.shared.lock();
        Stats {
            pushes: inner.hub.given,
            ..inner.stats.clone()
        }
    }

    /// Starts counting anew.
    pub fn reset_stats(&self) {
        let mut inner = self.shared.lock();
        inner.stats = Stats::default();
        inner.hub.given = 0;
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open_lines()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Sandbox")
            .field("web_url", &self.web_url.as_str())
            .finish_non_exhaustive()
    }
}
