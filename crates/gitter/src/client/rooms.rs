//! Rooms: which there are, going in and out.

use serde::Serialize;

use super::{Call, Client};
use crate::{Effect, Error, Group, Listing, Room, RoomId, UserId};

impl Client {
    /// Every room the account is in, one-to-ones included, and those in which it was mentioned without being in them
    /// (`room_member` is false then). All at once.
    pub async fn rooms(&self) -> Result<Listing<Room>, Error> {
        self.call(Call::get(&["rooms"])).await?.list()
    }

    /// One room, by id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does not exist, [`Error::Forbidden`] if the account may not read it.
    pub async fn room(&self, room: &RoomId) -> Result<Room, Error> {
        self.call(Call::get(&["rooms", room.as_str()]))
            .await?
            .object(Effect::None)
    }

    /// The room at a uri (`org/room`, in any case), without joining it. With a username it is the one-to-one with that person,
    /// which is opened by this if need be, without asking him.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, if it is private and the account is not in it, or if the uri is a community's
    /// or the account's own; [`Error::Moved`] if it was renamed.
    pub async fn resolve(&self, uri: &str) -> Result<Room, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            uri: &'a str,
        }
        self.call(Call::post(&["rooms"], &Body { uri })?)
            .await?
            .object(Effect::Unknown)
    }

    /// Goes into a room; nothing happens if the account is in it already.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if it is private, the account is banned, or another login provider is asked for.
    /// [`Error::ServerFault`] if there is no such room (recorded case `join_room_unknown`).
    pub async fn join(&self, room: &RoomId) -> Result<Room, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            id: &'a RoomId,
        }
        self.call(Call::post(&["user", "me", "rooms"], &Body { id: room })?)
            .await?
            .object(Effect::Unknown)
    }

    /// Leaves a room. `me` is the account's own id. (With another's it would remove that person, which only admins may.)
    ///
    /// # Errors
    /// [`Error::NotFound`] if the account is not in it; [`Error::BadRequest`] for a one-to-one, which cannot be left.
    pub async fn leave(&self, room: &RoomId, me: &UserId) -> Result<(), Error> {
        self.call(Call::delete(&[
            "rooms",
            room.as_str(),
            "users",
            me.as_str(),
        ]))
        .await?
        .done()
    }

    /// Sets a room's topic: plain text, at most 4096 UTF-16 code units; empty takes it away.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless the account administers the room.
    pub async fn set_topic(&self, room: &RoomId, topic: &str) -> Result<Room, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            topic: &'a str,
        }
        self.call(Call::put(&["rooms", room.as_str()], &Body { topic })?)
            .await?
            .object(Effect::Unknown)
    }

    /// The communities the account belongs to.
    pub async fn groups(&self) -> Result<Listing<Group>, Error> {
        self.call(Call::get(&["groups"])).await?.list()
    }
}
