//! The parameters as the description has them.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use crate::route::Header;

/// A parameter: its name, and what it is.
pub(super) type Field = (&'static str, &'static str);

/// An object of these, as a body has them or a query.
pub(super) fn schema(fields: &[&Field]) -> Schema {
    let mut members: Map<_, _> = fields
        .iter()
        .map(|(name, about)| {
            let mut member = match *name {
                FILES => json!({
                    "type": "array",
                    "items": { "type": "string", "format": "binary" },
                }),
                _ => json!({ "type": "string" }),
            };
            if let Some(member) = member.as_object_mut() {
                member.insert("description".to_owned(), (*about).into());
            }
            ((*name).to_owned(), member)
        })
        .collect();
    members.sort_keys();
    json_schema!({ "type": "object", "properties": members })
}

/// The parameters that say how to answer, and others, as a query has them.
pub(super) fn query(fields: &[&Field]) -> Schema {
    let mut schema = schema(fields);
    let formats = json!({
        "type": "string", "enum": ["json", "xml"], "description": "How to answer; else Accept says.",
    });
    let version =
        json!({ "type": "string", "enum": ["1"], "description": "The version of the service." });
    if let Some(Value::Object(members)) = schema.get_mut("properties") {
        members.insert("format".to_owned(), formats);
        members.insert("v".to_owned(), version);
    }
    schema
}

/// Those that may also be headers.
pub(super) const HEADERS: &[Header] = &[
    Header { name: "token", about: TOKEN.1, pattern: ANY, needed: false },
    Header { name: "passphrase", about: PASSPHRASE.1, pattern: ANY, needed: false },
    Header { name: "privatekeyhash", about: HASH.1, pattern: ANY, needed: false },
];

/// What bodies are.
pub(super) const FORMS: &[&str] = &["application/x-www-form-urlencoded", "multipart/form-data"];

pub(super) const ENCRYPTED: Field = ("encryptedmessage", "A message that is encrypted already.");
pub(super) const ENCRYPTION_KEY: Field =
    ("encryptionkey", "What opens it, encrypted to the public half of the key.");
pub(super) const FILE_FIELDS: Field =
    (FILES, "Files, each of which becomes a message; any name will do.");
pub(super) const HASH: Field =
    ("privatekeyhash", "What opens a key without its passphrase: 64 hexadecimal digits.");
pub(super) const IS_FILE: Field = ("isfile", "Whether it holds a file: true or false (false).");
pub(super) const MESSAGE: Field = ("message", "A text to be encrypted here.");
pub(super) const PASSPHRASE: Field = ("passphrase", "The passphrase of a key, 1 to 1024 bytes.");
pub(super) const PRIVATE: Field =
    ("privatekey", "The private half, encrypted, in any form: kept as it came.");
pub(super) const PUBLIC: Field =
    ("publickey", "A public RSA key of 1024 to 8192 bits, RSAKeyValue or PEM.");
pub(super) const RELEASE: Field =
    ("releasedate", "Messages can be read from then on, such as 2030-01-02T03:04:05Z.");
pub(super) const TOKEN: Field = ("token", "The name of a key, 32 hexadecimal digits.");

const ANY: &str = "^.*$";
const FILES: &str = "files";
