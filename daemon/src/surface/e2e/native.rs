//! Native clients: they send the keys of a session, encrypted to the device.

use http::StatusCode;
use policies::{ExchangeSession, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;

use super::ask::{Asked, TOLD, check_digit, with_event, wrong};
use crate::exchange::{Event, Exchange, Form, Owner};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::route::{Answer, Content, Header};

/// What a client of the first version sends.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "E2eKey")]
pub struct One {
    /// The initialisation vector (16 bytes), then the key encrypted to the device: hexadecimal
    /// digits.
    #[serde(rename = "encryptedKey")]
    encrypted_key: String,
    /// The check digit of the key.
    #[serde(rename = "checkDigit")]
    #[schemars(pattern("^[0-9A-Fa-f]{6}$"))]
    check_digit: String,
    /// `AES`, also where it is left out.
    #[expect(dead_code, reason = "there is one")]
    algorithm: Option<Algorithm>,
}

/// What a client of the second version sends.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "E2eKeys")]
pub struct Two {
    #[expect(dead_code, reason = "there is one")]
    algorithm: Algorithm,
    /// Key, initialisation vector and key for MACs as 160 hexadecimal digits, encrypted to the
    /// device: hexadecimal digits, of which leading zeros may lack.
    #[serde(rename = "encryptedPayload")]
    encrypted_payload: String,
    /// The check digit of the key.
    #[serde(rename = "encKeyCheckDigit")]
    #[schemars(pattern("^[0-9A-Fa-f]{6}$"))]
    cipher: String,
    /// The check digit of the key for MACs, as a key of AES.
    #[serde(rename = "hmacKeyCheckDigit")]
    #[schemars(pattern("^[0-9A-Fa-f]{6}$"))]
    mac: String,
}

/// What the keys are for.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "E2eAlgorithm")]
enum Algorithm {
    #[serde(rename = "AES")]
    Aes,
}

/// The session stands: 201.
pub struct Created(Event);

/// The session stands: 200.
pub struct Stored(Event);

impl Answer for Created {
    const HEADERS: &'static [Header] = TOLD;

    fn reply(self) -> Reply {
        with_event(Reply::empty(StatusCode::CREATED), &self.0)
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Empty
    }
}

impl Answer for Stored {
    const HEADERS: &'static [Header] = TOLD;

    fn reply(self) -> Reply {
        with_event(Reply::empty(StatusCode::OK), &self.0)
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Empty
    }
}

/// `POST /v1/security/e2eKey`
pub async fn store_one(
    exchange: Exchange,
    leave: Permit<ExchangeSession>,
    ask: Asked<ExchangeSession, One>,
) -> Result<Created, Fault> {
    let (visitor, One { encrypted_key, check_digit: digit, algorithm: _ }) = ask.judge()?;
    let digit = check_digit("body/checkDigit", &digit)?;
    let owner = Owner::new(leave.subject(), &visitor);
    let keys = exchange.receive_key(&leave, &owner, &encrypted_key, &digit).await?;
    exchange.begin(leave, &owner, (Form::One, keys)).await.map(Created)
}

/// `POST /security/e2e/key`
pub async fn store_two(
    exchange: Exchange,
    leave: Permit<ExchangeSession>,
    ask: Asked<ExchangeSession, Two>,
) -> Result<Stored, Fault> {
    let (visitor, body) = ask.judge()?;
    let cipher = check_digit("body/encKeyCheckDigit", &body.cipher)?;
    let mac = check_digit("body/hmacKeyCheckDigit", &body.mac)?;
    if body.encrypted_payload.is_empty() {
        return Err(wrong("body/encryptedPayload", "encryptedPayload is empty"));
    }
    let owner = Owner::new(leave.subject(), &visitor);
    let payload = &body.encrypted_payload;
    let keys = exchange.receive_keys(&leave, &owner, payload, (&cipher, &mac)).await?;
    exchange.begin(leave, &owner, (Form::Two, keys)).await.map(Stored)
}
