//! A list as Gitter answered it.

use serde::de::DeserializeOwned;

use super::lenient::{self, Shape};

/// A list as Gitter answered it, without the elements that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// What could be read, in Gitter's order.
    pub items: Vec<T>,
    /// How many elements Gitter sent. If fewer than asked for, the end is reached; do not take the number of `items` for that.
    pub received: usize,
}

impl<T> Listing<T> {
    /// How many elements could not be read.
    pub fn skipped(&self) -> usize {
        self.received.saturating_sub(self.items.len())
    }
}

impl<T: DeserializeOwned> Listing<T> {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Shape> {
        let (items, received) = lenient::elements(json)?;
        let listing = Self { items, received };
        if listing.skipped() > 0 {
            tracing::warn!(
                skipped = listing.skipped(),
                received,
                model = std::any::type_name::<T>(),
                "left out elements of a list that could not be read"
            );
        }
        Ok(listing)
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}
