//! How what goes wrong is told.

use crate::{EditWindow, Fault, History, RemoteError};

use super::ears::{Ears, ending};
use super::messages::part;
use super::{Broken, Verdict, World, ensure, tester};

/// The error is one of these, and its sentence can be shown to a person.
fn expect<T>(what: &str, result: Result<T, RemoteError>, faults: &[Fault]) -> Verdict {
    let Err(error) = result else {
        return Err(Broken(format!("{what} works")));
    };
    ensure(faults.contains(&error.fault), || {
        format!("{what} is {:?} ({error})", error.fault)
    })?;
    let sentence = &error.sentence;
    let readable =
        !sentence.is_empty() && !sentence.ends_with('.') && !sentence.contains(['{', '<', '\n']);
    ensure(readable, || format!("{what} says {sentence:?}"))
}

pub(super) async fn rooms(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let hello = part(world, "hello")?;
    let hidden = [Fault::Forbidden, Fault::NotFound];
    let closed = world.closed_room();
    expect(
        "reading a closed room",
        account.history(&closed, &History::Newest, 1).await,
        &hidden,
    )?;
    expect(
        "writing to a closed room",
        account.send(&closed, &hello, "key").await,
        &hidden,
    )?;
    expect(
        "looking at a closed room",
        account.room(&closed).await,
        &hidden,
    )?;
    expect(
        "the members of a closed room",
        account.members(&closed, 1).await,
        &hidden,
    )?;
    let missing = world.missing_room();
    expect(
        "a missing room",
        account.room(&missing).await,
        &[Fault::NotFound],
    )?;
    expect(
        "reading a missing room",
        account.history(&missing, &History::Newest, 1).await,
        &[Fault::NotFound],
    )?;
    expect(
        "writing to a missing room",
        account.send(&missing, &hello, "key").await,
        &[Fault::NotFound],
    )?;
    let address = world.network().parse_address("nobody-has/this-room");
    let address =
        address.ok_or_else(|| Broken("an ordinary address is not understood".to_owned()))?;
    expect(
        "a missing address",
        account.find_room(&address).await,
        &[Fault::NotFound],
    )
}

pub(super) async fn messages(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let hello = part(world, "hello")?;
    let capabilities = world.network().capabilities().clone();
    let missing = world.missing_message();
    let foreign = world.say(&room, "mine", None).await;
    let refused = [Fault::Forbidden, Fault::Rejected];
    if capabilities.edits != EditWindow::Never {
        expect(
            "changing a missing message",
            account.edit(&room, &missing, &hello).await,
            &[Fault::NotFound],
        )?;
        expect(
            "changing another's message",
            account.edit(&room, &foreign, &hello).await,
            &refused,
        )?;
    }
    if capabilities.deletions {
        expect(
            "deleting a missing message",
            account.delete(&room, &missing).await,
            &[Fault::NotFound],
        )?;
        expect(
            "deleting another's message",
            account.delete(&room, &foreign).await,
            &refused,
        )?;
    }
    Ok(())
}

pub(super) async fn logged_out(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    account.watch(&world.room());
    let ears = Ears::default();
    let mut sink = ears.clone();
    let end = async {
        let revoke = async {
            ears.connected(0).await?;
            world.revoke().await;
            Ok::<(), Broken>(())
        };
        tokio::join!(account.run(&mut sink), revoke)
    };
    let (ended, revoked) = ending("the credentials were revoked", end).await?;
    revoked?;
    let faults = [Fault::LoggedOut];
    expect(
        "a connection after the credentials were revoked",
        ended,
        &faults,
    )?;
    expect("reading who one is", account.me().await, &faults)?;
    expect("listing rooms", account.rooms().await, &faults)?;
    expect(
        "writing",
        account
            .send(&world.room(), &part(world, "hello")?, "key")
            .await,
        &faults,
    )?;
    expect(
        "a new connection",
        ending("logged out", account.run(&mut sink)).await?,
        &faults,
    )
}
