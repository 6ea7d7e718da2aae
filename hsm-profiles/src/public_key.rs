//! Public keys as the API takes and gives them: raw bytes, SEC1 compressed for the SECP curves.

use ed25519_dalek::VerifyingKey;

use crate::key_type::{Family, KeyType};
use crate::points::{BadPoint, ForeignPoint, check_length};
use crate::sec1;

/// Checks a public key that is to be imported (hem.md A9), for each of the 14 asymmetric types.
///
/// All: exactly the type's length. SECP: compressed and on the curve. X25519, X448: not of small
/// order. Ed25519: a point of its curve (RFC 8032 section 5.1.3), not of small order. Ed448: a
/// reduced y-coordinate; whether a point belongs to it is left to the verification. ML-KEM: every
/// coefficient below 3329 (FIPS 203 section 7.2). ML-DSA: every string of its length is a key.
///
/// # Errors
/// [`BadPoint`]: the caller's fault.
pub fn validate(kind: KeyType, raw: &[u8]) -> Result<(), BadPoint> {
    match kind.family() {
        Family::Aes | Family::Hmac => Err(BadPoint::NotAsymmetric),
        Family::Edwards if kind == KeyType::Ed25519 => check_ed25519(raw),
        Family::Edwards => check_ed448(raw),
        Family::MlDsa => check_length(raw, kind.length()),
        Family::MlKem => check_ml_kem(kind, raw),
        Family::Montgomery => ForeignPoint::parse(kind, raw).map(drop),
        Family::Weierstrass => sec1::check_compressed(kind, raw),
    }
}

/// The SEC1 compressed form of a point of a SECP curve, which may be in either form and is checked.
///
/// # Errors
/// [`BadPoint`] where it is not on the curve, or `kind` is no SECP curve.
pub fn compress(kind: KeyType, point: &[u8]) -> Result<Vec<u8>, BadPoint> {
    sec1::compress(kind, point)
}

/// The SEC1 uncompressed form of a point of a SECP curve, which may be in either form and is
/// checked.
///
/// # Errors
/// [`BadPoint`] where it is not on the curve, or `kind` is no SECP curve.
pub fn uncompress(kind: KeyType, point: &[u8]) -> Result<Vec<u8>, BadPoint> {
    sec1::uncompress(kind, point)
}

fn check_ed25519(raw: &[u8]) -> Result<(), BadPoint> {
    let length = BadPoint::Length { expected: 32, found: raw.len() };
    let key = VerifyingKey::from_bytes(raw.try_into().map_err(|_| length)?);
    match key.map_err(|_| BadPoint::NotOnCurve)?.is_weak() {
        true => Err(BadPoint::SmallOrder),
        false => Ok(()),
    }
}

/// The last byte has nothing but the sign of x; before it stands y, below p = 2^448 - 2^224 - 1,
/// whose high half is all ones and a low one of 0xfe.
fn check_ed448(raw: &[u8]) -> Result<(), BadPoint> {
    check_length(raw, KeyType::Ed448.length())?;
    let (low, rest) = raw.split_at(28);
    let (high, sign) = rest.split_at(28);
    let at_least_prime = match high.split_first() {
        Some((0xff, top)) => all_ones(top),
        Some((0xfe, top)) => all_ones(top) && all_ones(low),
        _ => false,
    };
    match at_least_prime || sign.iter().any(|byte| byte & 0x7f != 0) {
        true => Err(BadPoint::NotOnCurve),
        false => Ok(()),
    }
}

/// `raw` is k · 256 packed 12-bit coefficients, then a seed of 32 bytes.
fn check_ml_kem(kind: KeyType, raw: &[u8]) -> Result<(), BadPoint> {
    check_length(raw, kind.length())?;
    let (coefficients, _seed) = raw.split_at(raw.len() - 32);
    let (triples, _) = coefficients.as_chunks::<3>();
    let reduced = triples.iter().all(|&[a, b, c]| {
        let first = u16::from(a) | (u16::from(b & 0x0f) << 8);
        let second = u16::from(b >> 4) | (u16::from(c) << 4);
        first < ML_KEM_PRIME && second < ML_KEM_PRIME
    });
    if reduced { Ok(()) } else { Err(BadPoint::Coefficient) }
}

fn all_ones(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0xff)
}

const ML_KEM_PRIME: u16 = 3329;
