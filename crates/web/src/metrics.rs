//! Figures for Prometheus, in the `OpenMetrics` text format.
//!
//! To add one: its line in [`encode`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bridge::{BOUNDS, Figures, Latency, WayFigures};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode as encode_text;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::Backend;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads the figures anew for each scrape.
pub(crate) async fn show(State(backend): State<Arc<dyn Backend>>) -> Response {
    let figures = match backend.figures().await {
        Ok(figures) => figures,
        Err(error) => {
            tracing::warn!(error, "no figures");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    match encode(figures) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn encode(figures: Figures) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("bridge");
    registry.register_collector(Box::new(Scrape(figures)));
    let mut text = String::new();
    encode_text(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Scrape(Figures);

/// A label with its value.
type Label = [(&'static str, &'static str); 1];

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut page = Page(encoder);
        page.queues(&self.0)?;
        page.trouble(&self.0)?;
        page.cost(&self.0)?;
        page.present(&self.0)
    }
}

/// What the figures are written to.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// How messages fare.
    fn queues(&mut self, figures: &Figures) -> Result<(), std::fmt::Error> {
        self.gauges(
            "queue_length",
            "What waits in the queues or is under way",
            None,
            &ways(figures, |way| way.waiting),
        )?;
        self.gauges(
            "queue_oldest",
            "For how long the oldest of it has; 0 if nothing waits",
            Some(&Unit::Seconds),
            &ways(figures, |way| seconds(way.oldest)),
        )?;
        let mut family = self.0.encode_descriptor(
            "delivery",
            "How long messages, changes and deletions took to be delivered, from the moment when the bridge had stored them",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (label, latency) in ways(figures, |way| &way.delivered) {
            let buckets = buckets(latency);
            let (sum, count) = (seconds(latency.sum), latency.count());
            family
                .encode_family(&label)?
                .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    /// What went wrong, and what came of it.
    fn trouble(&mut self, figures: &Figures) -> Result<(), std::fmt::Error> {
        self.counters(
            "failed",
            "What was given up, until its sender says `retry`",
            None,
            &ways(figures, |way| way.failed),
        )?;
        self.counters(
            "retries",
            "How often something could not be delivered at that time, and was put off",
            None,
            &ways(figures, |way| way.retries),
        )?;
        self.counters(
            "duplicates",
            "What came again that had been taken before, and was left out",
            None,
            &ways(figures, |way| way.duplicates),
        )?;
        let (found, sent_again, told) = figures.resolved;
        self.counters(
            "ambiguous_sends",
            "Messages to the network whose answer was lost: found there, sent again, or their sender told to have a look",
            None,
            &[
                ([("outcome", "found")], found),
                ([("outcome", "sent_again")], sent_again),
                ([("outcome", "told")], told),
            ],
        )?;
        self.counter(
            "echoes_missed",
            "Messages to the network that stand there and were not told in time",
            figures.echoes_missed,
        )?;
        self.counter(
            "dropped",
            "Messages that the network acknowledged and did not keep",
            figures.dropped,
        )
    }

    /// What was asked of both sides.
    fn cost(&mut self, figures: &Figures) -> Result<(), std::fmt::Error> {
        let (homeserver, network) = (&figures.homeserver, &figures.network);
        let kinds = homeserver.requests.iter();
        let requests: Vec<(Label, u64)> = kinds
            .map(|(kind, count)| ([("kind", *kind)], *count))
            .collect();
        self.counters(
            "homeserver_requests",
            "Requests to the homeserver, repetitions included",
            None,
            &requests,
        )?;
        self.counter(
            "homeserver_repetitions",
            "How many of them repeated one that failed",
            homeserver.repeated,
        )?;
        self.counter(
            "homeserver_failures",
            "Calls to the homeserver that failed for good, refusals included",
            homeserver.failed,
        )?;
        self.counter(
            "network_requests",
            "Requests to the network, repetitions included",
            network.requests,
        )?;
        self.counter(
            "network_refusals",
            "How many of them it refused for being too many",
            network.refused,
        )?;
        self.counter(
            "network_waits",
            "Requests to the network that had to wait for their turn, so as not to be too many",
            network.waits,
        )?;
        self.counters(
            "network_waited",
            "For how long they did, all together",
            Some(&Unit::Seconds),
            &[([], network.waited.as_secs_f64())],
        )?;
        self.gauges(
            "network_waiting",
            "Requests to the network that wait for their turn now",
            None,
            &[([], network.waiting)],
        )
    }

    /// What there is.
    fn present(&mut self, figures: &Figures) -> Result<(), std::fmt::Error> {
        let (connected, connecting, broken) = figures.connections;
        self.gauges(
            "connections",
            "Connections to the network, one for each login whose credentials hold",
            None,
            &[
                ([("state", "connected")], connected),
                ([("state", "connecting")], connecting),
                ([("state", "broken")], broken),
            ],
        )?;
        self.gauges(
            "logins",
            "Logins by their state",
            None,
            &[
                ([("state", "ok")], figures.logins.0),
                ([("state", "expired")], figures.logins.1),
            ],
        )?;
        self.gauges(
            "portals",
            "Matrix rooms whose user is in them",
            None,
            &[([], figures.portals)],
        )?;
        self.gauges(
            "lanes",
            "Queues that are being worked",
            None,
            &[([], figures.lanes)],
        )?;
        self.gauges(
            "lanes_stumbling",
            "Queues that cannot go on now, and try again",
            None,
            &[([], figures.stumbling)],
        )
    }

    fn gauges<const N: usize, F: EncodeGaugeValue + Copy>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figures: &[([(&'static str, &'static str); N], F)],
    ) -> Result<(), std::fmt::Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (label, figure) in figures {
            let figure = ConstGauge::new(*figure);
            if label.is_empty() {
                return figure.encode(family);
            }
            figure.encode(family.encode_family(label)?)?;
        }
        Ok(())
    }

    fn counters<const N: usize, F: EncodeCounterValue + Copy>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figures: &[([(&'static str, &'static str); N], F)],
    ) -> Result<(), std::fmt::Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Counter)?;
        for (label, figure) in figures {
            let figure = ConstCounter::new(*figure);
            if label.is_empty() {
                return figure.encode(family);
            }
            figure.encode(family.encode_family(label)?)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> Result<(), std::fmt::Error> {
        self.counters(name, help, None, &[([], count)])
    }
}

/// A figure of each direction.
fn ways<'a, T>(figures: &'a Figures, figure: impl Fn(&'a WayFigures) -> T) -> [(Label, T); 2] {
    [
        ([("direction", "to_remote")], figure(&figures.to_remote)),
        ([("direction", "to_matrix")], figure(&figures.to_matrix)),
    ]
}

fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}

