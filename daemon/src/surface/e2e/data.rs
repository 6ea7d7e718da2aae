//! Sensitive data: a payload is opened for whoever may have it, once.

use hsm_profiles::SecretBytes;
use policies::{OpenFrame, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::ask::{Asked, TOLD, with_event};
use crate::exchange::{Event, Exchange};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::route::{Answer, Content, Header};

/// A payload.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "E2eData")]
pub struct Payload {
    /// As the session has them: hexadecimal digits, or a ciphertext and its MAC in base64 with a
    /// full stop between.
    #[serde(rename = "encryptedPayload")]
    encrypted_payload: String,
    /// What is to be done with it other than to hand it out: nothing is served.
    purpose: Option<String>,
}

/// What was in a payload.
pub struct Opened {
    body: OpenedBody,
    event: Event,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "E2eOpened")]
struct OpenedBody {
    /// `a` a PIN, `b` a password, `c` the data of a form.
    #[serde(rename = "type")]
    #[schemars(with = "String", pattern("^[abc]$"))]
    kind: char,
    /// In base64.
    #[serde(serialize_with = "in_base64")]
    #[schemars(with = "String")]
    data: SecretBytes,
}

impl Answer for Opened {
    const HEADERS: &'static [Header] = TOLD;

    fn reply(self) -> Reply {
        with_event(Reply::secret_json(&self.body), &self.event)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<OpenedBody>())
    }
}

/// `POST /v1/security/e2eData`
pub async fn open(
    exchange: Exchange,
    leave: Permit<OpenFrame>,
    ask: Asked<OpenFrame, Payload>,
) -> Result<Opened, Fault> {
    let (visitor, Payload { encrypted_payload, purpose }) = ask.judge()?;
    if purpose.is_some() {
        let why = "this device does nothing with a payload but to open it: leave purpose out";
        return Err(Fault::Failed(why.into()).coded("businessValidationFailed", "body/purpose"));
    }
    let owner = visitor.owner(leave.subject());
    let (opened, event) = exchange.take(&leave, &owner, &encrypted_payload).await?;
    Ok(Opened { body: OpenedBody { kind: opened.kind, data: opened.data }, event })
}

fn in_base64<S: Serializer>(data: &SecretBytes, serializer: S) -> Result<S::Ok, S::Error> {
    let text = Zeroizing::new(policies::encode_base64(data.expose()));
    serializer.serialize_str(&text)
}
