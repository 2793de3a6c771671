//! Fetches what the tests need before they start, so that none of them seems to hang.

use testbed::browser::Browser;
use testbed::postgres::Postgres;
use testbed::synapse;

use crate::steps::Step;

/// Synapse, PostgreSQL and Chromium.
pub(crate) async fn fetch() -> anyhow::Result<()> {
    synapse().await?;
    let step = Step::begin("PostgreSQL");
    Postgres::prepare(&step).await?;
    step.done("installed");
    let step = Step::begin("Chromium");
    Browser::prepare(&step).await?;
    step.done("installed");
    Ok(())
}

/// Synapse alone.
pub(crate) async fn synapse() -> anyhow::Result<()> {
    let step = Step::begin("Synapse");
    synapse::prepare(&step).await?;
    step.done(&format!("{} in target/testbed", synapse::VERSION));
    Ok(())
}
