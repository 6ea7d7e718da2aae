//! The 23 types of keys (A9) and what the API's description says of each.

use std::collections::BTreeSet;

/// A type of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its keys do.
    pub(crate) family: Family,
    /// The length of a raw public key in bytes; 0 for symmetric keys.
    pub(crate) public: usize,
    /// Curves: bytes of a shared secret. Hashes, AES: of the key.
    pub(crate) secret: usize,
}

/// What keys do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    /// ECDH and ECDSA, as `mode` says.
    Secp,
    /// ECDH.
    Montgomery,
    /// EdDSA.
    Edwards,
    /// HMAC.
    Hash,
    /// Ciphers and key wrapping.
    Aes,
    /// ML-KEM.
    Kem,
    /// ML-DSA.
    Dsa,
}

impl Kind {
    /// Those of these families.
    pub(crate) fn of(families: &[Family]) -> Vec<Self> {
        KINDS.into_iter().filter(|kind| families.contains(&kind.family)).collect()
    }

    /// The 14 with a public half, which can be imported.
    pub(crate) fn asymmetric() -> Vec<Self> {
        KINDS.into_iter().filter(|kind| kind.public > 0).collect()
    }

    /// The six that agree on secrets.
    pub(crate) fn agreeing() -> Vec<Self> {
        Self::of(&[Family::Secp, Family::Montgomery])
    }

    /// The 17 that can be derived.
    pub(crate) fn derived() -> Vec<Self> {
        use Family::{Aes, Edwards, Hash, Montgomery, Secp};
        Self::of(&[Secp, Montgomery, Edwards, Hash, Aes])
    }

    /// The `mode` that lets its keys do all they can.
    pub(crate) fn full_mode(self) -> Option<&'static str> {
        (self.family == Family::Secp).then_some("ECDH,ExDSA")
    }

    /// What `type` says in lists of a key that was created (`own`) or imported, of all that its type
    /// can do.
    pub(crate) fn flags(self, own: bool) -> BTreeSet<&'static str> {
        let mut flags = BTreeSet::from([self.name]);
        flags.extend(match self.family {
            Family::Secp => &["ECDH", "ExDSA"][..],
            Family::Montgomery => &["ECDH"],
            Family::Edwards => &["ExDSA"],
            Family::Kem | Family::Dsa => &["PQC"],
            Family::Hash | Family::Aes => &[],
        });
        if own {
            flags.insert("ATT");
            if self.public > 0 {
                flags.insert("PKEY");
            }
        }
        flags
    }
}

const fn kind(name: &'static str, family: Family, public: usize, secret: usize) -> Kind {
    Kind { name, family, public, secret }
}

/// All of them.
pub(crate) const KINDS: [Kind; 23] = [
    kind("SECP256R1", Family::Secp, 33, 32),
    kind("SECP384R1", Family::Secp, 49, 48),
    kind("SECP521R1", Family::Secp, 67, 66),
    kind("SECP256K1", Family::Secp, 33, 32),
    kind("CURVE25519", Family::Montgomery, 32, 32),
    kind("CURVE448", Family::Montgomery, 56, 56),
    kind("ED25519", Family::Edwards, 32, 0),
    kind("ED448", Family::Edwards, 57, 0),
    kind("SHA2-256", Family::Hash, 0, 32),
    kind("SHA2-384", Family::Hash, 0, 48),
    kind("SHA2-512", Family::Hash, 0, 64),
    kind("SHA3-256", Family::Hash, 0, 32),
    kind("SHA3-384", Family::Hash, 0, 48),
    kind("SHA3-512", Family::Hash, 0, 64),
    kind("AES128", Family::Aes, 0, 16),
    kind("AES192", Family::Aes, 0, 24),
    kind("AES256", Family::Aes, 0, 32),
    kind("MLKEM512", Family::Kem, 800, 0),
    kind("MLKEM768", Family::Kem, 1184, 0),
    kind("MLKEM1024", Family::Kem, 1568, 0),
    kind("MLDSA44", Family::Dsa, 1312, 0),
    kind("MLDSA65", Family::Dsa, 1952, 0),
    kind("MLDSA87", Family::Dsa, 2592, 0),
];
