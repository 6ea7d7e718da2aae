//! Keys as lists and searches show them (hem.md A9).

use policies::{Kid, encode_base64};
use schemars::JsonSchema;
use serde::Serialize;

use crate::keyring::{KeyView, Page};
use crate::openapi::formats::{Base64, KidText, Label};

/// What list and search answer.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Keys")]
pub struct Envelope {
    /// How many were passed over.
    offset: usize,
    /// Always 0.
    deleted: usize,
    /// How many there are in all pages.
    total: usize,
    /// How many are on this page.
    listed: usize,
    /// This page.
    list: Vec<Listed>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ListedKey")]
struct Listed {
    /// The key's name.
    #[schemars(with = "KidText")]
    kid: Kid,
    /// Unix seconds.
    created: u64,
    /// Flags, then the algorithm: such as `ATT,PKEY,ECDH,SECP384R1`.
    #[serde(rename = "type")]
    kind: String,
    /// 1 to 32 printable ASCII characters.
    #[schemars(with = "Label")]
    label: String,
    /// At most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    descr: Option<String>,
    /// Unix seconds; strictly increasing.
    updated: u64,
}

impl From<Page> for Envelope {
    fn from(page: Page) -> Self {
        let list: Vec<_> = page.keys.into_iter().map(Listed::from).collect();
        Self { offset: page.offset, deleted: 0, total: page.total, listed: list.len(), list }
    }
}

impl From<KeyView> for Listed {
    fn from(key: KeyView) -> Self {
        Self {
            kid: key.kid,
            created: key.created,
            kind: key.type_listed(),
            descr: (!key.descr.is_empty()).then(|| encode_base64(&key.descr)),
            label: key.label,
            updated: key.updated,
        }
    }
}
