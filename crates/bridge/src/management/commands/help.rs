//! `help`: lists the commands, or explains one.

use super::{Call, Notice, parse, words};
use crate::permissions::Level;

pub(super) fn run(call: &Call<'_>) -> Notice {
    let level = if call.admin {
        Level::Admin
    } else {
        Level::User
    };
    let network = call.network();
    let word = call.args.trim_start_matches('!').to_lowercase();
    if word.is_empty() {
        return words::help::all(network, &call.world.config.command_prefix, level);
    }
    match parse::find(&word, level) {
        Some(told) => words::help::one(network, told),
        None => match parse::parse(call.args, level) {
            parse::Parsed::Unknown { word, nearest } => words::help::unknown(&word, nearest),
            // `help list me`: the first word is what counts.
            parse::Parsed::Command(command, _) => command.told().map_or_else(
                || words::help::all(network, &call.world.config.command_prefix, level),
                |told| words::help::one(network, told),
            ),
        },
    }
}
