//! Algorithms under their names in the HEM API (hem.md A10).

use serde::{Deserialize, Serialize};

use crate::key_type::{Family, KeyType};

/// A signature scheme: `alg` of `crypto/exdsa`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Scheme {
    /// `SHA256WithECDSA` (FIPS 186-5), on any of the SECP curves.
    EcdsaSha256,
    /// `SHA384WithECDSA`
    EcdsaSha384,
    /// `SHA512WithECDSA`
    EcdsaSha512,
    /// `Ed25519` (RFC 8032): no context, and none is mixed in where one is given.
    Ed25519,
    /// `Ed25519ctx`: needs a context of 1 to 255 bytes.
    Ed25519Ctx,
    /// `Ed25519ph`: context of up to 255 bytes.
    Ed25519Ph,
    /// `Ed448`: context of up to 255 bytes.
    Ed448,
    /// `Ed448ph`: context of up to 255 bytes.
    Ed448Ph,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 8] = [
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Ed25519,
        Self::Ed25519Ctx,
        Self::Ed25519Ph,
        Self::Ed448,
        Self::Ed448Ph,
    ];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaSha256 => "SHA256WithECDSA",
            Self::EcdsaSha384 => "SHA384WithECDSA",
            Self::EcdsaSha512 => "SHA512WithECDSA",
            Self::Ed25519 => "Ed25519",
            Self::Ed25519Ctx => "Ed25519ctx",
            Self::Ed25519Ph => "Ed25519ph",
            Self::Ed448 => "Ed448",
            Self::Ed448Ph => "Ed448ph",
        }
    }

    /// The scheme with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether keys of this type sign so.
    pub fn suits(self, kind: KeyType) -> bool {
        match self {
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => {
                kind.family() == Family::Weierstrass
            }
            Self::Ed25519 | Self::Ed25519Ctx | Self::Ed25519Ph => kind == KeyType::Ed25519,
            Self::Ed448 | Self::Ed448Ph => kind == KeyType::Ed448,
        }
    }
}

/// A way to encipher: `alg` of `crypto/cipher/encrypt`, such as `AES256-GCM`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cipher {
    /// How blocks are chained.
    pub mode: Mode,
    /// The length of the key.
    pub width: Width,
}

/// How blocks are chained.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Mode {
    /// With an initialisation vector of 16 bytes, padded as PKCS#7 says.
    Cbc,
    /// Not at all: equal blocks stay equal.
    Ecb,
    /// SP 800-38D, with a nonce and a tag of 16 bytes each.
    Gcm,
    /// The same with a nonce of 12 bytes. It has no name in the HEM API.
    Gcm96,
}

impl Mode {
    /// Whether it is one of the two forms of GCM.
    pub const fn is_gcm(self) -> bool {
        matches!(self, Self::Gcm | Self::Gcm96)
    }
}

/// The length of an AES key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Width {
    /// 16 bytes
    Aes128,
    /// 24 bytes
    Aes192,
    /// 32 bytes
    Aes256,
}

impl Cipher {
    /// The cipher with this name in the API.
    pub fn from_name(name: &str) -> Option<Self> {
        let (width, mode) = name.split_once('-')?;
        let mode = match mode {
            "CBC" => Mode::Cbc,
            "ECB" => Mode::Ecb,
            "GCM" => Mode::Gcm,
            _ => return None,
        };
        Some(Self { mode, width: Width::from_name(width)? })
    }
}

impl Width {
    /// The width with this name in the API: `AES128`, `AES192` or `AES256`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok().and_then(Self::of)
    }

    /// The width of keys of this type; `None` for what is no AES key.
    pub fn of(kind: KeyType) -> Option<Self> {
        match kind {
            KeyType::Aes128 => Some(Self::Aes128),
            KeyType::Aes192 => Some(Self::Aes192),
            KeyType::Aes256 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// The type of keys of this width.
    pub const fn kind(self) -> KeyType {
        match self {
            Self::Aes128 => KeyType::Aes128,
            Self::Aes192 => KeyType::Aes192,
            Self::Aes256 => KeyType::Aes256,
        }
    }

    /// The widths of less bytes.
    pub fn narrower(self) -> impl Iterator<Item = Self> {
        [Self::Aes128, Self::Aes192].into_iter().filter(move |width| *width < self)
    }

    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
            assert!(KeyType::ALL.into_iter().any(|kind| scheme.suits(kind)));
        }
        for bad in ["", "ed25519", "Ed25519 ", "SHA1WithECDSA", "SHA3-256WithECDSA"] {
            assert_eq!(Scheme::from_name(bad), None, "{bad}");
        }
        let gcm = Cipher { mode: Mode::Gcm, width: Width::Aes192 };
        assert_eq!(Cipher::from_name("AES192-GCM"), Some(gcm));
        for bad in ["", "AES", "AES256", "AES256-", "AES512-GCM", "AES256-CTR", "SHA2-256", "-ECB"]
        {
            assert_eq!(Cipher::from_name(bad), None, "{bad}");
        }
        assert_eq!(Width::from_name("SHA2-256"), None);
    }
}
