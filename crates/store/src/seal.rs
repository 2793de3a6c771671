//! Secrets at rest.
//!
//! A sealed value is the first four bytes of a digest of the key, a random nonce of 24 bytes, and the XChaCha20-Poly1305
//! ciphertext. What row it belongs to is bound in as associated data, so that a value moved into another row does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Error;

const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// `bridge.secret_key`: 32 random bytes. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

/// The text is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has to be 32 random bytes in base64, as `openssl rand -base64 32` makes them")]
pub struct BadKey;

impl SecretKey {
    /// Takes the bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads the key as it stands in the configuration.
    pub fn from_base64(text: &str) -> Result<Self, BadKey> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| BadKey)?);
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Self::new)
            .map_err(|_| BadKey)
    }

    /// Which key this is, without giving anything of it away.
    fn id(&self) -> [u8; KEY_ID] {
        let mut digest = Sha256::new_with_prefix("key id");
        digest.update(self.0.as_slice());
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest.finalize()[..KEY_ID]);
        id
    }

    /// A secret of its own for one purpose and one thing; nobody without the key can tell it, nor the key from it.
    /// The same each time.
    pub(crate) fn derive(&self, purpose: &str, of: &[&str]) -> [u8; 32] {
        let keyed = |message: &[u8]| {
            let mut digest = Sha256::new_with_prefix(purpose);
            digest.update(self.0.as_slice());
            digest.update(message);
            digest.finalize()
        };
        let mut message = Vec::new();
        for part in of {
            // With its length, so that parts cannot run into each other.
            message.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            message.extend(part.as_bytes());
        }
        // Twice, as HMAC does, so that nothing can be appended to the message.
        keyed(&keyed(&message)).into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    /// Seals `secret` for the row called `row`.
    pub(crate) fn seal(&self, row: &str, secret: &str) -> Result<Vec<u8>, Error> {
        // From the operating system, not from a generator handed in: a replayed nonce would give the secrets away.
        let nonce =
            XNonce::try_generate().map_err(|_| Error::Unavailable("no randomness".to_owned()))?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: row.as_bytes(),
        };
        let ciphertext = self
            .cipher()
            .encrypt(&nonce, payload)
            .map_err(|_| Error::Bug("a secret is too long to be sealed".to_owned()))?;
        Ok([&self.id()[..], &nonce[..], &ciphertext].concat())
    }

    /// Opens what was sealed for the row called `row`.
    pub(crate) fn open(&self, row: &str, sealed: &[u8]) -> Result<SecretString, Error> {
        let corrupt = || Error::Corrupt(format!("the sealed secret of {row}"));
        let (id, rest) = sealed.split_at_checked(KEY_ID).ok_or_else(corrupt)?;
        if id != self.id() {
            return Err(Error::WrongKey);
        }
        let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or_else(corrupt)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| corrupt())?;
        let payload = Payload {
            msg: ciphertext,
            aad: row.as_bytes(),
        };
        let secret = self
            .cipher()
            .decrypt(&nonce, payload)
            .map_err(|_| corrupt())?;
        String::from_utf8(secret)
            .map(SecretString::from)
            .map_err(|_| corrupt())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn key() -> SecretKey {
        SecretKey::new([7; 32])
    }

    #[test]
    fn opens_what_it_sealed() {
        let sealed = key().seal("login/a", "token").unwrap();
        assert_eq!(
            key().open("login/a", &sealed).unwrap().expose_secret(),
            "token"
        );
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        assert_ne!(
            sealed,
            key().seal("login/a", "token").unwrap(),
            "each time another nonce"
        );
    }

    #[test]
    fn refuses_another_key_row_or_text() {
        let sealed = key().seal("login/a", "token").unwrap();
        assert!(matches!(
            SecretKey::new([8; 32]).open("login/a", &sealed),
            Err(Error::WrongKey)
        ));
        assert!(matches!(
            key().open("login/b", &sealed),
            Err(Error::Corrupt(_))
        ));
        for length in 0..sealed.len() {
            assert!(
                key().open("login/a", &sealed[..length]).is_err(),
                "{length}"
            );
        }
        for at in KEY_ID..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(
                matches!(key().open("login/a", &broken), Err(Error::Corrupt(_))),
                "{at}"
            );
        }
    }

    #[test]
    fn reads_the_key_of_the_configuration() {
        let text = STANDARD.encode([7; 32]);
        assert_eq!(SecretKey::from_base64(&text).unwrap().id(), key().id());
        for wrong in ["", "short", &STANDARD.encode([7; 31]), &"?".repeat(44)] {
            assert_eq!(SecretKey::from_base64(wrong).unwrap_err(), BadKey);
        }
        assert_eq!(format!("{:?}", key()), "SecretKey");
    }
}
