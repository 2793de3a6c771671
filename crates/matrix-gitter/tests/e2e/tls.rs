//! TLS towards everything the bridge connects to: homeserver, Gitter, PostgreSQL. (Towards itself a reverse proxy does it.)

use anyhow::Context as _;
use serde_json::Value;
use testbed::bridge::Setup;
use testbed::postgres::Postgres;
use testbed::progress::Lines;
use testbed::scratch;
use testbed::synapse;
use testbed::tls::{Authority, Front};
use url::Url;

use crate::scene::{PROGRAM, Result, Scene};
use crate::shell::run;
use crate::town::Town;

/// TLS in front of what a configuration talks to.
struct Fronts {
    homeserver: Front,
    gitter: Front,
}

/// Where each setting leads, now by TLS; the pages that people open stay as they are.
const SETTINGS: [(&str, &str); 3] = [
    ("homeserver", "address"),
    ("network", "api_url"),
    ("network", "realtime_url"),
];

fn setting(config: &Value, (section, key): (&str, &str)) -> Result<Url> {
    let text = config[section][key].as_str().context("a setting")?;
    Ok(Url::parse(text)?)
}

impl Fronts {
    async fn before(setup: &Setup, authority: &Authority, host: &str) -> Result<Self> {
        let [homeserver, gitter, _] = SETTINGS.map(|it| {
            let url = setting(setup.config(), it)?;
            url.port().context("a port")
        });
        Ok(Self {
            homeserver: authority.front(host, homeserver?).await?,
            gitter: authority.front(host, gitter?).await?,
        })
    }

    fn set(&self, mut setup: Setup) -> Result<Setup> {
        for (at, port) in
            SETTINGS
                .into_iter()
                .zip([self.homeserver.port, self.gitter.port, self.gitter.port])
        {
            let url = setting(setup.config(), at)?;
            let scheme = if url.scheme() == "ws" { "wss" } else { "https" };
            let url = format!("{scheme}://localhost:{port}{}", url.path());
            setup = setup.set(&format!("{}.{}", at.0, at.1), url.trim_end_matches('/'));
        }
        Ok(setup)
    }
}

/// A setup and its Gitter.
async fn begin() -> Result<(Setup, Town)> {
    let synapse = synapse::shared().await?;
    let slot = synapse.slot()?;
    let town = Town::start(&format!("{}/callback", slot.address())).await?;
    Ok((Setup::new(PROGRAM, synapse, slot, &town.gitter())?, town))
}

/// An authority of the admin's own works for all of them by `SSL_CERT_FILE`.
#[tokio::test]
async fn everything_can_be_reached_by_tls() -> Result {
    let authority = Authority::new()?;
    let postgres = Postgres::start_with_tls(&Lines, &authority.certificate("localhost")?).await?;
    let database = format!("{}?sslmode=verify-full", postgres.remote_database().await?);
    let (setup, town) = begin().await?;
    let fronts = Fronts::before(&setup, &authority, "localhost").await?;
    let bridge = fronts
        .set(setup)?
        .database(&database)
        .env("SSL_CERT_FILE", authority.file().display().to_string())
        .start()
        .await?;
    let scene = Scene {
        synapse: synapse::shared().await?,
        town,
        bridge,
    };
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    chat.user.say(&room, "good morning").await?;
    scene.town.hears(&lounge, "good morning").await?;
    scene.town.say(&ben, &lounge, "and to you");
    chat.hears(&room, "and to you").await?;
    Ok(())
}

/// A certificate that is not right is refused, by a sentence that says what to do.
#[tokio::test]
async fn a_wrong_certificate_is_refused() -> Result {
    let (ours, theirs) = (Authority::new()?, Authority::new()?);
    let home = scratch::directory("tls")?;
    let trusted = ours.file().display().to_string();
    let environment = [("SSL_CERT_FILE", trusted.as_str())];
    // Signed by somebody else; for another host.
    for (authority, host) in [(&theirs, "localhost"), (&ours, "other.example.org")] {
        let (setup, _town) = begin().await?;
        let fronts = Fronts::before(&setup, authority, host).await?;
        let setup = fronts.set(setup)?;
        let config = setup.config().to_string();
        std::fs::write(home.path().join("config.yaml"), config)?;
        let ran = run(home.path(), &["doctor", "-c", "config.yaml"], &environment).await?;
        assert_eq!(ran.status, 13, "{}{}", ran.out, ran.err);
        for sentence in [
            "invalid peer certificate",
            "The certificate of Gitter's server is not accepted",
            "SSL_CERT_FILE",
        ] {
            assert!(ran.out.contains(sentence), "{sentence}: {}", ran.out);
        }
    }

    let postgres = Postgres::start_with_tls(&Lines, &theirs.certificate("localhost")?).await?;
    let place = postgres.remote_database().await?;
    let (setup, _town) = begin().await?;
    let setup = setup.database(&format!("{place}?sslmode=verify-full"));
    std::fs::write(home.path().join("config.yaml"), setup.config().to_string())?;
    let ran = run(home.path(), &["run", "-c", "config.yaml"], &environment).await?;
    assert_eq!(ran.status, 14, "{}", ran.err);
    for sentence in ["no safe connection to PostgreSQL", "SSL_CERT_FILE"] {
        assert!(ran.err.contains(sentence), "{sentence}: {}", ran.err);
    }
    Ok(())
}
