//! `cargo xtask demo`: the whole thing on one machine, from a bare checkout to a conversation.
//!
//! [`stage`] sets it up, [`people`] talk on Gitter, [`story`] is what `--check` walks through.

mod people;
mod stage;
mod story;

use stage::Stage;

/// What `demo` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Walk through the whole story, print what both sides see, and end
    #[arg(long)]
    check: bool,
}

/// Sets everything up, then shows how to use it until Ctrl-C, or walks through it.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let stage = Stage::set_up(options.check).await?;
    if options.check {
        return story::walk(&stage).await;
    }
    invite_to_play(&stage);
    tokio::select! {
        () = people::keep_talking(&stage) => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    println!("\nStopping. Nothing of it is kept, except Synapse's venv below target/.");
    Ok(())
}

fn invite_to_play(stage: &Stage) {
    let rule = "─".repeat(72);
    println!("\n{rule}");
    println!("Everything runs. You are Dana, who has an account on each side.\n");
    println!("1. Open a Matrix client, choose another homeserver, and log in:");
    println!("     homeserver  {}", stage.homeserver_address());
    println!("     user        {}", stage::MATRIX_NAME);
    println!("     password    {}", stage::MATRIX_PASSWORD);
    println!("2. Start a direct chat with the bot:");
    println!("     {}", stage::bot());
    println!("3. Open the link which it sends, and pick Dana where Gitter asks who you are.");
    println!("4. Accept the invites. Say something; the others answer if you speak to them.\n");
    println!("Gitter as the others see it, in a browser:");
    println!("     {}", stage.gitter_page(people::LOUNGE));
    println!("What the bridge does:");
    println!("     {}", stage.log().display());
    println!("\nCtrl-C ends it all. `cargo xtask demo --check` walks through it by itself.");
    println!("{rule}");
}
