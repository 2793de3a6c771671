//! How often the homeserver was asked for what: sparing it is a promise, so it is counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is named like the method of `Homeserver` which it counts"
)]
pub enum RequestKind {
    Whoami,
    Versions,
    Ping,
    Register,
    SetDisplayName,
    SetAvatar,
    Profile,
    Upload,
    Download,
    CreateRoom,
    JoinedRooms,
    Invite,
    Join,
    Leave,
    Forget,
    Kick,
    Send,
    SetState,
    State,
    Members,
    Redact,
    ReadReceipt,
    Event,
    Timeline,
}

impl RequestKind {
    /// Every kind, in the order of its counter.
    pub const ALL: [Self; 24] = [
        Self::Whoami,
        Self::Versions,
        Self::Ping,
        Self::Register,
        Self::SetDisplayName,
        Self::SetAvatar,
        Self::Profile,
        Self::Upload,
        Self::Download,
        Self::CreateRoom,
        Self::JoinedRooms,
        Self::Invite,
        Self::Join,
        Self::Leave,
        Self::Forget,
        Self::Kick,
        Self::Send,
        Self::SetState,
        Self::State,
        Self::Members,
        Self::Redact,
        Self::ReadReceipt,
        Self::Event,
        Self::Timeline,
    ];

    /// Its name in figures and logs, such as `set_state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whoami => "whoami",
            Self::Versions => "versions",
            Self::Ping => "ping",
            Self::Register => "register",
            Self::SetDisplayName => "set_display_name",
            Self::SetAvatar => "set_avatar",
            Self::Profile => "profile",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::CreateRoom => "create_room",
            Self::JoinedRooms => "joined_rooms",
            Self::Invite => "invite",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Forget => "forget",
            Self::Kick => "kick",
            Self::Send => "send",
            Self::SetState => "set_state",
            Self::State => "state",
            Self::Members => "members",
            Self::Redact => "redact",
            Self::ReadReceipt => "read_receipt",
            Self::Event => "event",
            Self::Timeline => "timeline",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    sent: [AtomicU64; RequestKind::ALL.len()],
    repeated: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    /// HTTP requests of this kind, repetitions included.
    pub fn sent(&self, kind: RequestKind) -> u64 {
        self.sent
            .get(kind as usize)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// HTTP requests in all, repetitions included.
    pub fn total(&self) -> u64 {
        RequestKind::ALL
            .into_iter()
            .map(|kind| self.sent(kind))
            .sum()
    }

    /// How many of them were repetitions of one that failed.
    pub fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Calls that failed for good, refusals included.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, kind: RequestKind, again: bool) {
        if let Some(count) = self.sent.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if again {
            self.repeated.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_counter_of_its_own() {
        for (at, kind) in RequestKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at, "{}", kind.name());
        }
    }
}
