//! Public keys of strangers, checked in software before a token gets to see them.
//!
//! Tokens answer a bad point with a device error, which looks like a broken token, and some do not
//! check at all (invalid curve attacks). Therefore nothing unchecked can be named to the vault:
//!
//! ```compile_fail,E0451
//! use hsm_profiles::{ForeignPoint, KeyType};
//! let forged = ForeignPoint { kind: KeyType::Curve25519, bytes: vec![0; 32] };
//! ```

use crate::key_type::{Family, KeyType};
use crate::sec1;

/// The public key of the other side of a key agreement, which may be shown to the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForeignPoint {
    kind: KeyType,
    bytes: Vec<u8>,
}

impl ForeignPoint {
    /// Checks `raw`, a public key of the type `kind` as callers give it.
    ///
    /// SECP curves: SEC1 (section 2.3.4), compressed or uncompressed, of exactly their length, on
    /// the curve and not infinity; the hybrid and compact forms are refused. As these curves have
    /// cofactor 1, each such point generates the whole group. X25519 and X448 (RFC 7748): 32 and 56
    /// bytes, and not one of the points of small order, in whatever encoding, with which every key
    /// agrees on zero.
    ///
    /// # Errors
    /// [`BadPoint`]: the caller's fault.
    pub fn parse(kind: KeyType, raw: &[u8]) -> Result<Self, BadPoint> {
        let bytes = match (kind.family(), kind) {
            (Family::Weierstrass, _) => sec1::uncompress(kind, raw)?,
            (_, KeyType::Curve25519) => parse_x25519(raw)?,
            (_, KeyType::Curve448) => parse_x448(raw)?,
            _ => return Err(BadPoint::NotAnAgreementKey),
        };
        Ok(Self { kind, bytes })
    }

    /// Its type.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// SEC1 uncompressed for the SECP curves; otherwise 32 bytes, the unused top bit cleared
    /// (RFC 7748 section 5), or 56.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Not a public key that can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadPoint {
    /// A coefficient of an ML-KEM key is 3329 or more (FIPS 203, section 7.2).
    #[error("the public key is not an ML-KEM key: one of its coefficients is out of range")]
    Coefficient,
    /// Neither the compressed nor the uncompressed form.
    #[error("the public key must be a SEC1 point that starts with 02, 03 or 04")]
    Form,
    /// The point at infinity.
    #[error("the public key is the point at infinity, with which no secret can be agreed")]
    Infinity,
    /// Too short or too long.
    #[error("the public key must have {expected} bytes, not {found}")]
    Length {
        /// What its type and form need.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A key of a type that can't agree on a secret.
    #[error("keys of this type can't agree on a secret: use a SECP or CURVE type")]
    NotAnAgreementKey,
    /// A type that has no public half.
    #[error("keys of this type have no public key")]
    NotAsymmetric,
    /// Not compressed where it has to be.
    #[error("the public key must be a compressed SEC1 point, which starts with 02 or 03")]
    NotCompressed,
    /// Not a number of a Diffie-Hellman group's subgroup of prime order, or 1, or not reduced.
    #[error("the public key is not in its group, so that the secret could be told")]
    NotInSubgroup,
    /// Not a solution of the curve's equation, or a coordinate that is not reduced.
    #[error("the public key is not a point of its curve")]
    NotOnCurve,
    /// A point of small order.
    #[error("the public key has a small order, so that anybody could tell the secret")]
    SmallOrder,
}

/// Refuses any length but `expected`.
pub(crate) fn check_length(raw: &[u8], expected: usize) -> Result<(), BadPoint> {
    match raw.len() {
        found if found == expected => Ok(()),
        found => Err(BadPoint::Length { expected, found }),
    }
}

fn parse_x25519(raw: &[u8]) -> Result<Vec<u8>, BadPoint> {
    check_length(raw, 32)?;
    let mut bytes = raw.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    let small = X25519_SMALL_ORDER.iter().any(|point| bytes == *point);
    if small { Err(BadPoint::SmallOrder) } else { Ok(bytes) }
}

fn parse_x448(raw: &[u8]) -> Result<Vec<u8>, BadPoint> {
    check_length(raw, 56)?;
    let small = X448_SMALL_ORDER
        .iter()
        .any(|(low, high)| raw.strip_prefix(low).is_some_and(|rest| rest == high));
    if small { Err(BadPoint::SmallOrder) } else { Ok(raw.to_vec()) }
}

/// Every encoding below 2^255 of a u-coordinate of order 1, 2, 4 or 8 on Curve25519 or its twist:
/// 0, 1, the two of order 8, p - 1, p, p + 1, where p = 2^255 - 19; little-endian.
const X25519_SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    ends([0; 32], 1, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    ends([0xff; 32], 0xec, 0x7f),
    ends([0xff; 32], 0xed, 0x7f),
    ends([0xff; 32], 0xee, 0x7f),
];

/// The same on Curve448 (orders 1, 2, 4): 0, 1, p - 1, p, p + 1, where p = 2^448 - 2^224 - 1; the
/// low and the high half.
const X448_SMALL_ORDER: [([u8; 28], [u8; 28]); 5] = [
    ([0; 28], [0; 28]),
    (ends([0; 28], 1, 0), [0; 28]),
    (ends([0xff; 28], 0xfe, 0xff), ends([0xff; 28], 0xfe, 0xff)),
    ([0xff; 28], ends([0xff; 28], 0xfe, 0xff)),
    ([0; 28], [0xff; 28]),
];

/// `bytes` with another first and last byte.
const fn ends<const N: usize>(mut bytes: [u8; N], first: u8, last: u8) -> [u8; N] {
    if let Some(lowest) = bytes.first_mut() {
        *lowest = first;
    }
    if let Some(highest) = bytes.last_mut() {
        *highest = last;
    }
    bytes
}
