//! The sockets we listen on.

use std::fmt;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::exit::{Failure, Status};

/// A socket, and what is served there.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Which setting it comes from.
    pub(crate) purpose: Purpose,
    /// The socket.
    pub(crate) socket: TcpListener,
}

/// What is served at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the homeserver calls, and the pages too.
    Everything,
    /// What the homeserver calls.
    Appservice,
    /// The pages that people open.
    Web,
    /// Figures for Prometheus.
    Metrics,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everything => "appservice and web",
            Self::Appservice => "appservice",
            Self::Web => "web",
            Self::Metrics => "metrics",
        })
    }
}

/// Listens wherever the configuration says. Done before anything else, so that a port in use changes nothing.
pub(crate) async fn listen(config: &Config) -> Result<Vec<Listener>, Failure> {
    let web = config.web.listener();
    let appservice = if web.is_some() {
        Purpose::Appservice
    } else {
        Purpose::Everything
    };
    let places = [
        Some((
            appservice,
            "appservice",
            config.appservice.hostname.as_str(),
            config.appservice.port,
        )),
        web.map(|(hostname, port)| (Purpose::Web, "web", hostname, port)),
        config
            .metrics
            .listener()
            .map(|(hostname, port)| (Purpose::Metrics, "metrics", hostname, port)),
    ];
    let mut listeners = Vec::new();
    for (purpose, section, hostname, port) in places.into_iter().flatten() {
        let socket = bind(hostname, port)
            .await
            .map_err(|error| refuse(section, hostname, port, &error))?;
        listeners.push(Listener { purpose, socket });
    }
    Ok(listeners)
}

async fn bind(hostname: &str, port: u16) -> std::io::Result<TcpListener> {
    // An IPv6 address may be written with or without its brackets.
    let hostname = hostname.trim_start_matches('[').trim_end_matches(']');
    TcpListener::bind((hostname, port)).await
}

fn refuse(section: &str, hostname: &str, port: u16, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "port {port} on {hostname} is in use, perhaps by another matrix-gitter; stop that, or change `{section}.port`"
        ),
        std::io::ErrorKind::PermissionDenied => format!(
            "port {port} on {hostname} is not ours to use; ports below 1024 need privileges, so change `{section}.port`"
        ),
        std::io::ErrorKind::AddrNotAvailable => format!(
            "{hostname} is not an address of this machine; change `{section}.hostname`, to 127.0.0.1 or 0.0.0.0 perhaps"
        ),
        _ => format!(
            "cannot listen on {hostname}, port {port} (`{section}.hostname` and `{section}.port`): {error}"
        ),
    };
    Failure::new(Status::Failed, why)
}

impl Listener {
    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }
}
