//! Who the network is, and logging in to it.

use crate::LoginError;

use super::{Broken, Verdict, World, ensure, log_in};

#[expect(clippy::unused_async, reason = "all checks have one type")]
pub(super) async fn info(world: &dyn World) -> Verdict {
    let network = world.network();
    let info = network.info();
    let machine = |id: &str| {
        !id.is_empty()
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    ensure(machine(info.id), || {
        format!("{:?} is not an id for machines", info.id)
    })?;
    ensure(!info.name.is_empty(), || "it has no name".to_owned())?;
    ensure(info.event_key.contains('.'), || {
        format!("{:?} belongs to no name space", info.event_key)
    })?;
    let origins = network.login_origins();
    let login = network.login_url(&world.callback(), "state");
    ensure(
        origins.contains(&login.origin().ascii_serialization()),
        || format!("the login page is at {login}, but the login is said to pass {origins:?} only"),
    )
}

pub(super) async fn succeeds(world: &dyn World) -> Verdict {
    let network = world.network();
    let login = log_in(world).await?;
    let account = network.account(&login.person, &login.credentials)?;
    let me = account.me().await?;
    ensure(me == login.person, || {
        format!("{:?} logged in, but the account is {:?}", login.person, me)
    })?;
    ensure(me.id != world.other().id, || {
        "the other one was logged in".to_owned()
    })?;
    let state = network.login_url(&world.callback(), "a b&c");
    ensure(
        state.query_pairs().any(|(_, value)| value == "a b&c"),
        || format!("no state in {state}"),
    )
}

pub(super) async fn refused(world: &dyn World) -> Verdict {
    let network = world.network();
    let callback = world.callback();
    let query = world
        .browse(&network.login_url(&callback, "state"), false)
        .await;
    match network.finish_login(&callback, &query).await {
        Err(LoginError::Refused) => Ok(()),
        other => Err(Broken(format!("a refused login ended as {other:?}"))),
    }
}

pub(super) async fn stale(world: &dyn World) -> Verdict {
    let network = world.network();
    let callback = world.callback();
    let query = world
        .browse(&network.login_url(&callback, "state"), true)
        .await;
    let mut invented = query.clone();
    for (name, value) in &mut invented {
        if name != "state" {
            *value = "0".repeat(value.len());
        }
    }
    for (what, query) in [("an invented", &invented), ("no", &Vec::new())] {
        match network.finish_login(&callback, query).await {
            Err(LoginError::Stale) => {}
            other => return Err(Broken(format!("{what} code ended as {other:?}"))),
        }
    }
    network
        .finish_login(&callback, &query)
        .await
        .map_err(|error| Broken(error.to_string()))?;
    match network.finish_login(&callback, &query).await {
        Err(LoginError::Stale) => Ok(()),
        other => Err(Broken(format!("a used code ended as {other:?}"))),
    }
}

pub(super) async fn setup(world: &dyn World) -> Verdict {
    let checks = world.network().check(&world.callback()).await;
    ensure(!checks.is_empty(), || "nothing is checked".to_owned())?;
    for check in checks {
        if let Err(complaint) = check.result {
            return Err(Broken(format!("{}: {}", check.what, complaint.problem)));
        }
    }
    Ok(())
}
