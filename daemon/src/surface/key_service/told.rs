//! What this API answers.

use audit::{Entry, Ext};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keyservice::format::answer::Answer as Written;
use crate::keyservice::format::choice::Format;
use crate::pipeline::LargePlace;
use crate::reply::Reply;
use crate::route::{Answer, Content};

/// A key.
pub struct Key {
    pub(super) body: Body,
    /// What the log says of it.
    pub(super) shown: Ext,
}

/// Messages.
pub enum Found {
    /// There are some.
    Messages(Body),
    /// There are none.
    Nothing,
    /// Nobody asked for any: the page that explains the service.
    Page,
}

/// That it was done.
pub struct Sent(pub(super) Body);

/// That it is gone.
pub struct Gone(pub(super) Body);

/// A body in its form.
pub struct Body {
    text: Bytes,
    media_type: &'static str,
}

impl Body {
    pub(super) fn of(answer: &Written<'_>, format: Format) -> Result<Self, Fault> {
        Self::large(answer, format, None)
    }

    /// The same; it keeps its place until the last of it was sent.
    pub(super) fn large(
        answer: &Written<'_>,
        format: Format,
        place: LargePlace,
    ) -> Result<Self, Fault> {
        let text = Bytes::from_owner(Held { text: answer.write(format)?, _place: place });
        Ok(Self { text, media_type: format.media_type() })
    }

    fn reply(self) -> Reply {
        Reply::typed(StatusCode::OK, self.text, self.media_type)
    }
}

/// A text, which is wiped, and its place.
struct Held {
    text: Zeroizing<Vec<u8>>,
    _place: LargePlace,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Answer for Key {
    fn reply(self) -> Reply {
        self.body.reply()
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        in_either(key_schema())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(self.shown.clone());
    }
}

impl Answer for Found {
    fn reply(self) -> Reply {
        match self {
            Self::Messages(body) => body.reply(),
            Self::Nothing => Reply::bare(StatusCode::NOT_MODIFIED),
            Self::Page => {
                let page = Bytes::from_static(PAGE.as_bytes());
                Reply::typed(StatusCode::OK, page, "text/html; charset=utf-8")
                    .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"))
                    .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
            }
        }
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        let schema = json_schema!({ "type": "array", "items": message_schema() });
        match in_either(schema) {
            Content::Several(mut types) => {
                types.push(("text/html", Some(json_schema!({ "type": "string" }))));
                Content::Several(types)
            }
            other => other,
        }
    }
}

impl Answer for Sent {
    fn reply(self) -> Reply {
        self.0.reply()
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        in_either(json_schema!({ "const": true }))
    }
}

impl Answer for Gone {
    fn reply(self) -> Reply {
        self.0.reply()
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        in_either(json_schema!({ "const": GONE }))
    }
}

fn in_either(schema: Schema) -> Content {
    let xml = |name| (name, None);
    Content::Several(vec![
        ("application/json", Some(schema)),
        xml("application/xml"),
        xml("text/xml"),
    ])
}

fn key_schema() -> Schema {
    let (text, truth) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let empty = json!({ "type": "array", "maxItems": 0 });
    let date = json!({ "type": "string", "pattern": DATE });
    let maybe = |what: &serde_json::Value| json!({ "anyOf": [what, { "type": "null" }] });
    let digits = json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" });
    object(&json!({
        "IsReleased": truth, "KeyId": { "type": "integer" }, "KeyToken": digits,
        "PublicKey": text, "PrivateKey": maybe(&text), "PrivateKeyHash": maybe(&text),
        "IsPrivateKeyEncrypted": truth, "IsPublicKeyOnly": truth,
        "RequestDate": date, "ReleaseDate": date, "LockDate": maybe(&date),
        "DeleteMessagesAfterReading": truth, "DeleteKeyAfterReading": truth,
        "Notifications": empty, "Messages": empty, "MessagesSerialized": empty, "URI": digits,
    }))
}

fn message_schema() -> Schema {
    let (text, truth) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let maybe = json!({ "anyOf": [text, { "type": "null" }] });
    object(&json!({
        "MessageId": { "type": "integer" }, "EncryptionKey": maybe, "MessageData": text,
        "Created": { "type": "string", "pattern": DATE }, "MessageHash": text,
        "IsFile": truth, "TemporaryDownloadId": maybe,
    }))
}

/// All of these members are always there.
fn object(members: &serde_json::Value) -> Schema {
    let names: Vec<_> = members.as_object().into_iter().flat_map(|all| all.keys()).collect();
    json_schema!({ "type": "object", "required": names, "properties": members })
}

/// What a deletion is answered.
pub(super) const GONE: &str = "Deleted.";
const DATE: &str = r"^/Date\([0-9]+\)/$";
const PAGE: &str = include_str!("page.html");
