//! `cargo xtask demo`: the whole thing on one machine, from a bare checkout to a conversation.
//!
//! [`stage`] sets it up, [`people`] talk on Gitter, [`invitation`] says what to do now, [`story`] is what `--check` walks through.

mod invitation;
mod people;
mod stage;
mod story;

use stage::{Ports, Stage};
use testbed::web_client;

/// What `demo` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Walk through the whole story, print what both sides see, and end
    #[arg(long)]
    check: bool,
}

/// Sets everything up, then shows how to use it until Ctrl-C, or walks through it.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    if options.check {
        let stage = Stage::set_up(Ports::any()?).await?;
        return story::walk(&stage).await;
    }
    let mut stage = Stage::set_up(Ports::usual()?).await?;
    stage.add_client(web_client::npm()).await?;
    println!("\n{}", invitation::to(&stage));
    tokio::select! {
        () = people::keep_talking(&stage) => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    println!("\nStopping. What was fetched once stays below target/, nothing else is kept.");
    Ok(())
}
