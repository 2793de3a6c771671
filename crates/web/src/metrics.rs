//! Figures for Prometheus, in the `OpenMetrics` text format.
//!
//! To add one: its line in [`encode`].

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bridge::Figures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode as encode_text;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Figures {
            logins,
            portals,
            lanes,
            to_remote,
            to_matrix,
            failed,
            echoes_missed,
            dropped,
        } = &self.0;
        let states = [("ok", logins.0), ("expired", logins.1)];
        let kind = ConstGauge::new(0_u64).metric_type();
        let mut family =
            encoder.encode_descriptor("logins", "Logins by their state", None, kind)?;
        for (state, number) in states {
            ConstGauge::new(number).encode(family.encode_family(&LoginState { state })?)?;
        }
        let mut gauge = |name, help, number: u64| {
            let gauge = ConstGauge::new(number);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("portals", "Matrix rooms whose user is in them", *portals)?;
        gauge("lanes", "Queues that are being worked", *lanes)?;
        let failures = ConstCounter::new(*failed);
        let kind = failures.metric_type();
        failures.encode(encoder.encode_descriptor(
            "failed",
            "Events that could not be delivered since the start",
            None,
            kind,
        )?)?;
        for (name, help, number) in [
            (
                "echoes_missed",
                "Messages to the network that stand there and were not told in time, since the start",
                *echoes_missed,
            ),
            (
                "dropped",
                "Messages that the network acknowledged and did not keep, since the start",
                *dropped,
            ),
        ] {
            ConstCounter::new(number).encode(encoder.encode_descriptor(name, help, None, kind)?)?;
        }
        let mut family = encoder.encode_descriptor(
            "delivered",
            "Events delivered since the start",
            None,
            kind,
        )?;
        for (direction, number) in [("to_remote", *to_remote), ("to_matrix", *to_matrix)] {
            ConstCounter::new(number).encode(family.encode_family(&Direction { direction })?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_open_metrics() {
        let figures = Figures {
            logins: (3, 1),
            portals: 60,
            lanes: 2,
            to_remote: 10,
            to_matrix: 100,
            failed: 1,
            echoes_missed: 2,
            dropped: 3,
        };
        insta::assert_snapshot!(encode(figures).unwrap());
    }
}
