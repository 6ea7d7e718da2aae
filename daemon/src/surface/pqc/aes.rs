//! `/api/aes`: AES-256-GCM for texts, with a key that the caller brings or a stored one.

use audit::Ext;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hsm_profiles::{Cipher, Ciphered, Mode, TokenFault, Width};
use policies::{CipherText, Kid, Permit, Use};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::ask::{Ask, Asked, Given};
use super::fields::{Field, Form};
use super::hex::Hex;
use crate::fault::Fault;
use crate::keyring::{KeyFault, Keyring};
use crate::route::{Json, SecretJson};

/// `POST /api/aes/encrypt_text`
pub struct Encrypt;

/// `POST /api/aes/decrypt_text`
pub struct Decrypt;

impl Ask for Encrypt {
    type Needs = CipherText;
    const NAME: &'static str = "EncryptText";
    const FIELDS: &'static [Field] =
        &[Field::needed("unencrypted", Form::Text(LONGEST), "The text."), KEY, STORED];

    fn needs(given: Option<&Given>) -> CipherText {
        CipherText(given.and_then(stored))
    }

    fn concerns(given: &Given) -> Ext {
        stored(given).map_or(Ext::None, |kid| Ext::Kid(*kid.as_bytes()))
    }
}

impl Ask for Decrypt {
    type Needs = CipherText;
    const NAME: &'static str = "DecryptText";
    const FIELDS: &'static [Field] = &[
        Field::needed(
            "ciphertext",
            Form::LongHex(2 * (LONGEST + OVERHEAD)),
            "What was enciphered.",
        ),
        KEY,
        STORED,
    ];

    fn needs(given: Option<&Given>) -> CipherText {
        CipherText(given.and_then(stored))
    }

    fn concerns(given: &Given) -> Ext {
        stored(given).map_or(Ext::None, |kid| Ext::Kid(*kid.as_bytes()))
    }
}

/// A text that is wiped.
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct Plain(#[schemars(with = "String")] Zeroizing<String>);

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Enciphers a text: a nonce of 12 bytes, the ciphertext, a tag of 16 bytes.
pub async fn encrypt(
    keyring: Keyring,
    leave: Permit<CipherText>,
    ask: Asked<Encrypt>,
) -> Result<Json<Hex>, Fault> {
    let given = ask.judge()?;
    let plain = given.message("unencrypted");
    let sealed = match key(&given, leave)? {
        Key::Brought(key) => seal(&key, plain.expose()).ok_or(Fault::Internal)?,
        Key::Stored(key) => {
            let sealed = keyring.encrypt(key, None, (CIPHER, Vec::new()), plain).await;
            let Ciphered { text, iv, tag } = sealed.map_err(unusable)?;
            [iv, text, tag].concat()
        }
    };
    Ok(Json(sealed.into()))
}

/// Deciphers it again.
pub async fn decrypt(
    keyring: Keyring,
    leave: Permit<CipherText>,
    ask: Asked<Decrypt>,
) -> Result<SecretJson<Plain>, Fault> {
    let given = ask.judge()?;
    let sealed = given.bytes("ciphertext");
    let key = key(&given, leave)?;
    if sealed.len() < OVERHEAD {
        return Err(undecipherable());
    }
    let plain = match key {
        Key::Brought(key) => open(&key, &sealed).ok_or_else(undecipherable)?,
        Key::Stored(key) => {
            let (iv, rest) = sealed.split_at(NONCE);
            let (text, tag) = rest.split_at(rest.len().saturating_sub(TAG));
            let sealed = Ciphered { text: text.to_vec(), iv: iv.to_vec(), tag: tag.to_vec() };
            let plain = keyring.decrypt(key, None, (CIPHER, Vec::new()), sealed).await;
            Zeroizing::new(plain.map_err(unopened)?.expose().to_vec())
        }
    };
    match std::str::from_utf8(&plain) {
        Ok(text) => Ok(SecretJson(Plain(Zeroizing::new(text.to_owned())))),
        Err(_) => Err(undecipherable()),
    }
}

/// What does it.
enum Key {
    Brought(Zeroizing<Vec<u8>>),
    Stored(Permit<Use>),
}

/// Exactly one of both.
fn key(given: &Given, leave: Permit<CipherText>) -> Result<Key, Fault> {
    let brought = given.text("key").is_some();
    match (brought, leave.stored()) {
        (true, None) => Ok(Key::Brought(given.bytes("key"))),
        (false, Some(stored)) => Ok(Key::Stored(stored)),
        (true, Some(_)) | (false, None) => {
            Err(Fault::Invalid("give either key or kid".into()).coded("missing", "body/key"))
        }
    }
}

fn stored(given: &Given) -> Option<Kid> {
    given.kid("kid")
}

fn seal(key: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len().saturating_add(TAG)));
    text.extend_from_slice(plain);
    let fresh = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(fresh, Aad::empty(), &mut *text).ok()?;
    Some([nonce.as_slice(), &text].concat())
}

fn open(key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let mut text = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// A stored key that does not exist or is of another type is a bad argument.
fn unusable(fault: KeyFault) -> Fault {
    match fault {
        KeyFault::Absent | KeyFault::Unsuitable(_) => {
            let why = "kid names no AES256 key that can encipher";
            Fault::Invalid(why.into()).coded("value_error", "body/kid")
        }
        other => other.into(),
    }
}

fn unopened(fault: KeyFault) -> Fault {
    match fault {
        KeyFault::Absent | KeyFault::Unsuitable(_) | KeyFault::Token(TokenFault::Argument(_)) => {
            undecipherable()
        }
        other => other.into(),
    }
}

/// One answer, whatever is wrong.
fn undecipherable() -> Fault {
    let why = "the ciphertext can't be deciphered with this key";
    Fault::Invalid(why.into()).coded("value_error", "body/ciphertext")
}

const CIPHER: Cipher = Cipher { mode: Mode::Gcm96, width: Width::Aes256 };
const KEY: Field = Field::optional("key", Form::Hex(&[64]), "The key; or else kid names one.");
/// In bytes.
const LONGEST: usize = 32 << 10;
const NONCE: usize = 12;
const OVERHEAD: usize = NONCE + TAG;
const STORED: Field = Field::optional(
    "kid",
    Form::Kid,
    "A stored AES256 key. The token needs keymgmt:use:<KID> beside pqc:aes.",
);
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_what_was_changed_does_not() {
        let key = [7; 32];
        for plain in [b"".as_slice(), b"a text"] {
            let sealed = seal(&key, plain).unwrap();
            assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            assert_eq!(open(&key, &sealed).unwrap().as_slice(), plain);
            assert_ne!(seal(&key, plain).unwrap(), sealed, "nonces repeat");
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(open(&key, &changed).is_none(), "{at}");
            }
            assert!(open(&[8; 32], &sealed).is_none());
        }
        assert!(open(&key, &[0; 11]).is_none());
    }
}
