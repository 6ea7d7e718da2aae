//! The texts that bodies are made of, for members whose own type can't say it. None of these types
//! has a value: they stand in `#[schemars(with = "...")]`.

use std::borrow::Cow;
use std::marker::PhantomData;

use hsm_profiles::{KeyType, Scheme, SecretDigest};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Declares a type without values that stands for one kind of text.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(
    /// Bytes in base64. Both alphabets are read, with padding or without; the standard one is
    /// written, with padding (hem.md A1). Bits of the last character that stand for nothing are 0.
    Base64,
    {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": concat!(
            "^([A-Za-z0-9+/_-]{4})*",
            "([A-Za-z0-9+/_-][AQgw](==)?|[A-Za-z0-9+/_-]{2}[AEIMQUYcgkosw048]=?)?$",
        ),
    }
);
text!(
    /// AES at a width, in a mode.
    CipherName,
    { "type": "string", "pattern": "^AES(128|192|256)-(ECB|CBC|GCM)$" }
);
text!(
    /// A hash of a shared secret.
    DigestName,
    { "type": "string", "enum": SecretDigest::ALL.map(SecretDigest::name) }
);
text!(
    /// A key's name: 16 bytes in hexadecimal.
    KidText,
    { "type": "string", "pattern": "^[0-9A-Fa-f]{32}$" }
);
text!(
    /// The type of a key.
    KeyTypeName,
    { "type": "string", "enum": KeyType::ALL.map(KeyType::name) }
);
text!(
    /// What people call a key (hem.md A9).
    Label,
    { "type": "string", "pattern": "^[ -~]{1,32}$" }
);
text!(
    /// A signature scheme.
    SchemeName,
    { "type": "string", "enum": Scheme::ALL.map(Scheme::name) }
);
text!(
    /// AES at a width.
    WidthName,
    { "type": "string", "pattern": "^AES(128|192|256)$" }
);

/// A body `T` that names a key beside: `kid` comes on top of its members.
pub(crate) struct Keyed<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Keyed<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Keyed<{}>", T::schema_id()).into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(schemas);
        let object = schema.ensure_object();
        let members = object.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(members) = members {
            let mut kid = KidText::json_schema(schemas);
            kid.insert("description".to_owned(), "The key's name.".into());
            members.insert("kid".to_owned(), kid.into());
        }
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required {
            required.insert(0, "kid".into());
        }
        schema
    }
}
