//! A lane: a queue that is worked in order, by one owner at a time.
//!
//! One more kind of lane is one more variant, with its word in `Display` and `FromStr`.

use std::fmt;
use std::str::FromStr;

use crate::PortalId;

/// Which queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// What a Matrix room asks of the bridge itself: invites, commands, membership. `control/!room`.
    Control(String),
    /// From a portal's Matrix room to the remote network. `remote/12`.
    ToRemote(PortalId),
    /// From the remote network into a portal's Matrix room. `matrix/12`.
    ToMatrix(PortalId),
}

/// Not the name of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a lane")]
pub struct NoLane;

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(room) => write!(f, "control/{room}"),
            Self::ToRemote(portal) => write!(f, "remote/{portal}"),
            Self::ToMatrix(portal) => write!(f, "matrix/{portal}"),
        }
    }
}

impl FromStr for Lane {
    type Err = NoLane;

    fn from_str(text: &str) -> Result<Self, NoLane> {
        let (kind, rest) = text.split_once('/').ok_or(NoLane)?;
        match kind {
            "control" if !rest.is_empty() => Ok(Self::Control(rest.to_owned())),
            "remote" => rest.parse().map(Self::ToRemote).map_err(|_| NoLane),
            "matrix" => rest.parse().map(Self::ToMatrix).map_err(|_| NoLane),
            _ => Err(NoLane),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_name() {
        for (lane, name) in [
            (
                Lane::Control("!a/b:example.org".into()),
                "control/!a/b:example.org",
            ),
            (Lane::ToRemote(12), "remote/12"),
            (Lane::ToMatrix(7), "matrix/7"),
        ] {
            assert_eq!(lane.to_string(), name);
            assert_eq!(name.parse(), Ok(lane));
        }
        for wrong in ["", "remote", "remote/", "remote/x", "control/", "else/1"] {
            assert_eq!(wrong.parse::<Lane>(), Err(NoLane), "{wrong}");
        }
    }
}
