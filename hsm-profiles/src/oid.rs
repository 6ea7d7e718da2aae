//! Object identifiers, as `CKA_EC_PARAMS` names curves.

use std::str::FromStr;

use serde::Deserialize;

/// An object identifier, written with dots, kept in DER (X.690, 8.19).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Oid(Vec<u8>);

impl Oid {
    /// Tag, length and value.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Oid {
    type Err = BadOid;

    fn from_str(text: &str) -> Result<Self, BadOid> {
        let arcs: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let arcs = arcs.map_err(|_| BadOid)?;
        let [first, second, rest @ ..] = arcs.as_slice() else {
            return Err(BadOid);
        };
        if *first > 2 || *second > 39 {
            return Err(BadOid);
        }
        let mut value = Vec::new();
        push_arc(&mut value, first * 40 + second);
        rest.iter().for_each(|arc| push_arc(&mut value, *arc));
        let length = u8::try_from(value.len()).ok().filter(|length| *length < 128).ok_or(BadOid)?;
        let mut der = vec![TAG, length];
        der.append(&mut value);
        Ok(Self(der))
    }
}

impl TryFrom<String> for Oid {
    type Error = BadOid;

    fn try_from(text: String) -> Result<Self, BadOid> {
        text.parse()
    }
}

/// Not an object identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an object identifier, such as 1.2.840.10045.3.1.7")]
pub struct BadOid;

/// Seven bits a byte, the highest first, all but the last with their top bit set.
fn push_arc(value: &mut Vec<u8>, arc: u32) {
    for shift in [28, 21, 14, 7] {
        if arc >> shift != 0 {
            let [.., low] = (arc >> shift).to_be_bytes();
            value.push(low | 0x80);
        }
    }
    let [.., low] = arc.to_be_bytes();
    value.push(low & 0x7f);
}

const TAG: u8 = 0x06;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_have_the_encoding_of_their_standards() {
        for (text, der) in [
            ("1.2.840.10045.3.1.7", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7][..]),
            ("1.3.132.0.10", &[6, 5, 0x2b, 0x81, 4, 0, 10]),
            ("1.3.101.110", &[6, 3, 0x2b, 0x65, 0x6e]),
        ] {
            assert_eq!(text.parse::<Oid>().unwrap().der(), der, "{text}");
        }
        for bad in ["", "1", "1.2.x", "3.1", "1.40", "1..2"] {
            assert_eq!(bad.parse::<Oid>(), Err(BadOid), "{bad}");
        }
    }
}
