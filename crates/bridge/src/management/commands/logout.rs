//! `logout`: ends a login and everything that hangs on it. Admins can end somebody else's.

use ruma::UserId;

use super::{Call, Notice, say, words};
use crate::Error;
use crate::login::log_out;
use crate::management::room_of;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let network = call.network();
    let reason = words::login::out_reason(network);
    if call.args.is_empty() || call.args == call.user.as_str() {
        return Ok(words::login::out(
            network,
            &log_out(call.world, call.user, &reason).await?,
        ));
    }
    if !call.admin {
        return Err(Error::Refused(
            "“logout” takes nothing behind it; only admins can log somebody else out".to_owned(),
        ));
    }
    let user = UserId::parse(call.args).map_err(|_| {
        Error::Refused(format!(
            "“{}” is not a Matrix id, such as @name:example.org",
            call.args
        ))
    })?;
    let login = call.world.store.login_of(user.as_str()).await?;
    let done = log_out(call.world, &user, &reason).await?;
    if let (Some(login), Some((_, room))) = (login, room_of(call.world, user.as_str()).await?) {
        let cause = format!("logged out by an admin {}", login.id);
        say(
            call.world,
            &room,
            &words::login::out_by_admin(network),
            &cause,
        )
        .await?;
    }
    Ok(words::login::out_other(user.as_str(), &done))
}
