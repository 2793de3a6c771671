//! Files as they pass through, never whole in memory.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

use crate::Error;

/// The pieces of a file, in order. An error ends it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A part of a file that is asked for, counted in bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, itself included; `None` for the end of the file.
    pub last: Option<u64>,
}

/// A part of a file that comes, counted in bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, itself included.
    pub last: u64,
    /// How long the whole file is.
    pub total: u64,
}

/// A file that begins to come.
pub struct Download {
    /// The MIME type that whoever uploaded it gave. It may be a lie.
    pub mime: Option<String>,
    /// How many bytes come, if the homeserver says so.
    pub length: Option<u64>,
    /// Which part comes; `None` for the whole file.
    pub range: Option<ContentRange>,
    /// The bytes.
    pub body: ByteStream,
}

/// A file to be stored.
pub struct Upload<'a> {
    /// Exactly [`Self::length`] bytes.
    pub body: ByteStream,
    /// How many bytes it has; homeservers want to know beforehand.
    pub length: u64,
    /// MIME type.
    pub mime: &'a str,
    /// What it is called.
    pub name: Option<&'a str>,
}

impl ContentRange {
    /// Reads a header `Content-Range` (RFC 9110, section 14.4); `None` if it does not say all there is to say.
    pub fn parse(header: &str) -> Option<Self> {
        let (part, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = part.split_once('-')?;
        let range = Self {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
            total: total.trim().parse().ok()?,
        };
        (range.first <= range.last && range.last < range.total).then_some(range)
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("mime", &self.mime)
            .field("length", &self.length)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_which_part_comes() {
        let range = ContentRange::parse("bytes 2-5/10");
        let expected = ContentRange {
            first: 2,
            last: 5,
            total: 10,
        };
        assert_eq!(range, Some(expected));
        for wrong in [
            "",
            "bytes",
            "bytes 2-5",
            "bytes 2-5/*",
            "bytes */10",
            "bytes 5-2/10",
            "bytes 2-10/10",
            "lines 2-5/10",
            "bytes -1-5/10",
            "bytes 2-99999999999999999999/10",
        ] {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
        }
    }
}
