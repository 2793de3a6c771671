//! The commands: their names and what `help` says of them. `{network}` stands for the network's name; what is to be
//! typed stands between backticks.

use crate::permissions::Level;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Login,
    Logout,
    List,
    Invite,
    Gjoin,
    Gpart,
    Status,
    Failed,
    Retry,
    Discard,
    Sync,
    Version,
    Users,
    Unbridge,
}

/// Where `help` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Account,
    Rooms,
    Messages,
    General,
    Admin,
}

impl Group {
    /// In the order of `help`, with their headings.
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Account, "Your account"),
        (Self::Rooms, "Rooms"),
        (Self::Messages, "Messages that did not get through"),
        (Self::General, "General"),
        (Self::Admin, "For admins"),
    ];
}

/// What is told of a command.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) command: Command,
    pub(crate) name: &'static str,
    /// Other words for it; not listed.
    pub(crate) aliases: &'static [&'static str],
    /// What may follow it.
    pub(crate) args: &'static str,
    pub(crate) group: Group,
    pub(crate) level: Level,
    /// A line in the list.
    pub(crate) short: &'static str,
    /// More, for `help COMMAND`.
    pub(crate) long: &'static [&'static str],
}

impl Command {
    /// What is told of it.
    pub(crate) fn told(self) -> Option<&'static Told> {
        TABLE.iter().find(|told| told.command == self)
    }

    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        self.told().map_or("", |told| told.name)
    }
}

/// All of them, in the order of `help`.
pub(crate) static TABLE: [Told; 15] = [
    Told {
        command: Command::Login,
        name: "login",
        aliases: &["signin", "connect"],
        args: "",
        group: Group::Account,
        level: Level::User,
        short: "connects your {network} account",
        long: &[
            "You get a link that works for 10 minutes, once. Open it in a browser, log in to {network}, and confirm.",
            "To switch to another account, write `logout` first.",
        ],
    },
    Told {
        command: Command::Logout,
        name: "logout",
        aliases: &["signout", "disconnect"],
        args: "",
        group: Group::Account,
        level: Level::User,
        short: "disconnects it, and takes you out of the bridged rooms",
        long: &[
            "The bridge deletes what it keeps of your {network} login, and what is still waiting to be delivered. On {network} nothing changes: you stay in your rooms there.",
            "Admins can add a Matrix id to log somebody else out.",
        ],
    },
    Told {
        command: Command::Status,
        name: "status",
        aliases: &["whoami", "ping"],
        args: "",
        group: Group::Account,
        level: Level::User,
        short: "shows your login, the connection, and what is waiting to be delivered",
        long: &[],
    },
    Told {
        command: Command::List,
        name: "list",
        aliases: &["rooms", "ls"],
        args: "",
        group: Group::Rooms,
        level: Level::User,
        short: "lists your {network} rooms",
        long: &[
            "Those marked with * you have on Matrix already. People you talk to one-to-one are listed as @username.",
        ],
    },
    Told {
        command: Command::Invite,
        name: "invite",
        aliases: &["bridge", "open"],
        args: "ROOM",
        group: Group::Rooms,
        level: Level::User,
        short: "brings a room to Matrix and invites you; `invite all` does so for every room",
        long: &[
            "ROOM is the room’s name or address on {network}, or @username for a one-to-one: `invite org/room`, `invite @ann`.",
            "If you have left the room on Matrix, this brings it back, with what you missed.",
            "`invite all` does so for every room of `list` that you do not have on Matrix yet. It takes a while, and tells you when it is done.",
        ],
    },
    Told {
        command: Command::Gjoin,
        name: "gjoin",
        aliases: &["join"],
        args: "ROOM",
        group: Group::Rooms,
        level: Level::User,
        short: "joins a room on {network}",
        long: &["ROOM is the room’s name or address on {network}: `gjoin org/room`."],
    },
    Told {
        command: Command::Gpart,
        name: "gpart",
        aliases: &["part", "leave"],
        args: "ROOM",
        group: Group::Rooms,
        level: Level::User,
        short: "leaves a room on {network}, and its Matrix room with it",
        long: &[
            "ROOM is the room’s name or address on {network}: `gpart org/room`. In a bridged room, ROOM can be left out.",
            "To stay in the room on {network} and be rid of it on Matrix only, just leave the Matrix room.",
        ],
    },
    Told {
        command: Command::Sync,
        name: "sync",
        aliases: &["refresh"],
        args: "",
        group: Group::Rooms,
        level: Level::User,
        short: "reads your rooms, their names, topics and members again",
        long: &[
            "The bridge follows changes by itself. This is for when something looks wrong.",
            "If you have left the space that lists your rooms, this invites you to it again.",
        ],
    },
    Told {
        command: Command::Failed,
        name: "failed",
        aliases: &[],
        args: "",
        group: Group::Messages,
        level: Level::User,
        short: "shows them, with numbers",
        long: &[
            "Each line has a number for `retry` and `discard`, the room, the first words, and the reason.",
        ],
    },
    Told {
        command: Command::Retry,
        name: "retry",
        aliases: &["resend"],
        args: "NUMBER",
        group: Group::Messages,
        level: Level::User,
        short: "tries one again; `retry all` tries all",
        long: &[
            "NUMBER is the one `failed` shows. Several are tried in the order of the list: `retry 1 3`, `retry 2-5`.",
            "What is tried again is sent now, however long ago you wrote it. Where it may have arrived already, have a look first: it could stand there twice.",
        ],
    },
    Told {
        command: Command::Discard,
        name: "discard",
        aliases: &[],
        args: "NUMBER",
        group: Group::Messages,
        level: Level::User,
        short: "gives one up; `discard all` gives up all",
        long: &[
            "NUMBER is the one `failed` shows; several are `discard 1 3` or `discard 2-5`. What is discarded is gone.",
        ],
    },
    Told {
        command: Command::Help,
        name: "help",
        aliases: &["?", "commands", "hello", "hi"],
        args: "[COMMAND]",
        group: Group::General,
        level: Level::Block,
        short: "shows this list, or explains one command",
        long: &[],
    },
    Told {
        command: Command::Version,
        name: "version",
        aliases: &["about"],
        args: "",
        group: Group::General,
        level: Level::User,
        short: "shows the version of the bridge",
        long: &[],
    },
    Told {
        command: Command::Users,
        name: "users",
        aliases: &[],
        args: "",
        group: Group::Admin,
        level: Level::Admin,
        short: "lists who is logged in; `logout MATRIX-ID` logs somebody out",
        long: &[],
    },
    Told {
        command: Command::Unbridge,
        name: "unbridge",
        aliases: &[],
        args: "ROOM",
        group: Group::Admin,
        level: Level::Admin,
        short: "ends the bridging of a room for everybody",
        long: &[
            "ROOM is the room’s name on {network}, or the id of one Matrix room (it begins with `!`). In a bridged room, ROOM can be left out: it means that one.",
            "Nobody leaves the room on {network}, and everybody can bring it back with `invite`.",
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_means_one_command() {
        let mut seen = HashSet::new();
        for told in &TABLE {
            for word in std::iter::once(&told.name).chain(told.aliases) {
                assert!(seen.insert(*word), "{word} stands twice");
                assert_eq!(
                    *word,
                    word.to_lowercase(),
                    "words are compared in lower case"
                );
            }
            assert!(Group::ALL.iter().any(|(group, _)| *group == told.group));
        }
    }
}
