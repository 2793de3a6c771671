//! People.

use super::{Call, Client};
use crate::{Effect, Error, Profile, User};

impl Client {
    /// Whose account this is.
    ///
    /// # Errors
    /// [`Error::Unauthorised`] if the token is no longer valid.
    pub async fn me(&self) -> Result<User, Error> {
        self.call(Call::get(&["user", "me"]))
            .await?
            .object(Effect::None)
    }

    /// Somebody's public profile, by username in its exact case.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is nobody of that name.
    pub async fn user(&self, username: &str) -> Result<Profile, Error> {
        let answer = self.call(Call::get(&["users", username])).await?;
        // For a name that could be one at GitHub and is not, Gitter's code answers 200 with the bare text `OK`.
        if answer.body.as_ref() == b"OK" {
            return Err(Error::NotFound);
        }
        answer.object(Effect::None)
    }
}
