//! `/rest/key-agreement`.

use std::borrow::Cow;

use audit::{Entry, Ext};
use policies::{Open, Permit, decode_base64, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::agreement::{Agreed, Agreements, Offer, PeerKey, Scheme};
use crate::fault::Fault;
use crate::inbound::{Inbound, Peer};
use crate::openapi::formats::Base64;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Content, Request};

/// The path of the one operation whose 400 has an empty body.
pub(super) const PATH: &str = "/rest/key-agreement";

/// `POST /rest/key-agreement`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "KeyAgreement")]
pub struct Ask {
    /// Who the client is: 1 to 256 bytes of its own making.
    #[schemars(with = "Base64")]
    identifier: String,
    /// 16 to 64 random bytes.
    #[schemars(with = "Base64")]
    nonce: String,
    /// The client's public key: raw (a number of 256 or 384 bytes, or a point of 65 or 97), or a
    /// SubjectPublicKeyInfo in DER.
    #[schemars(with = "Base64")]
    public_key: String,
    /// The schemes that the client can do, each once.
    #[schemars(transform = some_of_them)]
    supported_schemes: Vec<Scheme>,
    /// Where it comes from.
    #[serde(skip)]
    peer: Option<Peer>,
}

impl Request for Ask {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self { peer: inbound.peer, ..inbound.json()? })
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<Self>())
    }

    /// Where it comes from, as long as there is nothing better to say.
    fn concerns(&self) -> Ext {
        self.peer.map_or(Ext::None, |Peer(address)| Ext::Text(address.to_string()))
    }
}

/// What `key-agreement` answers.
pub struct Done(Agreed);

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "KeyAgreed")]
struct DoneBody {
    /// The reference by which a login calls for the key, once, within two minutes.
    client_reference_id: Uuidv4,
    /// Who the device is.
    #[schemars(with = "Base64")]
    identifier: String,
    /// An HMAC that shows that the device has the key, 32 bytes.
    #[schemars(with = "Base64")]
    proof: String,
    /// The device's public key, in the form of the client's.
    #[schemars(with = "Base64")]
    public_key: String,
    /// The scheme.
    scheme: Scheme,
}

impl Answer for Done {
    fn reply(self) -> Reply {
        let Agreed { reference, identifier, proof, public, scheme } = self.0;
        Reply::json(&DoneBody {
            client_reference_id: Uuidv4(reference),
            identifier: encode_base64(&identifier),
            proof: encode_base64(&proof),
            public_key: encode_base64(&public),
            scheme,
        })
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<DoneBody>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Text(format!("{} {}", self.0.name(), self.0.scheme.name())));
    }
}

/// Agrees on a key for a login.
pub async fn agree(agreements: Agreements, leave: Permit<Open>, ask: Ask) -> Result<Done, Fault> {
    let identifier = bytes("identifier", &ask.identifier, 1..=256)?;
    let nonce = bytes("nonce", &ask.nonce, 16..=64)?;
    let peer = decode_base64(&ask.public_key).and_then(|bytes| PeerKey::parse(&bytes));
    let peer = peer.ok_or(Fault::Invalid(NO_KEY.into()))?;
    let schemes = ask.supported_schemes;
    let twice = |(at, scheme)| schemes.iter().take(at).any(|earlier| earlier == scheme);
    if schemes.is_empty() || schemes.iter().enumerate().any(twice) {
        let why = "supported_schemes must name at least one scheme, and none twice";
        return Err(Fault::Invalid(why.into()));
    }
    let origin = ask.peer.map(Peer::household);
    let offer =
        Offer { origin, identifier: &identifier, nonce: &nonce, peer: &peer, schemes: &schemes };
    agreements.agree(&leave, offer).await.map(Done)
}

fn bytes(
    name: &str,
    text: &str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<Vec<u8>, Fault> {
    let bytes = decode_base64(text).filter(|bytes| lengths.contains(&bytes.len()));
    bytes.ok_or_else(|| {
        let (least, most) = (lengths.start(), lengths.end());
        Fault::Invalid(format!("{name} must be base64 of {least} to {most} bytes").into())
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Uuidv4(#[serde(serialize_with = "as_text")] Uuid);

fn as_text<S: serde::Serializer>(uuid: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(uuid)
}

impl JsonSchema for Uuidv4 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Uuidv4".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
}

fn some_of_them(schema: &mut Schema) {
    schema.insert("minItems".to_owned(), json!(1));
    schema.insert("uniqueItems".to_owned(), json!(true));
}

const NO_KEY: &str = "public_key must be base64 of a key of P-256, P-384 or group 14 or 15 of \
    RFC 3526, raw or as a SubjectPublicKeyInfo, and one that is safe to use";
