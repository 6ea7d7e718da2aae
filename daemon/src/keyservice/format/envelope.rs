//! Messages in the profile `claviger1`: AES-256-GCM under a key of their own, which is encrypted to the
//! recipient's public half by RSA-OAEP with SHA-256.
//!
//! | member | what |
//! |---|---|
//! | `EncryptionKey` | `claviger1:`, then base64 of the RSA block |
//! | `MessageData` | base64 of a nonce of 12 bytes, the ciphertext, a tag of 16 bytes |
//!
//! The additional data is `claviger1:text` or `claviger1:file`: what is inside is a text in UTF-8 or a
//! ZIP. The letter `:` is in no base64, so no message of the other profile begins like that.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::FormatError;
use super::oaep::Oaep;
use super::public_key::PublicKey;

/// A message as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// Its key, for the holder of the private key.
    pub encryption_key: String,
    /// What it says.
    pub message_data: String,
}

/// What is in an envelope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A ZIP.
    File,
    /// A text in UTF-8.
    Text,
}

impl Kind {
    /// What `IsFile` says.
    pub fn of(is_file: bool) -> Self {
        if is_file { Self::File } else { Self::Text }
    }

    fn binding(self) -> &'static [u8] {
        match self {
            Self::File => b"claviger1:file",
            Self::Text => b"claviger1:text",
        }
    }
}

/// `plain`, which only the holder of the private half of `key` can read.
///
/// # Errors
/// [`FormatError::Internal`] where there is no randomness.
pub fn seal(plain: &[u8], kind: Kind, key: &PublicKey) -> Result<Envelope, FormatError> {
    let (mut secret, mut nonce) = (Zeroizing::new([0; KEY]), [0; NONCE_LEN]);
    getrandom::fill(&mut *secret).map_err(|_| FormatError::Internal)?;
    getrandom::fill(&mut nonce).map_err(|_| FormatError::Internal)?;
    let cipher = cipher(&*secret).ok_or(FormatError::Internal)?;
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len().saturating_add(TAG)));
    text.extend_from_slice(plain);
    let fresh = Nonce::assume_unique_for_key(nonce);
    cipher
        .seal_in_place_append_tag(fresh, Aad::from(kind.binding()), &mut *text)
        .map_err(|_| FormatError::Internal)?;
    let block = Oaep::Sha256.encrypt(key, &*secret)?;
    Ok(Envelope {
        encryption_key: format!("{MARK}{}", Base64::encode_string(&block)),
        message_data: Base64::encode_string(&[nonce.as_slice(), &text].concat()),
    })
}

/// The block in `encryption_key` to be decrypted, RSA-OAEP with SHA-256; `None` where it is none of this
/// profile.
pub fn block(encryption_key: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(encryption_key.strip_prefix(MARK)?).ok()
}

/// What is in `message_data` under `secret`, which is what the block held.
///
/// # Errors
/// [`FormatError::Unopened`]
pub fn open(
    message_data: &str,
    kind: Kind,
    secret: &[u8],
) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let sealed = Base64::decode_vec(message_data).map_err(|_| FormatError::Unopened)?;
    let (nonce, text) = sealed.split_first_chunk().ok_or(FormatError::Unopened)?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let cipher = cipher(secret).ok_or(FormatError::Unopened)?;
    let opened = cipher.open_in_place(nonce, Aad::from(kind.binding()), &mut text);
    let length = opened.map_err(|_| FormatError::Unopened)?.len();
    text.truncate(length);
    Ok(text)
}

fn cipher(secret: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, secret).ok().map(LessSafeKey::new)
}

const KEY: usize = 32;
const MARK: &str = "claviger1:";
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::oaep::private;
    use crate::keyservice::format::vectors;

    #[test]
    fn what_is_sealed_opens_and_what_was_changed_does_not() {
        let key = PublicKey::parse(vectors()["pub"].as_str().unwrap()).unwrap();
        for (plain, kind) in
            [(b"".as_slice(), Kind::Text), (b"a text", Kind::Text), (b"PK", Kind::File)]
        {
            let sealed = seal(plain, kind, &key).unwrap();
            assert_ne!(seal(plain, kind, &key).unwrap(), sealed);
            let secret =
                private::open(Oaep::Sha256, &block(&sealed.encryption_key).unwrap()).unwrap();
            assert_eq!(secret.len(), 32);
            assert_eq!(open(&sealed.message_data, kind, &secret).unwrap().as_slice(), plain);
            let other = Kind::of(kind == Kind::Text);
            assert_eq!(
                open(&sealed.message_data, other, &secret).unwrap_err(),
                FormatError::Unopened
            );
            assert!(open(&sealed.message_data, kind, &[0; 32]).is_err());
            assert!(open(&sealed.message_data, kind, &secret[1..]).is_err());
            let bytes = Base64::decode_vec(&sealed.message_data).unwrap();
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                let opened = open(&Base64::encode_string(&changed), kind, &secret);
                assert_eq!(opened.unwrap_err(), FormatError::Unopened, "{at}");
            }
        }
        assert!(open("", Kind::Text, &[0; 32]).is_err());
        assert!(block(vectors()["msg_key"].as_str().unwrap()).is_none());
    }
}
