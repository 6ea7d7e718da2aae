//! The four schemes.

use hsm_profiles::Group;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group to agree in, and the length of the key that comes out.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(rename = "KeyAgreementScheme")]
pub enum Scheme {
    /// Group 14 of RFC 3526, and a key of 128 bits.
    #[serde(rename = "SCHEME-AES1")]
    Aes1,
    /// Group 15 of RFC 3526, and a key of 256 bits.
    #[serde(rename = "SCHEME-AES2")]
    Aes2,
    /// P-256, and a key of 128 bits.
    #[serde(rename = "SCHEME-EC-AES1")]
    EcAes1,
    /// P-384, and a key of 256 bits.
    #[serde(rename = "SCHEME-EC-AES2")]
    EcAes2,
}

impl Scheme {
    /// In the order of preference.
    const ALL: [Self; 4] = [Self::EcAes2, Self::Aes2, Self::EcAes1, Self::Aes1];

    /// The one to take of `offered`, with a public key in `group`.
    pub(super) fn choose(offered: &[Self], group: Group) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.group() == group && offered.contains(scheme))
    }

    /// Its name on the wire and in the derivation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aes1 => "SCHEME-AES1",
            Self::Aes2 => "SCHEME-AES2",
            Self::EcAes1 => "SCHEME-EC-AES1",
            Self::EcAes2 => "SCHEME-EC-AES2",
        }
    }

    /// The bytes of its AES key.
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::Aes1 | Self::EcAes1 => 16,
            Self::Aes2 | Self::EcAes2 => 32,
        }
    }

    fn group(self) -> Group {
        match self {
            Self::Aes1 => Group::Modp2048,
            Self::Aes2 => Group::Modp3072,
            Self::EcAes1 => Group::P256,
            Self::EcAes2 => Group::P384,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_decides_and_has_to_be_offered() {
        for scheme in Scheme::ALL {
            let group = scheme.group();
            assert_eq!(Scheme::choose(&Scheme::ALL, group), Some(scheme));
            assert_eq!(Scheme::choose(&[scheme], group), Some(scheme));
            let others: Vec<_> = Scheme::ALL.into_iter().filter(|other| *other != scheme).collect();
            assert_eq!(Scheme::choose(&others, group), None);
            assert_eq!(serde_json::to_value(scheme).unwrap(), scheme.name());
        }
    }
}
