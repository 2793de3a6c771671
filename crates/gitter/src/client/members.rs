//! Who is in a room.

use std::collections::HashSet;

use super::{Call, Client};
use crate::{Error, Listing, RoomId, User};

/// How many members one request can bring.
const PAGE: usize = 100;

impl Client {
    /// Some of a room's members: at most 100, after the first `skip`. Gitter sorts them by nothing in particular, so that
    /// pages may repeat or leave out people while others come and go.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the account may not read the room.
    pub async fn members(
        &self,
        room: &RoomId,
        skip: usize,
        limit: usize,
    ) -> Result<Listing<User>, Error> {
        let (skip, limit) = (skip.to_string(), limit.clamp(1, PAGE).to_string());
        let query = [("skip", skip.as_str()), ("limit", limit.as_str())];
        self.call(Call::get(&["rooms", room.as_str(), "users"]).query(&query))
            .await?
            .list()
    }

    /// A room's members, at most `count` of them, page by page; nobody twice. One request for each 100.
    ///
    /// # Errors
    /// As [`Client::members`]; what was read until then is lost.
    pub async fn members_up_to(&self, room: &RoomId, count: usize) -> Result<Vec<User>, Error> {
        let mut seen = HashSet::new();
        let mut members = Vec::new();
        let mut skip = 0;
        while members.len() < count {
            let ask = (count - members.len()).min(PAGE);
            let page = self.members(room, skip, ask).await?;
            let received = page.received;
            skip += received;
            members.extend(
                page.into_iter()
                    .filter(|member| seen.insert(member.id.clone())),
            );
            if received < ask {
                break;
            }
        }
        members.truncate(count);
        Ok(members)
    }
}
