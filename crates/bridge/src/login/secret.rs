//! Secrets that travel through links, cookies and forms. Only their hashes are stored.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::Random;

/// Bytes of randomness in a secret.
const BYTES: usize = 32;

/// A new secret: 32 random bytes, base64url without padding, 43 characters.
pub(super) fn draw(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<BYTES>())
}

/// What the store keeps of a secret. Plain SHA-256 is enough, since the secret itself cannot be guessed.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Whether this can be one of ours at all.
pub(super) fn looks_right(secret: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(secret)
        .is_ok_and(|bytes| bytes.len() == BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_fit_into_links_and_differ() {
        let random = Random::from_seed([1; 32]);
        let (one, two) = (draw(&random), draw(&random));
        assert_ne!(one, two);
        assert!(looks_right(&one) && looks_right(&two));
        assert_eq!(one.len(), 43);
        assert!(
            one.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        );
    }

    #[test]
    fn what_is_not_ours_does_not_look_right() {
        for text in [
            "",
            "abc",
            "../../etc/passwd",
            &"A".repeat(44),
            &"=".repeat(43),
        ] {
            assert!(!looks_right(text), "{text}");
        }
    }

    #[test]
    fn a_hash_does_not_show_its_secret() {
        assert_eq!(
            hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
