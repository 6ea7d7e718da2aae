//! Bytes as this API writes them: lower-case hexadecimal digits.

use std::borrow::Cow;

use hsm_profiles::SecretBytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// Bytes that may be seen.
pub struct Hex(Vec<u8>);

/// Bytes that are wiped when they are dropped.
pub struct SecretHex(SecretBytes);

impl From<Vec<u8>> for Hex {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<SecretBytes> for SecretHex {
    fn from(secret: SecretBytes) -> Self {
        Self(secret)
    }
}

/// The bytes that `digits` stand for; `None` for anything but pairs of lower-case digits.
pub fn decode(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    base16ct::lower::decode_vec(digits).ok().map(Zeroizing::new)
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl Serialize for SecretHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = Zeroizing::new(base16ct::lower::encode_string(self.0.expose()));
        serializer.serialize_str(&digits)
    }
}

/// The schema of all bytes.
macro_rules! described {
    ($($name:ident)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                "Hex".into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" })
            }
        }
    )*};
}

described!(Hex SecretHex);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_lower_case_and_come_in_pairs() {
        assert_eq!(decode("00ff").unwrap().as_slice(), [0, 255]);
        assert_eq!(decode("").unwrap().as_slice(), [0; 0]);
        for bad in ["0", "0F", "0g", " 00", "00\n"] {
            assert!(decode(bad).is_none(), "{bad:?}");
        }
        assert_eq!(serde_json::to_value(Hex::from(vec![0, 255])).unwrap(), "00ff");
        let secret = SecretHex::from(SecretBytes::new(vec![1, 2]));
        assert_eq!(serde_json::to_value(secret).unwrap(), "0102");
    }
}
