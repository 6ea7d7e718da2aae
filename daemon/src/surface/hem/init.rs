//! `/api/auth/init`: making a fresh device somebody's (hem.md A6).

use audit::Entry;
use policies::{Open, Permit, Scope, Subject, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attestation::Attestor;
use crate::certificate::Certificate;
use crate::clock::now;
use crate::device::{Device, NewSettings};
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::login::Desk;
use crate::openapi::formats::Base64;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Bare, Content, Json, Request};

/// What an initialisation starts from.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "InitChallenge")]
pub struct Challenge {
    /// Unix seconds; the deadline of the challenge.
    exp: u64,
    /// The device's X25519 key of this run.
    #[schemars(with = "Base64")]
    spk: String,
    /// 32 bytes, good for one use.
    #[schemars(with = "Base64")]
    jti: String,
    /// The proof of what this device is, as in `system/config/attestation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    genuine: Option<String>,
    /// The device's X25519 identity key.
    #[schemars(with = "Base64")]
    eid: String,
}

/// A challenge to answer with the master key.
pub async fn challenge(
    ((device, desk), attestor): ((Device, Desk), Attestor),
    _: Permit<Open>,
    _: Bare<Open>,
) -> Result<Json<Challenge>, Fault> {
    refuse_twice(&device)?;
    let challenge = desk.challenge()?;
    Ok(Json(Challenge {
        exp: challenge.expires,
        spk: challenge.session_public,
        jti: challenge.nonce,
        genuine: attestor.genuine_if_any().await?,
        eid: encode_base64(&device.public().identity),
    }))
}

/// `POST /api/auth/init`.
pub struct Initialise(Result<InitBody, Fault>);

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Initialise")]
pub(super) struct InitBody {
    /// The token that the administrator signed.
    init: String,
}

impl Request for Initialise {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(inbound.json()))
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<InitBody>())
    }
}

/// What an initialised device answers.
#[derive(JsonSchema, Serialize)]
pub struct Initialised {
    instanceid: String,
    /// The bearer token.
    token: String,
    /// A certificate request in PEM, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    csr: Option<String>,
    /// The proof of what this device is, as in `system/config/attestation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    genuine: Option<String>,
}

/// What of the `cfg` is asked for and not kept.
#[derive(Deserialize)]
struct Wishes {
    hostname: String,
    #[serde(default)]
    gen_csr: bool,
}

impl Answer for Initialised {
    fn reply(self) -> Reply {
        Reply::secret_json(&self)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Self>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_subject(audit::Subject::Master);
    }
}

/// Sets the device up. The key that signs the request becomes the master key.
pub async fn initialise(
    ((device, desk), (certificate, attestor)): ((Device, Desk), (Certificate, Attestor)),
    _: Permit<Open>,
    ask: Initialise,
) -> Result<Initialised, Fault> {
    refuse_twice(&device)?;
    let (issuer, claims) = desk.verify(&ask.0?.init)?;
    let configuration = claims.configuration();
    let configuration =
        configuration.ok_or_else(|| Fault::Invalid("the claims carry no cfg".into()))?;
    let new: NewSettings = parsed(configuration)?;
    let wishes: Wishes = parsed(configuration)?;
    let csr = match wishes.gen_csr {
        true => Some(certificate.request(wishes.hostname).await?),
        false => None,
    };
    let genuine = attestor.genuine_if_any().await?;
    if !desk.spend(&claims) {
        return Err(Fault::Unauthenticated("this challenge was used already".into()));
    }
    let settings = device.initialise(new, issuer).await?;
    let scope = Scope::parse("system:config").map_err(|_| Fault::Internal)?;
    let session = desk.issue(Subject::User, scope, now() + LIFETIME, None)?;
    let instanceid = settings.instanceid.clone();
    Ok(Initialised { instanceid, token: session.token, csr, genuine })
}

fn parsed<T: DeserializeOwned>(configuration: &Value) -> Result<T, Fault> {
    T::deserialize(configuration).map_err(|error| Fault::Invalid(format!("cfg: {error}").into()))
}

fn refuse_twice(device: &Device) -> Result<(), Fault> {
    match device.is_initialised() {
        true => Err(Fault::Failed("the device is initialised already".into())),
        false => Ok(()),
    }
}

/// Of the token that an initialisation answers with: 8 hours.
const LIFETIME: u64 = 28_800;
