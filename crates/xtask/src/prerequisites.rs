//! Fetches what the tests need before they start, so that none of them seems to hang.

use testbed::browser::Browser;
use testbed::postgres::Postgres;
use testbed::synapse;
use testbed::web_client;

use crate::steps::Step;

/// Synapse, PostgreSQL, Chromium, and a Matrix client to open in it.
pub(crate) async fn fetch() -> anyhow::Result<()> {
    synapse().await?;
    let step = Step::begin("PostgreSQL");
    Postgres::prepare(&step).await?;
    step.done("installed");
    let step = Step::begin("Chromium");
    Browser::prepare(&step).await?;
    step.done("installed");
    let step = Step::begin("Web client");
    web_client::prepare(&step).await?;
    step.done("built");
    Ok(())
}

/// Synapse alone.
pub(crate) async fn synapse() -> anyhow::Result<()> {
    let step = Step::begin("Synapse");
    synapse::prepare(&step).await?;
    step.done(&format!("{} in target/testbed", synapse::VERSION));
    Ok(())
}
