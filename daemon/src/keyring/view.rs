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
}
