//! What callers get to see of a key.

use hsm_profiles::{Family, KeyType};
use policies::Kid;

use crate::store::{Flags, Record};

/// What may be shown of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyView {
    /// Its name.
    pub kid: Kid,
    /// Its type.
    pub kind: KeyType,
    /// What its owner calls it.
    pub label: String,
    /// What its owner wrote down with it, raw; empty where there is nothing.
    pub descr: Vec<u8>,
    /// When it was created or imported, in Unix seconds.
    pub created: u64,
    /// When it last changed, in Unix seconds; strictly increasing.
    pub updated: u64,
    /// Its raw public key, SEC1 compressed for the SECP curves; `None` for symmetric keys.
    pub public: Option<Vec<u8>>,
    flags: Flags,
}

impl KeyView {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            kid: record.kid,
            kind: record.kind,
            label: record.label.clone(),
            descr: record.descr.clone(),
            created: record.created,
            updated: record.updated,
            public: record.public.clone(),
            flags: record.flags,
        }
    }

    /// The type as lists show it: flags, then the algorithm, joined by commas, such as
    /// `ATT,PKEY,ECDH,ExDSA,SECP384R1` (hem.md A9, envelope).
    pub fn type_listed(&self) -> String {
        let is_pqc = matches!(self.kind.family(), Family::MlDsa | Family::MlKem);
        let shown = [
            (self.flags.attested, "ATT"),
            (self.flags.private, "PKEY"),
            (self.flags.agree, "ECDH"),
            (self.flags.sign && !is_pqc, "ExDSA"),
            (is_pqc, "PQC"),
            (true, self.kind.name()),
        ];
        let words: Vec<_> =
            shown.into_iter().filter_map(|(is_shown, word)| is_shown.then_some(word)).collect();
        words.join(",")
    }

    /// The type as `get` shows it: the bare algorithm for asymmetric keys, the form of lists for
    /// symmetric ones (hem.md A9, get).
    pub fn type_read(&self) -> String {
        match self.kind.is_asymmetric() {
            true => self.kind.name().to_owned(),
            false => self.type_listed(),
        }
    }

    /// The type as a number, for the screens of authenticators: the flags of
    /// [`type_listed`](Self::type_listed), and the vendor's number of the algorithm in the low byte.
    /// 0 stands there for post-quantum types, to which no number is published.
    pub fn type_number(&self) -> u16 {
        let flags = [
            (self.kind.is_asymmetric(), 0x8000),
            (self.flags.attested, 0x4000),
            (self.flags.private, 0x2000),
            (self.flags.agree, 0x0800),
            (self.flags.sign && self.number() != 0, 0x0400),
        ];
        let set = flags.into_iter().filter_map(|(is_set, bit)| is_set.then_some(bit));
        set.fold(self.number(), |number, bit| number | bit)
    }

    fn number(&self) -> u16 {
        match self.kind {
            KeyType::Secp256r1 | KeyType::Sha2_256 => 10,
            KeyType::Secp384r1 | KeyType::Sha2_384 => 11,
            KeyType::Secp521r1 | KeyType::Sha2_512 => 12,
            KeyType::Secp256k1 | KeyType::Sha3_256 => 13,
            KeyType::Sha3_384 => 14,
            KeyType::Sha3_512 => 15,
            KeyType::Curve25519 => 20,
            KeyType::Curve448 => 21,
            KeyType::Ed25519 => 22,
            KeyType::Ed448 => 23,
            KeyType::Aes128 => 30,
            KeyType::Aes192 => 31,
            KeyType::Aes256 => 32,
            KeyType::MlDsa44
            | KeyType::MlDsa65
            | KeyType::MlDsa87
            | KeyType::MlKem512
            | KeyType::MlKem768
            | KeyType::MlKem1024 => 0,
        }
    }
}
