//! All state of a sandbox, behind one lock that is never held across an await.

use crate::bayeux::hub::Hub;
use crate::faults::FaultList;
use crate::oauth::Grants;
use crate::rest::limit::Limiter;
use crate::stats::Stats;
use crate::world::{Announcement, Push, World};

pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) hub: Hub,
    pub(crate) grants: Grants,
    pub(crate) limiter: Limiter,
    pub(crate) faults: FaultList,
    pub(crate) stats: Stats,
}

impl Inner {
    /// Hands what the world announced to the realtime clients. Returns what is to be sent later.
    #[must_use]
    pub(crate) fn flush(&mut self) -> Vec<Push> {
        let mut later = Vec::new();
        for announcement in std::mem::take(&mut self.world.outbox) {
            match announcement {
                Announcement::Push(push) if push.after.is_zero() => self.hub.deliver(&push),
                Announcement::Push(push) => later.push(push),
                Announcement::Hush { user, room } => self.hub.hush(user, room),
                Announcement::Revoke { token } => {
                    self.hub.throw_out(&token);
                    self.note_presence();
                }
            }
        }
        later
    }

    /// Tells the world who is connected and who looks at which room, and the rooms who came and went.
    pub(crate) fn note_presence(&mut self) {
        self.world.online = self.hub.users();
        let now = self.hub.looking();
        let before = std::mem::replace(&mut self.world.looking, now.clone());
        for (user, room) in now.difference(&before) {
            self.world.announce_presence(*room, *user, true);
        }
        for (user, room) in before.difference(&now) {
            self.world.announce_presence(*room, *user, false);
        }
    }
}
