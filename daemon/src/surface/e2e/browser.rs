//! Browsers: they fetch the key of the device, and encrypt to it what they send.

use policies::{ExchangeSession, Kid, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use uuid::Uuid;

use super::ask::{Asked, DUE, END, Nothing, with_event};
use crate::exchange::{Event, Exchange, Form, Keys, Owner};
use crate::fault::Fault;
use crate::openapi::formats::KidText;
use crate::reply::Reply;
use crate::route::{Answer, Content, Header};

/// The key to encrypt to, and an event.
pub struct Sent {
    body: Half,
    event: Event,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "E2ePublicKey")]
struct Half {
    /// Hexadecimal digits.
    #[schemars(pattern("^([0-9A-F]{512}|[0-9A-F]{768})$"))]
    modulus: String,
    /// Hexadecimal digits.
    #[schemars(pattern("^[0-9A-F]+$"))]
    exponent: &'static str,
    /// The key's name.
    #[serde(rename = "keyIdentifier")]
    #[schemars(with = "KidText")]
    kid: Kid,
}

impl Answer for Sent {
    const HEADERS: &'static [Header] = SENT;

    fn reply(self) -> Reply {
        let reply = with_event(Reply::json(&self.body), &self.event);
        match http::HeaderValue::from_str(&Uuid::new_v4().simple().to_string()) {
            Ok(token) => reply.with(BIZ_TOKEN, token),
            Err(_) => reply,
        }
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Half>())
    }
}

/// `GET /v1/security/e2eKey`
pub async fn send(
    exchange: Exchange,
    leave: Permit<ExchangeSession>,
    ask: Asked<ExchangeSession, Nothing>,
) -> Result<Sent, Fault> {
    let (visitor, Nothing) = ask.judge()?;
    let half = exchange.public(&leave).await?;
    let body = Half {
        modulus: base16ct::upper::encode_string(&half.modulus),
        exponent: "10001",
        kid: half.kid,
    };
    let owner = Owner::new(leave.subject(), &visitor);
    let event = exchange.begin(leave, &owner, (Form::Browser, Keys::none()?)).await?;
    Ok(Sent { body, event })
}

const BIZ_TOKEN: http::HeaderName = http::HeaderName::from_static("biztoken");
const SENT: &[Header] = &[
    DUE,
    END,
    Header {
        name: "bizToken",
        about: "Names the session, for clients that keep such a name; nothing asks for it.",
        pattern: "^[0-9a-f]{32}$",
        needed: true,
    },
];
