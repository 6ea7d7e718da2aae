//! The types of keys (hem.md A9).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The type of a key, under its name in the HEM API.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyType {
    /// `AES128`
    Aes128,
    /// `AES192`
    Aes192,
    /// `AES256`
    Aes256,
    /// `CURVE25519`: X25519, RFC 7748.
    Curve25519,
    /// `CURVE448`: X448, RFC 7748.
    Curve448,
    /// `ED25519`, RFC 8032.
    Ed25519,
    /// `ED448`, RFC 8032.
    Ed448,
    /// `MLDSA44`, FIPS 204.
    MlDsa44,
    /// `MLDSA65`, FIPS 204.
    MlDsa65,
    /// `MLDSA87`, FIPS 204.
    MlDsa87,
    /// `MLKEM512`, FIPS 203.
    MlKem512,
    /// `MLKEM768`, FIPS 203.
    MlKem768,
    /// `MLKEM1024`, FIPS 203.
    MlKem1024,
    /// `SECP256K1`
    Secp256k1,
    /// `SECP256R1`: P-256.
    Secp256r1,
    /// `SECP384R1`: P-384.
    Secp384r1,
    /// `SECP521R1`: P-521.
    Secp521r1,
    /// `SHA2-256`: a key for HMAC-SHA-256, 32 bytes.
    Sha2_256,
    /// `SHA2-384`: 48 bytes.
    Sha2_384,
    /// `SHA2-512`: 64 bytes.
    Sha2_512,
    /// `SHA3-256`: 32 bytes.
    Sha3_256,
    /// `SHA3-384`: 48 bytes.
    Sha3_384,
    /// `SHA3-512`: 64 bytes.
    Sha3_512,
}

/// What kind of mathematics a type belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// AES keys.
    Aes,
    /// Ed25519 and Ed448.
    Edwards,
    /// HMAC keys.
    Hmac,
    /// ML-DSA.
    MlDsa,
    /// ML-KEM.
    MlKem,
    /// X25519 and X448.
    Montgomery,
    /// The SECP curves, which may both agree and sign.
    Weierstrass,
}

impl KeyType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 23] = [
        Self::Secp256r1,
        Self::Secp384r1,
        Self::Secp521r1,
        Self::Secp256k1,
        Self::Curve25519,
        Self::Curve448,
        Self::Ed25519,
        Self::Ed448,
        Self::Sha2_256,
        Self::Sha2_384,
        Self::Sha2_512,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
        Self::Aes128,
        Self::Aes192,
        Self::Aes256,
        Self::MlKem512,
        Self::MlKem768,
        Self::MlKem1024,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name in the API, such as `SECP256R1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "AES128",
            Self::Aes192 => "AES192",
            Self::Aes256 => "AES256",
            Self::Curve25519 => "CURVE25519",
            Self::Curve448 => "CURVE448",
            Self::Ed25519 => "ED25519",
            Self::Ed448 => "ED448",
            Self::MlDsa44 => "MLDSA44",
            Self::MlDsa65 => "MLDSA65",
            Self::MlDsa87 => "MLDSA87",
            Self::MlKem512 => "MLKEM512",
            Self::MlKem768 => "MLKEM768",
            Self::MlKem1024 => "MLKEM1024",
            Self::Secp256k1 => "SECP256K1",
            Self::Secp256r1 => "SECP256R1",
            Self::Secp384r1 => "SECP384R1",
            Self::Secp521r1 => "SECP521R1",
            Self::Sha2_256 => "SHA2-256",
            Self::Sha2_384 => "SHA2-384",
            Self::Sha2_512 => "SHA2-512",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
        }
    }

    /// What kind of mathematics it belongs to.
    pub const fn family(self) -> Family {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => Family::Aes,
            Self::Curve25519 | Self::Curve448 => Family::Montgomery,
            Self::Ed25519 | Self::Ed448 => Family::Edwards,
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => Family::MlDsa,
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => Family::MlKem,
            Self::Secp256k1 | Self::Secp256r1 | Self::Secp384r1 | Self::Secp521r1 => {
                Family::Weierstrass
            }
            Self::Sha2_256
            | Self::Sha2_384
            | Self::Sha2_512
            | Self::Sha3_256
            | Self::Sha3_384
            | Self::Sha3_512 => Family::Hmac,
        }
    }

    /// Whether it has a public half.
    pub const fn is_asymmetric(self) -> bool {
        !matches!(self.family(), Family::Aes | Family::Hmac)
    }

    /// The length in bytes of a symmetric key; of the raw public key otherwise (SEC1 compressed
    /// for the SECP curves).
    pub const fn length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 | Self::Curve25519 | Self::Ed25519 | Self::Sha2_256 | Self::Sha3_256 => 32,
            Self::Sha2_384 | Self::Sha3_384 => 48,
            Self::Sha2_512 | Self::Sha3_512 => 64,
            Self::Curve448 => 56,
            Self::Ed448 => 57,
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
            Self::MlKem512 => 800,
            Self::MlKem768 => 1184,
            Self::MlKem1024 => 1568,
            Self::Secp256k1 | Self::Secp256r1 => 33,
            Self::Secp384r1 => 49,
            Self::Secp521r1 => 67,
        }
    }
}

impl FromStr for KeyType {
    type Err = UnknownKeyType;

    fn from_str(text: &str) -> Result<Self, UnknownKeyType> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownKeyType)
    }
}

impl TryFrom<String> for KeyType {
    type Error = UnknownKeyType;

    fn try_from(text: String) -> Result<Self, UnknownKeyType> {
        text.parse()
    }
}

impl From<KeyType> for String {
    fn from(kind: KeyType) -> Self {
        kind.name().to_owned()
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a key type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not one of the 23 key types, such as SECP256R1 or CURVE25519")]
pub struct UnknownKeyType;

/// The hash that an agreed secret is put through (hem.md A10, `alg` of `crypto/ecdh`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum SecretDigest {
    /// `SHA2-256`
    Sha2_256,
    /// `SHA2-384`
    Sha2_384,
    /// `SHA2-512`
    Sha2_512,
    /// `SHA3-256`
    Sha3_256,
    /// `SHA3-384`
    Sha3_384,
    /// `SHA3-512`
    Sha3_512,
}

impl SecretDigest {
    /// Every hash.
    pub const ALL: [Self; 6] = [
        Self::Sha2_256,
        Self::Sha2_384,
        Self::Sha2_512,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha2_256 => "SHA2-256",
            Self::Sha2_384 => "SHA2-384",
            Self::Sha2_512 => "SHA2-512",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
        }
    }

    /// The hash that keys of this type make MACs with; `None` for other than HMAC keys.
    pub fn of(kind: KeyType) -> Option<Self> {
        Self::from_name(kind.name())
    }

    /// The hash with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_else_passes() {
        for kind in KeyType::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        for bad in ["", "secp256r1", "SECP256R1 ", "RSA2048", "AES"] {
            assert_eq!(bad.parse::<KeyType>(), Err(UnknownKeyType), "{bad}");
        }
        for digest in SecretDigest::ALL {
            assert_eq!(SecretDigest::from_name(digest.name()), Some(digest));
        }
    }
}
