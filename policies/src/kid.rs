//! The name of a key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// A Key ID: 16 bytes, written as 32 hexadecimal digits, taken in any case and given in lower case
/// (hem.md A9). It doubles as the `CKA_ID` of the token object.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kid([u8; 16]);

impl Kid {
    /// The KID of an asymmetric key: the first 16 bytes of the SHA-1 of its raw public key, in the
    /// encoding that the API returns (SEC1 compressed for the SECP curves). SHA-1 names keys here
    /// and protects nothing: the record's MAC does.
    pub fn of_public_key(raw: &[u8]) -> Self {
        let digest: [u8; 20] = Sha1::digest(raw).into();
        let mut kid = [0; 16];
        kid.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(kid)
    }

    /// The KID with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = BadKid;

    fn from_str(text: &str) -> Result<Self, BadKid> {
        let mut bytes = [0; 16];
        match base16ct::mixed::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == 16 => Ok(Self(bytes)),
            _ => Err(BadKid),
        }
    }
}

impl TryFrom<String> for Kid {
    type Error = BadKid;

    fn try_from(text: String) -> Result<Self, BadKid> {
        text.parse()
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.to_string()
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}

/// Not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a KID is 32 hexadecimal digits")]
pub struct BadKid;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_vectors() {
        let vectors = [
            ("34Y7sClsC9HhkXyR3lIEtJa+BwPMwFkVNMXY8HTnAUs=", "b40ebec2e14056459f6b480063c8fe65"),
            ("AmWHMI2mU68VmObAhUC06wuRksr/Z36l3vvASXM15SU4", "efea1f301ae4071952ae35c96719b897"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "de8a847bff8c343d69b853a215e6ee77"),
        ];
        for (public, kid) in vectors {
            let raw = crate::decode_base64(public).unwrap();
            assert_eq!(Kid::of_public_key(&raw).to_string(), kid);
        }
    }

    #[test]
    fn takes_any_case_and_nothing_else() {
        let kid: Kid = "B40EBEC2e14056459f6b480063c8fe65".parse().unwrap();
        assert_eq!(kid.to_string(), "b40ebec2e14056459f6b480063c8fe65");
        for bad in
            ["", "b40e", "b40ebec2e14056459f6b480063c8fe6", "g40ebec2e14056459f6b480063c8fe65"]
        {
            assert_eq!(bad.parse::<Kid>(), Err(BadKid), "{bad}");
        }
        assert!("b40ebec2e14056459f6b480063c8fe65ff".parse::<Kid>().is_err());
    }
}
