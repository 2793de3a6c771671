//! A command that somebody gave, with what commands ask for again and again.

use std::sync::Arc;

use remote::{Account, Room, RoomId};
use ruma::UserId;
use store::{Login, LoginState, Portal};

use crate::{Ctx, Error};

/// A command that somebody gave.
pub(super) struct Call<'a> {
    pub(super) world: &'a Ctx,
    /// The item of the control lane that it is.
    pub(super) item: i64,
    /// Who gave it.
    pub(super) user: &'a UserId,
    /// He looks after the others, too.
    pub(super) admin: bool,
    /// What follows the command's word.
    pub(super) args: &'a str,
    /// The portal it was given in, if it was.
    pub(super) portal: Option<&'a Portal>,
}

impl Call<'_> {
    /// What the network is called.
    pub(super) fn network(&self) -> &'static str {
        self.world.network.info().name
    }

    /// His login and its account, if it can be used.
    pub(super) async fn account(&self) -> Result<(Login, Arc<dyn Account>), Error> {
        let login = self.world.store.login_of(self.user.as_str()).await?;
        let login = login
            .filter(|login| login.state == LoginState::Ok)
            .ok_or(Error::NotLoggedIn)?;
        let account = self
            .world
            .connections
            .account(login.id)
            .ok_or(Error::NotLoggedIn)?;
        Ok((login, account))
    }

    /// The address that was typed. `None` when nothing was, and the portal the command was given in is meant.
    pub(super) fn address(&self, example: &str) -> Result<Option<String>, Error> {
        if self.args.is_empty() {
            return match self.portal {
                Some(_) => Ok(None),
                None => Err(Error::Refused(format!(
                    "it has to be said which room, for example “{example}”"
                ))),
            };
        }
        let address = self.world.network.parse_address(self.args);
        address.map(Some).ok_or_else(|| {
            Error::Refused(format!(
                "“{}” cannot be the name of a room on {}",
                self.args,
                self.network()
            ))
        })
    }

    /// The room that was meant, whether or not he is in it.
    pub(super) async fn room(&self, account: &dyn Account, example: &str) -> Result<Room, Error> {
        match (self.address(example)?, self.portal) {
            (Some(address), _) => Ok(account.find_room(&address).await?),
            (None, Some(portal)) => Ok(account
                .room(&RoomId::new(portal.remote_room.as_str()))
                .await?),
            (None, None) => Err(Error::Refused("it has to be said which room".to_owned())),
        }
    }
}
