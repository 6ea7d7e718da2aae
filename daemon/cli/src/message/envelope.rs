//! Messages that are encrypted here, profile `claviger1`: AES-256-GCM under a key of their own, and that
//! key under RSA-OAEP with SHA-256.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::pair::{Pair, PublicKey};
use crate::failure::Failure;
use crate::form::Form;

/// What is in a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A ZIP.
    File,
    /// A text in UTF-8.
    Text,
}

impl Kind {
    fn binding(self) -> &'static [u8] {
        match self {
            Self::File => b"claviger1:file",
            Self::Text => b"claviger1:text",
        }
    }
}

/// An encrypted message.
pub(super) struct Sealed {
    kind: Kind,
    message: String,
    key: String,
}

impl Sealed {
    /// A form that leaves it.
    pub(super) fn add_to(&self, form: Form) -> Form {
        let is_file = if self.kind == Kind::File { "true" } else { "false" };
        let form = form.with("encryptedmessage", &self.message).with("encryptionkey", &self.key);
        form.with("isfile", is_file)
    }
}

/// Encrypts `plain` to `key`.
pub(super) fn seal(plain: &[u8], kind: Kind, key: &PublicKey) -> Result<Sealed, Failure> {
    sealed(plain, kind, key).ok_or_else(|| Failure::unexpected("the message can't be encrypted"))
}

fn sealed(plain: &[u8], kind: Kind, key: &PublicKey) -> Option<Sealed> {
    let (mut secret, mut nonce) = (Zeroizing::new([0; 32]), [0; NONCE_LEN]);
    rand::fill(&mut *secret).and_then(|()| rand::fill(&mut nonce)).ok()?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*secret).ok()?);
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(plain);
    let fresh = Nonce::assume_unique_for_key(nonce);
    cipher.seal_in_place_append_tag(fresh, Aad::from(kind.binding()), &mut *text).ok()?;
    Some(Sealed {
        kind,
        message: Base64::encode_string(&[nonce.as_slice(), &text].concat()),
        key: format!("{MARK}{}", Base64::encode_string(&key.seal(&*secret)?)),
    })
}

/// Whether a message is of this profile.
pub(super) fn is_ours(key: &str) -> bool {
    key.starts_with(MARK)
}

/// What is in a message, and of which kind it is: what the device says of that does not count.
pub(super) fn open(message: &str, key: &str, pair: &Pair) -> Option<(Zeroizing<Vec<u8>>, Kind)> {
    let secret = pair.open(&Base64::decode_vec(key.strip_prefix(MARK)?).ok()?, false)?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret).ok()?);
    let sealed = Base64::decode_vec(message).ok()?;
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
    [Kind::Text, Kind::File].into_iter().find_map(|kind| {
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(kind.binding());
        let length = cipher.open_in_place(nonce, aad, &mut text).ok()?.len();
        text.truncate(length);
        Some((text, kind))
    })
}

const MARK: &str = "claviger1:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_as_what_it_is() {
        let (pair, other) = (Pair::fresh().unwrap(), Pair::fresh().unwrap());
        let public = pair.public().unwrap();
        for kind in [Kind::Text, Kind::File] {
            let sealed = seal(b"a text", kind, &public).unwrap();
            assert!(is_ours(&sealed.key));
            let (plain, found) = open(&sealed.message, &sealed.key, &pair).unwrap();
            assert_eq!((plain.as_slice(), found), (b"a text".as_slice(), kind));
            assert!(open(&sealed.message, &sealed.key, &other).is_none());
            assert!(open(&sealed.message[4..], &sealed.key, &pair).is_none());
            assert!(open("", &sealed.key, &pair).is_none());
        }
    }
}
