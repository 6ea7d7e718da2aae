//! What is measured: what the API is asked for, each with one type of key.

use ::tests::make::Make;
use hsm_profiles::KeyType;

/// Something a key does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// ECDH P-256.
    Agree,
    /// HMAC-SHA-256.
    Hmac,
    /// ECDSA P-256 with SHA-256.
    Ecdsa,
    /// A pure Ed25519 signature.
    Ed25519,
    /// AES-256-GCM of [`Deed::message`].
    Encrypt,
    /// ML-KEM-768.
    Decapsulate,
    /// An ML-DSA-65 signature.
    MlDsa,
}

impl Deed {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Agree,
        Self::Hmac,
        Self::Ecdsa,
        Self::Ed25519,
        Self::Encrypt,
        Self::Decapsulate,
        Self::MlDsa,
    ];

    /// The one that `--only` names so.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }

    /// What `--only` and the JSON of a report call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agree => "ecdh",
            Self::Hmac => "hmac",
            Self::Ecdsa => "ecdsa",
            Self::Ed25519 => "ed25519",
            Self::Encrypt => "aes-gcm",
            Self::Decapsulate => "ml-kem",
            Self::MlDsa => "ml-dsa",
        }
    }

    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Agree => "ECDH P-256",
            Self::Hmac => "HMAC-SHA-256",
            Self::Ecdsa => "ECDSA P-256",
            Self::Ed25519 => "Ed25519 signature",
            Self::Encrypt => "AES-256-GCM of 1 KiB",
            Self::Decapsulate => "ML-KEM-768 decapsulation",
            Self::MlDsa => "ML-DSA-65 signature",
        }
    }

    /// The type of its key.
    pub(crate) const fn kind(self) -> KeyType {
        match self {
            Self::Agree | Self::Ecdsa => KeyType::Secp256r1,
            Self::Hmac => KeyType::Sha2_256,
            Self::Ed25519 => KeyType::Ed25519,
            Self::Encrypt => KeyType::Aes256,
            Self::Decapsulate => KeyType::MlKem768,
            Self::MlDsa => KeyType::MlDsa65,
        }
    }

    /// Whether the token of this run does it by itself. Otherwise the key is sealed, and the worker
    /// does it.
    pub(crate) fn is_native(self) -> bool {
        Make::current().holds(self.kind().name())
    }

    /// The numbers of connections at which it is measured, the largest last, beside the second
    /// measurement of what is raw.
    pub(crate) const fn connections(self) -> &'static [usize] {
        match self {
            Self::Agree => &[1, 8, 64],
            _ => &[64],
        }
    }

    /// What is signed, enciphered or authenticated.
    pub(crate) fn message(self) -> Vec<u8> {
        let length = if self == Self::Encrypt { 1024 } else { 32 };
        vec![0x5a; length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for deed in Deed::ALL {
            assert_eq!(Deed::from_name(deed.name()), Some(deed));
        }
        assert_eq!(Deed::from_name("rsa"), None);
    }
}
