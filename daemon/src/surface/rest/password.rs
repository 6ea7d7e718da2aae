//! A password as clients send it: one text, or several that are joined.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A string, an array of characters (the form of the vendor's description), or an array with one
/// string: its elements are joined.
pub(super) struct Password(Zeroizing<String>);

impl Password {
    /// The password; `None` where it is empty.
    pub(super) fn text(self) -> Option<Zeroizing<String>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Pieces)
    }
}

impl JsonSchema for Password {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] })
    }
}

struct Pieces;

impl<'de> Visitor<'de> for Pieces {
    type Value = Password;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password: a string, or an array of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Password, E> {
        Ok(Password(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Password, E> {
        Ok(Password(Zeroizing::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Password, A::Error> {
        // A text that grows leaves copies behind: this is as long as any body.
        let mut whole = Zeroizing::new(String::with_capacity(LONGEST));
        while let Some(piece) = pieces.next_element::<Piece>()? {
            if whole.len() + piece.0.len() > LONGEST {
                return Err(A::Error::custom("the password is too long"));
            }
            whole.push_str(&piece.0);
        }
        Ok(Password(whole))
    }
}

struct Piece(Zeroizing<String>);

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source).map(|text| Self(Zeroizing::new(text)))
    }
}

const LONGEST: usize = crate::route::DEFAULT_BODY_LIMIT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_the_same_password() {
        let read =
            |json: &str| serde_json::from_str::<Password>(json).ok().and_then(Password::text);
        for json in [r#""a\u00e9b""#, r#"["a", "é", "b"]"#, r#"["aéb"]"#, r#"["a", "éb", ""]"#] {
            assert_eq!(read(json).as_deref().map(String::as_str), Some("aéb"), "{json}");
        }
        for bad in ["\"\"", "[]", "[\"\"]", "7", "null", "[7]", "[[\"a\"]]", "{}"] {
            assert!(read(bad).is_none(), "{bad}");
        }
        let error = serde_json::from_str::<Password>("[\"s3cret\", 7]").err().unwrap();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
