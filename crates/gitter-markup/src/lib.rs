//! Gitter's Markdown and HTML to and from the contract's rich text. Pure functions.
//!
//! - [`to_rich`] reads the HTML that Gitter has rendered from a message's Markdown.
//! - [`to_markdown`] writes Markdown which Gitter's renderer (a Markdown of 2014: no space needed after `#`, `@name` anywhere rings
//!   somebody) shows as what was meant; [`split`] cuts it into messages.
//!
//! To teach it one more thing that Gitter's HTML says, add an arm in `incoming`; one more trap of its Markdown, an arm in `escape`.

mod emoji;
mod escape;
mod incoming;
mod markdown;
mod split;
mod typed;

pub use incoming::{Forge, ForgeKind, Incoming, KnownMention, to_rich};
pub use markdown::{MAX_UNITS, mention, to_markdown};
pub use split::split;
