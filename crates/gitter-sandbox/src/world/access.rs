//! Who may read, write, join and govern.

use super::{Refusal, Room, World};
use crate::ids::{RoomId, UserId};

impl World {
    pub(crate) fn is_admin(&self, room: &Room, user: UserId) -> bool {
        if room.is_one_to_one() {
            return false;
        }
        let governs = room.governed_by_group
            && room
                .group
                .and_then(|group| self.groups.get(&group))
                .is_some_and(|group| group.admins.contains(&user));
        governs || room.admins.contains(&user)
    }

    /// The room, if the person may read and write there.
    pub(crate) fn enterable(&self, room: RoomId, user: UserId) -> Result<&Room, Refusal> {
        let room = self.room(room)?;
        if room.admits(user) {
            Ok(room)
        } else {
            Err(Refusal::Forbidden)
        }
    }

    /// The room, if the person is one of its admins.
    pub(crate) fn governable(&self, room: RoomId, user: UserId) -> Result<&Room, Refusal> {
        let room = self.room(room)?;
        if self.is_admin(room, user) {
            Ok(room)
        } else {
            Err(Refusal::Forbidden)
        }
    }
}
