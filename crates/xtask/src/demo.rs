//! `cargo xtask demo`: the whole thing on one machine, from a bare checkout to a conversation.
//!
//! [`stage`] sets it up, [`people`] talk on Gitter, [`story`] is what `--check` walks through.

mod client;
mod people;
mod stage;
mod story;

use stage::{Ports, Stage};

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
    stage.add_client().await?;
    invite_to_play(&stage);
    tokio::select! {
        () = people::keep_talking(&stage) => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    println!("\nStopping. What was fetched once stays below target/, nothing else is kept.");
    Ok(())
}

fn invite_to_play(stage: &Stage) {
    let rule = "─".repeat(72);
    let gitter = stage.gitter_page(people::LOUNGE);
    println!("\n{rule}");
    println!("Everything runs. You are Dana, who has an account on each side.\n");
    if let Some(client) = stage.client_address() {
        println!("1. Open both in a browser, side by side:");
        println!("     Matrix, as Dana   {client}");
        println!("     Gitter            {gitter}");
        println!("2. On Matrix: open the bot's link, and pick Dana where Gitter asks who you are.");
        println!(
            "3. Accept the invites, and say something in either window; on Gitter, sign in as"
        );
        println!("   whom you like. The others answer if you speak to them.\n");
        println!(
            "(This client shows an edit as one more message; others show it in its place. They"
        );
        println!(
            "log in at {} as {} with the password {}.)\n",
            stage.homeserver_address(),
            stage::MATRIX_NAME,
            stage::MATRIX_PASSWORD
        );
    } else {
        println!(
            "1. Open a Matrix client (Element, Cinny, nheko …), choose another homeserver, and"
        );
        println!("   log in. (With npm at hand the demo brings one.)");
        println!("     homeserver  {}", stage.homeserver_address());
        println!("     user        {}", stage::MATRIX_NAME);
        println!("     password    {}", stage::MATRIX_PASSWORD);
        println!(
            "2. There is a chat with the bot already. Open the link which it sent, and pick Dana"
        );
        println!("   where Gitter asks who you are.");
        println!("3. Accept the invites. Say something; the others answer if you speak to them.\n");
        println!("Gitter as the others see it, in a browser:");
        println!("     {gitter}");
    }
    println!("What the bridge does:");
    println!("     {}", stage.log().display());
    println!("\nCtrl-C ends it all. `cargo xtask demo --check` walks through it by itself.");
    println!("{rule}");
}
