//! Base64 and hex in the spellings of the API, and random bytes.

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use sha1::{Digest, Sha1};

use crate::verdict::{OrFails, Verdict};

/// Standard, padded: what answers have and requests may have.
pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// All other spellings that requests may have: URL-safe and without padding.
pub(crate) fn other_base64(bytes: &[u8]) -> [String; 3] {
    [
        Base64Unpadded::encode_string(bytes),
        Base64Url::encode_string(bytes),
        Base64UrlUnpadded::encode_string(bytes),
    ]
}

/// The bytes of a text in standard, padded base64.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// URL-safe without padding: the segments of tokens and the fields of the log.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The bytes of such a segment.
pub(crate) fn unbase64url(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// The bytes of hex of either case.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    base16ct::mixed::decode_vec(text).ok()
}

/// The KID of a public key (A9): the first 16 bytes of its SHA-1.
pub(crate) fn kid_of(public: &[u8]) -> String {
    hex(Sha1::digest(public).get(..16).unwrap_or_default())
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Verdict<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).or_fails(|| "no random bytes from this system".to_owned())?;
    Ok(bytes)
}
