//! Over which connections the homeserver comes: a new one, after one that was in use, says that it was restarted.

use std::{collections::VecDeque, net::SocketAddr};

use remote::Millis;

/// How many connections a homeserver may use in turn.
const IN_TURN: usize = 8;
/// After so many connections in a row that were used only once, the homeserver, or a proxy, uses a new one each time. A
/// homeserver that is killed after its very first transaction, and again, looks like that, too: so it takes some.
const ONE_EACH: usize = 4;
/// For how long a connection that is not known says nothing then.
const QUIET: Millis = 60_000;
/// For how long homeservers surely keep a connection that is not used (Synapse: 2 minutes).
const KEPT: Millis = 60_000;

/// The connections that are known.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// The latest last.
    known: VecDeque<SocketAddr>,
    stranger_at: Option<Millis>,
    used_at: Option<Millis>,
    /// The latest was used more than once.
    keeps_connections: bool,
    /// How many before it were used only once, in a row.
    used_once: usize,
}

/// What a connection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// Nothing.
    Usual,
    /// The homeserver may have been restarted since it last came.
    New,
    /// It surely was, or the network broke: nothing else ends a connection that is in use.
    Broken,
}

impl Peers {
    pub(super) fn meet(&mut self, peer: SocketAddr, now: Millis) -> Connection {
        let used_at = self.used_at.replace(now);
        let since = |at: Option<Millis>| at.map(|at| now.saturating_sub(at));
        if self.known.contains(&peer) {
            self.keeps_connections = true;
            self.used_once = 0;
            return Connection::Usual;
        }
        self.known.push_back(peer);
        if self.known.len() > IN_TURN {
            self.known.pop_front();
        }
        let stranger_at = self.stranger_at.replace(now);
        if std::mem::take(&mut self.keeps_connections) {
            if since(used_at).is_some_and(|time| time < KEPT) {
                return Connection::Broken;
            }
            return Connection::New;
        }
        if self.used_once < ONE_EACH {
            self.used_once += 1;
            return Connection::New;
        }
        if since(stranger_at).is_some_and(|time| time <= QUIET) {
            return Connection::Usual;
        }
        Connection::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(peers: &mut Peers, port: u16, now: Millis) -> Connection {
        peers.meet(([127, 0, 0, 1], port).into(), now)
    }

    #[test]
    fn a_new_connection_after_one_in_use_is_a_restart() {
        let mut peers = Peers::default();
        assert_eq!(met(&mut peers, 1, 0), Connection::New);
        assert_eq!(met(&mut peers, 1, 1), Connection::Usual);
        assert_eq!(met(&mut peers, 2, 2), Connection::Broken);
        assert_eq!(met(&mut peers, 2, 3), Connection::Usual);
        assert_eq!(met(&mut peers, 3, 4), Connection::Broken);
    }

    #[test]
    fn a_connection_that_was_idle_ends_by_itself() {
        let mut peers = Peers::default();
        for now in [0, 1] {
            met(&mut peers, 1, now);
        }
        assert_eq!(met(&mut peers, 2, 1 + KEPT), Connection::New);
    }

    #[test]
    fn a_connection_for_each_transaction_says_nothing() {
        let mut peers = Peers::default();
        for port in 0..4 {
            assert_eq!(
                met(&mut peers, port, 0),
                Connection::New,
                "it may be killed"
            );
        }
        for port in 4..100 {
            assert_eq!(met(&mut peers, port, 1), Connection::Usual);
        }
        assert_eq!(met(&mut peers, 100, 2 + QUIET), Connection::New);
    }

    #[test]
    fn a_homeserver_that_is_killed_after_one_transaction_is_noticed() {
        let mut peers = Peers::default();
        met(&mut peers, 1, 0);
        assert_eq!(met(&mut peers, 2, 10_000), Connection::New);
        assert_eq!(met(&mut peers, 2, 10_001), Connection::Usual);
        assert_eq!(met(&mut peers, 3, 10_002), Connection::Broken);
        assert_eq!(met(&mut peers, 4, 10_003), Connection::New);
    }

    #[test]
    fn connections_in_turn_are_usual() {
        let mut peers = Peers::default();
        for port in [1, 2, 3, 1, 2] {
            met(&mut peers, port, 0);
        }
        for port in [1, 2, 3].repeat(5) {
            assert_eq!(met(&mut peers, port, 1), Connection::Usual);
        }
    }
}
