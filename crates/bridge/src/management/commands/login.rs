//! `login`: makes a login link.

use store::LoginState;

use super::{Call, Notice, words};
use crate::Error;
use crate::login::new_link;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let login = call.world.store.login_of(call.user.as_str()).await?;
    match login {
        Some(login) if login.state == LoginState::Ok => {
            Ok(words::login::already(call.network(), &login))
        }
        _ => Ok(words::login::offer(
            call.network(),
            &new_link(call.world, call.user).await?,
        )),
    }
}
