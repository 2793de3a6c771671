//! Where the log goes and how it looks.

use std::io::IsTerminal as _;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::logging::{Format, Level, LoggingConfig};

/// The crates whose log lines are ours; of all others only warnings are shown, since at finer levels they print
/// requests whole, tokens included.
const OURS: [&str; 8] = [
    "matrix_gitter",
    "bridge",
    "gitter",
    "gitter_network",
    "homeserver",
    "remote",
    "store",
    "web",
];

/// Sends the log to stderr from now on.
pub(crate) fn start(config: LoggingConfig) {
    let level = match config.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|target| (target, level)));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match config.format {
        Format::Pretty => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    // A second call, in a test say, leaves the first one's choice in place.
    let _already_set = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}
