//! Public keys as tokens give and take them.

use p256::elliptic_curve::sec1::ToSec1Point;

use crate::key_type::{Family, KeyType};
use crate::profile::PointEncoding;

/// The raw public key in a `CKA_EC_POINT`: SEC1 uncompressed for the SECP curves. Tokens wrap it
/// in a DER `OCTET STRING`, as the standard says, or don't.
pub(crate) fn from_ec_point(kind: KeyType, value: &[u8]) -> Option<&[u8]> {
    let length = point_length(kind)?;
    let raw = if value.len() == length { value } else { octet_string(value)? };
    (raw.len() == length && (!is_sec1(kind) || raw.first() == Some(&0x04))).then_some(raw)
}

/// The public key in the form that names it: SEC1 compressed for the SECP curves.
pub(crate) fn canonical(kind: KeyType, raw: &[u8]) -> Option<Vec<u8>> {
    if !is_sec1(kind) {
        return Some(raw.to_vec());
    }
    let (_, coordinates) = raw.split_first()?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let mut compressed = vec![0x02 | (y.last()? & 1)];
    compressed.extend_from_slice(x);
    Some(compressed)
}

/// The bytes of a shared secret: one coordinate. `None` for types that can't agree.
pub(crate) const fn secret_length(kind: KeyType) -> Option<usize> {
    match kind {
        KeyType::Secp256r1 | KeyType::Secp256k1 | KeyType::Curve25519 => Some(32),
        KeyType::Secp384r1 => Some(48),
        KeyType::Curve448 => Some(56),
        KeyType::Secp521r1 => Some(66),
        _ => None,
    }
}

/// The bytes of a raw public key as a token knows it.
pub(crate) fn point_length(kind: KeyType) -> Option<usize> {
    match kind.family() {
        Family::Weierstrass => secret_length(kind).map(|coordinate| 1 + 2 * coordinate),
        Family::Edwards | Family::Montgomery => Some(kind.length()),
        Family::Aes | Family::Hmac | Family::MlDsa | Family::MlKem => None,
    }
}

/// The base point: whoever agrees with it gets the X coordinate of the own public key, which is a
/// test with a known answer for any key.
pub(crate) fn base_point(kind: KeyType) -> Option<Vec<u8>> {
    Some(match kind {
        KeyType::Secp256r1 => p256::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec(),
        KeyType::Secp384r1 => p384::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec(),
        KeyType::Secp521r1 => p521::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec(),
        KeyType::Secp256k1 => k256::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec(),
        KeyType::Curve25519 => [&[9][..], &[0; 31]].concat(),
        KeyType::Curve448 => [&[5][..], &[0; 55]].concat(),
        _ => return None,
    })
}

/// The secret of an agreement with [`base_point`], from the raw public key.
pub(crate) fn with_base_point(kind: KeyType, raw: &[u8]) -> Option<&[u8]> {
    if is_sec1(kind) { raw.get(1..=secret_length(kind)?) } else { Some(raw) }
}

/// Writes `raw` as the token wants a peer's key; `None` where it may go as it is.
pub(crate) fn encode_peer(encoding: PointEncoding, raw: &[u8]) -> Option<Vec<u8>> {
    match (encoding, u8::try_from(raw.len()).ok()?) {
        (PointEncoding::Raw, _) => None,
        (PointEncoding::Der, length @ ..=0x7f) => Some([&[OCTET_STRING, length], raw].concat()),
        (PointEncoding::Der, length) => Some([&[OCTET_STRING, LONG_FORM, length], raw].concat()),
    }
}

fn octet_string(der: &[u8]) -> Option<&[u8]> {
    match der {
        [OCTET_STRING, LONG_FORM, length, value @ ..]
        | [OCTET_STRING, length @ ..=0x7f, value @ ..] => {
            (value.len() == usize::from(*length)).then_some(value)
        }
        _ => None,
    }
}

fn is_sec1(kind: KeyType) -> bool {
    kind.family() == Family::Weierstrass
}

const OCTET_STRING: u8 = 0x04;

/// The length follows in one byte.
const LONG_FORM: u8 = 0x81;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_and_without_their_wrapping() {
        for kind in KeyType::ALL.into_iter().filter(|kind| secret_length(*kind).is_some()) {
            let raw = base_point(kind).unwrap();
            assert_eq!(Some(raw.len()), point_length(kind));
            let der = encode_peer(PointEncoding::Der, &raw).unwrap();
            assert_eq!(from_ec_point(kind, &raw), Some(raw.as_slice()));
            assert_eq!(from_ec_point(kind, &der), Some(raw.as_slice()));
            assert_eq!(from_ec_point(kind, &raw[1..]), None);
            assert_eq!(canonical(kind, &raw).unwrap().len(), kind.length());
            assert_eq!(with_base_point(kind, &raw).map(<[u8]>::len), secret_length(kind));
            assert!(encode_peer(PointEncoding::Raw, &raw).is_none());
        }
    }

    #[test]
    fn a_compressed_point_carries_the_parity_of_y() {
        let raw = base_point(KeyType::Secp256r1).unwrap();
        let expected = p256::AffinePoint::GENERATOR.to_sec1_point(true);
        assert_eq!(canonical(KeyType::Secp256r1, &raw).unwrap(), expected.as_bytes());
    }
}
