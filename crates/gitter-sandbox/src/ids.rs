//! The ids of things: `MongoDB` `ObjectId`s, 24 hex digits, which sort by the second they were made in.
//!
//! To add a kind of thing with an id of its own, add a line to the `object_ids!` list below.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// Twelve bytes: four of seconds since 1970, five that stay the same in one sandbox, three that count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

/// The text is not 24 hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an id is 24 hex digits")]
pub struct InvalidId;

impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return Err(InvalidId);
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or(InvalidId)?;
                *byte = (*byte << 4) | u8::try_from(value).map_err(|_| InvalidId)?;
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

macro_rules! object_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub ObjectId);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self)
            }
        }
    )*};
}

object_ids! {
    /// A person.
    UserId
    /// A community, which holds rooms.
    GroupId
    /// A room.
    RoomId
    /// A message in a room.
    MessageId
    /// An entry of a room's activity feed.
    EventId
}

/// Makes ids that are new and, as long as the clock does not go back, greater than all before.
#[derive(Debug, Default)]
pub(crate) struct IdSource {
    count: u32,
}

impl IdSource {
    pub(crate) fn next(&mut self, now: Timestamp) -> ObjectId {
        self.count = self.count.wrapping_add(1);
        let seconds = u32::try_from(now.as_second()).unwrap_or(0).to_be_bytes();
        let count = self.count.to_be_bytes();
        let mut bytes = [0x5a; 12];
        for (to, from) in bytes.iter_mut().zip(seconds) {
            *to = from;
        }
        for (to, from) in bytes.iter_mut().skip(9).zip(count.into_iter().skip(1)) {
            *to = from;
        }
        ObjectId(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_sort_by_time() {
        let mut source = IdSource::default();
        let first = source.next(Timestamp::from_second(1_600_000_000).unwrap());
        let second = source.next(Timestamp::from_second(1_600_000_000).unwrap());
        let third = source.next(Timestamp::from_second(1_600_000_001).unwrap());
        assert!(first < second && second < third);
        assert_eq!(first.to_string().parse(), Ok(first));
        assert_eq!("5f5e1000zz".parse::<ObjectId>(), Err(InvalidId));
    }
}
