//! `/api/auth/token`: logging in (hem.md A3, A4).

use policies::{Open, Permit, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::device::Device;
use crate::fault::Fault;
use crate::hold::Hold;
use crate::inbound::Inbound;
use crate::login::{Desk, Session, owner};
use crate::openapi::formats::Base64;
use crate::route::{Appliance, Bare, Json, Request};
use crate::surface::hem::granted::Granted;

/// What a login starts from.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "LoginChallenge")]
pub struct Challenge {
    /// Unix seconds; the deadline of the challenge.
    exp: u64,
    /// The device's X25519 key of this run.
    #[schemars(with = "Base64")]
    spk: String,
    /// 32 bytes, good for one use.
    #[schemars(with = "Base64")]
    jti: String,
    /// The user's name.
    lbl: String,
    /// The device's identity key; its text is the salt of the passphrase.
    #[schemars(with = "Base64")]
    eid: String,
}

/// A challenge to answer with a login token.
pub async fn challenge(
    (device, desk): (Device, Desk),
    _: Permit<Open>,
    _: Bare<Open>,
) -> Result<Json<Challenge>, Fault> {
    let challenge = desk.challenge()?;
    Ok(Json(Challenge {
        exp: challenge.expires,
        spk: challenge.session_public,
        jti: challenge.nonce,
        lbl: device.settings().map(|settings| settings.user.clone()).unwrap_or_default(),
        eid: encode_base64(&device.public().identity),
    }))
}

/// `POST /api/auth/token`. It is taken apart by the handler, so that bad ones wait like good ones.
pub struct Login {
    arrival: Instant,
    hold: Hold,
    inbound: Result<LoginBody, Fault>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Login")]
pub(super) struct LoginBody {
    /// The login token.
    auth: String,
}

impl Request for Login {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let (arrival, hold) = (Instant::now(), inbound.hold.clone());
        Ok(Self { arrival, hold, inbound: inbound.json() })
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<LoginBody>())
    }
}

/// Exchanges a login token for a bearer token. Every answer is held back as long as the last
/// failures demand.
pub async fn login(
    (device, desk): (Device, Desk),
    _: Permit<Open>,
    ask: Login,
) -> Result<Granted, Fault> {
    let session = match ask.inbound {
        Ok(body) => grant(&device, &desk, &body.auth),
        Err(fault) => Err(fault),
    };
    let good = !matches!(session, Err(Fault::Unauthenticated(_)));
    ask.hold.until(desk.answer_at(ask.arrival, good));
    session.map(Granted::from)
}

fn grant(device: &Device, desk: &Desk, token: &str) -> Result<Session, Fault> {
    let settings = device.settings();
    let settings = settings.ok_or_else(|| Fault::Conflict("not initialised".into()))?;
    let (issuer, claims) = desk.verify(token)?;
    let subject = owner(&issuer, &settings.userkey, &settings.masterkey);
    let unknown = || Fault::Unauthenticated("this key is not one of the device's".into());
    desk.grant(claims, subject.ok_or_else(unknown)?)
}
