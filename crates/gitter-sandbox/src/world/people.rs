//! People: their names, pictures and where they came from.

use rand::Rng as _;

use super::{Refusal, World};
use crate::ids::UserId;

/// Where an account came from. Gitter tells by the username: without `_` it is a GitHub login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    GitHub,
    GitLab,
    Twitter,
}

impl Provider {
    pub(crate) fn of(username: &str) -> Self {
        if !username.contains('_') {
            Self::GitHub
        } else if username.ends_with("_gitlab") {
            Self::GitLab
        } else {
            Self::Twitter
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Twitter => "twitter",
        }
    }
}

/// A person with an account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) removed: bool,
    /// Gitter pretends to take this person's messages and throws them away.
    pub(crate) hellbanned: bool,
    /// Counts up when the picture changes; part of the address of a GitHub user's picture.
    pub(crate) avatar_version: u32,
    pub(crate) v: u32,
}

impl User {
    pub(crate) fn provider(&self) -> Provider {
        Provider::of(&self.username)
    }
}

impl World {
    pub(crate) fn add_user(&mut self, username: &str, display_name: &str) -> UserId {
        let id = UserId(self.new_id());
        self.add_user_as(id, username, display_name)
    }

    pub(crate) fn add_user_as(&mut self, id: UserId, username: &str, display_name: &str) -> UserId {
        let user = User {
            id,
            username: username.to_owned(),
            display_name: display_name.to_owned(),
            removed: false,
            hellbanned: false,
            avatar_version: 4,
            v: 1,
        };
        self.users.insert(id, user);
        id
    }

    /// Exact case, as everywhere in Gitter but in addresses.
    pub(crate) fn user_named(&self, username: &str) -> Option<&User> {
        self.users
            .values()
            .find(|user| !user.removed && user.username == username)
    }

    /// Any case, as in addresses.
    pub(crate) fn user_at(&self, uri: &str) -> Option<&User> {
        self.users
            .values()
            .find(|user| !user.removed && user.username.eq_ignore_ascii_case(uri))
    }

    pub(crate) fn change_user(
        &mut self,
        id: UserId,
        change: impl FnOnce(&mut User),
    ) -> Result<(), Refusal> {
        let user = self.users.get_mut(&id).ok_or(Refusal::NotFound)?;
        change(user);
        user.v += 1;
        self.announce_user(id);
        Ok(())
    }

    /// Deletes an account: memberships, one-to-one rooms with their messages, and tokens go; other messages stay.
    pub(crate) fn remove_user(&mut self, id: UserId, ghost: bool) -> Result<(), Refusal> {
        self.user(id)?;
        let rooms: Vec<_> = self
            .rooms
            .values()
            .filter(|room| room.has(id))
            .map(|room| room.id)
            .collect();
        for room in rooms {
            if self.room(room)?.is_one_to_one() {
                self.delete_room(room)?;
            } else {
                self.take_out(room, id)?;
            }
        }
        self.tokens.retain(|_, token| token.user != id);
        let user = self.users.get_mut(&id).ok_or(Refusal::NotFound)?;
        user.removed = true;
        if ghost {
            user.username = format!("ghost~{id}");
            "Ghost".clone_into(&mut user.display_name);
        }
        Ok(())
    }

    /// `length` hex digits nobody can guess.
    pub(crate) fn secret(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from_digit(self.rng.random_range(0..16), 16).unwrap_or('0'))
            .collect()
    }

    /// `length` letters and digits.
    pub(crate) fn nonce(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from_digit(self.rng.random_range(0..36), 36).unwrap_or('0'))
            .collect()
    }
}
