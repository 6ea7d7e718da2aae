//! Messages that clients of the original encrypted, profile `cryptabyte1`: a gzip, or a ZIP in base64, as
//! a text under a passphrase, and the passphrase in blocks of RSA-OAEP with SHA-1.

use std::io::Read;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use base64ct::{Base64, Encoding};
use flate2::read::GzDecoder;
use zeroize::Zeroizing;

use super::envelope::Kind;
use super::pair::Pair;

/// What is in a message, a text in UTF-8 or a ZIP.
pub(super) fn open(message: &str, key: &str, pair: &Pair) -> Option<(Zeroizing<Vec<u8>>, Kind)> {
    let inside = text(message, &passphrase(key, pair)?)?;
    if !inside.starts_with("\u{1f}\u{8b}") {
        return Base64::decode_vec(&inside).ok().map(|zip| (Zeroizing::new(zip), Kind::File));
    }
    let packed: Option<Vec<u8>> = inside.chars().map(|letter| u8::try_from(letter).ok()).collect();
    let mut plain = Zeroizing::new(Vec::new());
    let packed = Zeroizing::new(packed?);
    GzDecoder::new(packed.as_slice()).take(LONGEST + 1).read_to_end(&mut plain).ok()?;
    let fits = u64::try_from(plain.len()).is_ok_and(|length| length <= LONGEST);
    let said: Zeroizing<String> = Zeroizing::new(plain.iter().copied().map(char::from).collect());
    fits.then(|| (Zeroizing::new(said.as_bytes().to_vec()), Kind::Text))
}

/// Blocks with their bytes turned round; together they are UTF-32. What ends with a full block was cut
/// off.
fn passphrase(key: &str, pair: &Pair) -> Option<Zeroizing<String>> {
    let digits = pair.length().div_ceil(3) * 4;
    let mut plain = Zeroizing::new(Vec::new());
    let mut last = usize::MAX;
    for block in key.as_bytes().chunks(digits).take(MOST) {
        let mut block = Base64::decode_vec(std::str::from_utf8(block).ok()?).ok()?;
        block.reverse();
        let piece = pair.open(&block, true)?;
        last = piece.len();
        plain.extend_from_slice(&piece);
    }
    let complete = last < pair.length().checked_sub(42)? && key.len() <= digits * MOST;
    let (letters, []) = plain.as_chunks::<4>() else { return None };
    let letters = letters.iter().map(|letter| char::from_u32(u32::from_le_bytes(*letter)));
    letters.collect::<Option<String>>().filter(|_| complete).map(Zeroizing::new)
}

/// AES-256-CBC over `FF FE` and UTF-16LE, under 48 bytes of PBKDF2 with a salt that never changes.
fn text(sealed: &str, passphrase: &str) -> Option<Zeroizing<String>> {
    let mut keys = Zeroizing::new([0; 48]);
    let salt: Vec<_> = "CryptAByte".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let secret = passphrase.as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ITERATIONS, &salt, secret, &mut *keys);
    let (key, iv) = keys.split_at(32);
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    let mut room = Zeroizing::new(Base64::decode_vec(sealed).ok()?);
    let plain = key.decrypt(&mut room, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    let (pairs, []) = plain.strip_prefix(&[0xff, 0xfe])?.as_chunks::<2>() else { return None };
    let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
    let letters: Result<String, _> = char::decode_utf16(units).collect();
    letters.ok().map(Zeroizing::new)
}

const ITERATIONS: NonZeroU32 = NonZeroU32::new(1000).unwrap();
/// In bytes, expanded.
const LONGEST: u64 = 64 << 20;
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../../tests/vectors/key-service.json")).unwrap()
    }

    /// As the original does it; with `end`, an empty block behind.
    fn sealed(passphrase: &str, pair: &Pair, end: bool) -> String {
        let plain: Vec<u8> = passphrase.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let empty: &[u8] = &[];
        let pieces = plain.chunks(pair.length() - 42).chain(end.then_some(empty));
        let blocks = pieces.map(|piece| {
            let mut block = pair.public().unwrap().seal_sha1(piece);
            block.reverse();
            Base64::encode_string(&block)
        });
        blocks.collect()
    }

    #[test]
    fn the_message_of_the_vectors_opens() {
        let (vectors, pair) = (vectors(), Pair::fresh().unwrap());
        let get = |name: &str| vectors[name].as_str().unwrap();
        for end in [false, true] {
            let key = sealed(get("msg_key_plain"), &pair, end);
            let (said, kind) = open(get("msg_enc"), &key, &pair).unwrap();
            let said = std::str::from_utf8(&said).unwrap();
            assert_eq!((said, kind), ("secret message \u{e9} \"", Kind::Text));
            assert!(open(get("msg_enc"), &key[..512], &pair).is_none(), "cut off");
            assert!(open(get("msg_enc"), "", &pair).is_none());
            assert!(open(get("aes_hello"), &key, &pair).is_none());
        }
    }

    #[test]
    fn texts_of_the_vectors_open() {
        let vectors = vectors();
        let get = |name: &str| vectors[name].as_str().unwrap();
        assert_eq!(text(get("aes_hello"), get("passphrase")).unwrap().as_str(), "hello");
        assert_eq!(text(get("priv_enc"), get("passphrase")).unwrap().as_str(), get("priv"));
        let inside = text(get("msg_enc"), get("msg_key_plain")).unwrap();
        assert!(inside.starts_with("\u{1f}\u{8b}"));
        assert!(text(get("aes_hello"), "wrong").is_none());
        assert!(text("*", "wrong").is_none());
    }
}