/// Each bucket with its upper end; the encoder adds them up.
fn buckets(latency: &Latency) -> Vec<(f64, u64)> {
    let ends = BOUNDS
        .iter()
        .map(|bound| seconds(*bound))
        .chain([f64::INFINITY]);
    ends.zip(latency.buckets).collect()
}

#[cfg(test)]
mod tests {
    use bridge::{HomeserverFigures, Traffic};

    use super::*;

    fn figures() -> Figures {
        let mut delivered = Latency::default();
        delivered.buckets[2] = 7;
        delivered.buckets[BOUNDS.len()] = 1;
        delivered.sum = 15_000_250;
        Figures {
            logins: (3, 1),
            connections: (2, 1, 0),
            portals: 60,
            lanes: 2,
            stumbling: 1,
            to_remote: WayFigures {
                waiting: 4,
                oldest: 12_500,
                delivered,
                failed: 1,
                retries: 9,
                duplicates: 5,
            },
            to_matrix: WayFigures::default(),
            resolved: (3, 2, 1),
            echoes_missed: 2,
            dropped: 3,
            homeserver: HomeserverFigures {
                requests: vec![("send", 100), ("join", 10)],
                repeated: 1,
                failed: 2,
            },
            network: Traffic {
                requests: 200,
                refused: 1,
                waits: 20,
                waited: Duration::from_millis(90_500),
                waiting: 6,
            },
        }
    }

    #[test]
    fn figures_read_as_open_metrics() {
        insta::assert_snapshot!(encode(figures()).unwrap());
    }

    /// What Prometheus asks of a page: each figure has a name that it takes, belongs to the family announced above it, and is a
    /// number; names of counters end in `_total`; buckets of a histogram grow up to its count.
    #[test]
    fn the_page_is_what_prometheus_reads() {
        let page = encode(figures()).unwrap();
        let mut family = ("", "");
        let mut explained = "";
        let mut announced = Vec::new();
        let (mut below, mut count, mut whole) = (0, 0, 0);
        let (mut samples, mut ended) = (0, false);
        for line in page.lines() {
            assert!(!ended, "nothing follows the end");
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["#", "EOF"] => ended = true,
                ["#", "HELP", name, help, ..] => {
                    assert!(!help.is_empty(), "{name}");
                    explained = name;
                }
                ["#", "TYPE", name, kind] => {
                    assert_eq!(*name, explained);
                    assert!(!announced.contains(name), "{name} once");
                    announced.push(name);
                    family = (name, kind);
                }
                ["#", "UNIT", name, unit] => {
                    assert_eq!(*name, family.0);
                    assert!(name.ends_with(&format!("_{unit}")), "{name}");
                }
                [name, value] => {
                    samples += 1;
                    let _: f64 = value.parse().unwrap();
                    let whole_number = || -> u64 { value.parse().unwrap() };
                    let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
                    assert!(labels.ends_with('}'), "{line}");
                    assert!(name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_'));
                    let suffix = name.strip_prefix(family.0).unwrap();
                    match (family.1, suffix) {
                        ("counter", "_total") | ("gauge", "") | ("histogram", "_sum") => {}
                        ("histogram", "_count") => count = whole_number(),
                        ("histogram", "_bucket") => {
                            if labels.contains("le=\"0.05\"") {
                                below = 0;
                            }
                            assert!(whole_number() >= below, "{line}");
                            below = whole_number();
                            assert!(below <= count, "{line}");
                            if labels.contains("le=\"+Inf\"") {
                                assert_eq!(below, count, "{line}");
                                whole += 1;
                            }
                        }
                        other => panic!("{line}: {other:?}"),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(ended);
        assert_eq!(whole, 2, "each histogram has a last bucket");
        assert!(samples > 60, "{samples}");
    }
}
