//! Whether somebody is in a room: asked only where a refusal may mean that there was nothing to do.

use ruma::{RoomId, UserId};
use serde_json::Value;

use super::Client;
use crate::{Actor, Error};

impl Client {
    /// Turns a refusal into success if `user` has one of these memberships already, as `who` sees it.
    pub(super) async fn unless_member(
        &self,
        refusal: Error,
        who: &Actor,
        room: &RoomId,
        user: &UserId,
        memberships: &[&str],
    ) -> Result<(), Error> {
        if !refusal.is_forbidden() && !refusal.is_not_found() {
            return Err(refusal);
        }
        let membership = match self
            .state_as(who, room, "m.room.member", user.as_str())
            .await
        {
            Ok(content) => content
                .as_ref()
                .and_then(|content| content.get("membership"))
                .and_then(Value::as_str)
                .unwrap_or("leave")
                .to_owned(),
            // Who may not even look is not in it.
            Err(error)
                if (error.is_forbidden() || error.is_not_found()) && self.user_id(who) == user =>
            {
                "leave".to_owned()
            }
            Err(_) => return Err(refusal),
        };
        if memberships.contains(&membership.as_str()) {
            Ok(())
        } else {
            Err(refusal)
        }
    }
}
