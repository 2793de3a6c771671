//! Transaction ids of what we send to the homeserver.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A transaction id that is the same whenever the same thing is sent, and different for anything else. The
/// first part names the kind of thing, the others which one; the sender has to be among them, since Synapse
/// keeps ids per appservice, not per user.
pub fn txn(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that parts cannot run into each other.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_and_only_those_give_the_same_id() {
        let id = txn(&["message", "@gitter_1:example.org", "7", "abc", "0"]);
        assert_eq!(
            id,
            txn(&["message", "@gitter_1:example.org", "7", "abc", "0"])
        );
        assert_eq!(id.len(), 43);
        for other in [
            &["message", "@gitter_2:example.org", "7", "abc", "0"][..],
            &["message", "@gitter_1:example.org", "7a", "bc", "0"],
            &["message", "@gitter_1:example.org", "7", "abc"],
            &["message", "@gitter_1:example.org", "7", "abc", "1"],
        ] {
            assert_ne!(id, txn(other));
        }
    }
}
