//! Texts under a passphrase, and their hashes, as Crypt-A-Byte has them: base64 of AES-256-CBC with
//! PKCS#7 over `FF FE` and the text in UTF-16LE. Key and initialisation vector are 48 bytes of
//! PBKDF2-HMAC-SHA1 with a salt that never changes: a passphrase for one message has to be random.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::FormatError;

/// `text` under `passphrase`.
///
/// # Errors
/// [`FormatError::Internal`]; not seen.
pub fn seal(text: &str, passphrase: &str) -> Result<String, FormatError> {
    let keys = Keys::of(passphrase);
    let cipher =
        UnboundCipherKey::new(&AES_256, &*keys.cipher).map_err(|_| FormatError::Internal)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).map_err(|_| FormatError::Internal)?;
    let mut sealed = utf16(&["\u{feff}", text], BLOCK);
    let iv = EncryptionContext::Iv128(FixedLength::from(keys.iv));
    key.less_safe_encrypt(&mut *sealed, iv).map_err(|_| FormatError::Internal)?;
    Ok(Base64::encode_string(&sealed))
}

/// The text in `sealed`, of which white space does not count.
///
/// # Errors
/// [`FormatError::Malformed`] where it is no base64, [`FormatError::Unopened`] for whatever else.
pub fn open(sealed: &str, passphrase: &str) -> Result<Zeroizing<String>, FormatError> {
    let sealed: String = sealed.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let sealed = Base64::decode_vec(&sealed).map_err(|_| NO_BASE64)?;
    let mut sealed = Zeroizing::new(sealed);
    let keys = Keys::of(passphrase);
    let cipher =
        UnboundCipherKey::new(&AES_256, &*keys.cipher).map_err(|_| FormatError::Internal)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).map_err(|_| FormatError::Internal)?;
    let iv = DecryptionContext::Iv128(FixedLength::from(keys.iv));
    let plain = key.decrypt(&mut sealed, iv).map_err(|_| FormatError::Unopened)?;
    let text = plain.strip_prefix(&[0xff, 0xfe]).ok_or(FormatError::Unopened)?;
    from_utf16(text).ok_or(FormatError::Unopened)
}

/// The hash of `text`: SHA-256 over its UTF-16LE, 64 lower-case hexadecimal digits.
pub fn hash(text: &str) -> String {
    let mut work = Context::new(&SHA256);
    let mut some = Zeroizing::new(Vec::with_capacity(SOME));
    // In pieces: a message may be long.
    for unit in text.encode_utf16() {
        some.extend_from_slice(&unit.to_le_bytes());
        if some.len() == SOME {
            work.update(&some);
            some.clear();
        }
    }
    work.update(&some);
    base16ct::lower::encode_string(work.finish().as_ref())
}

/// `parts` one after the other, with room for `more` bytes.
fn utf16(parts: &[&str], more: usize) -> Zeroizing<Vec<u8>> {
    let units = || parts.iter().flat_map(|part| part.encode_utf16());
    let length = units().count().saturating_mul(2).saturating_add(more);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    bytes.extend(units().flat_map(u16::to_le_bytes));
    bytes
}

fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    // No code unit takes more than three bytes in UTF-8.
    let mut text = Zeroizing::new(String::with_capacity(pairs.len().checked_mul(3)?));
    for letter in char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair))) {
        text.push(letter.ok()?);
    }
    Some(text)
}

struct Keys {
    cipher: Zeroizing<[u8; 32]>,
    iv: [u8; BLOCK],
}

impl Keys {
    fn of(passphrase: &str) -> Self {
        let mut both = Zeroizing::new([0; 32 + BLOCK]);
        let salt: Vec<_> = "CryptAByte".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let secret = passphrase.as_bytes();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ITERATIONS, &salt, secret, &mut *both);
        let (mut cipher, mut iv) = (Zeroizing::new([0; 32]), [0; BLOCK]);
        let (first, last) = both.split_at(32);
        cipher.copy_from_slice(first);
        iv.copy_from_slice(last);
        Self { cipher, iv }
    }
}

const BLOCK: usize = 16;
const ITERATIONS: NonZeroU32 = NonZeroU32::new(1000).unwrap();
/// An even number of bytes.
const SOME: usize = 4096;
const NO_BASE64: FormatError = FormatError::Malformed("what is encrypted must be base64");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::vectors;

    #[test]
    fn texts_are_sealed_as_in_the_vectors() {
        let vectors = vectors();
        let text = |name: &str| vectors[name].as_str().unwrap();
        let passphrase = text("passphrase");
        for (plain, sealed) in [("hello", "aes_hello"), (text("priv"), "priv_enc")] {
            assert_eq!(seal(plain, passphrase).unwrap(), text(sealed));
            assert_eq!(open(text(sealed), passphrase).unwrap().as_str(), plain);
        }
        assert_eq!(hash("hello"), text("sha256_hello"));
        assert_eq!(hash(text("priv")), text("priv_hash"));
        let long = "\u{1f511}e".repeat(5000);
        let whole = aws_lc_rs::digest::digest(&SHA256, &utf16(&[&long], 0));
        assert_eq!(hash(&long), base16ct::lower::encode_string(whole.as_ref()));
    }

    #[test]
    fn texts_come_back() {
        let long = "\u{1f511} \u{e9} \0".repeat(100);
        for text in ["", "a", "\u{feff}", "0123456", "01234567", &long] {
            let sealed = seal(text, "pass \u{e4}").unwrap();
            assert_eq!(open(&sealed, "pass \u{e4}").unwrap().as_str(), text);
            let broken: Vec<_> = sealed.split_inclusive('=').collect();
            assert_eq!(open(&broken.join("\r\n"), "pass \u{e4}").unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_not_told_apart() {
        let sealed = seal("a text", "right").unwrap();
        for guess in 0..64 {
            let opened = open(&sealed, &format!("wrong {guess}"));
            assert_eq!(opened.unwrap_err(), FormatError::Unopened);
        }
        for bad in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert_eq!(open(bad, "right").unwrap_err(), FormatError::Unopened, "{bad:?}");
        }
        for bad in ["*", "AAA", "\u{e9}"] {
            assert_eq!(open(bad, "right").unwrap_err(), NO_BASE64, "{bad:?}");
        }
    }

    #[test]
    fn halves_of_letters_are_no_text() {
        assert!(from_utf16(&[0x00, 0xd8]).is_none());
        assert!(from_utf16(&[0x41]).is_none());
        assert_eq!(from_utf16(&[]).unwrap().as_str(), "");
    }
}
