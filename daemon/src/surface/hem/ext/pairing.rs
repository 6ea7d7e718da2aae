//! `/api/auth/ext/init`, `validate` and `mac`: pairing an authenticator.

use audit::{Entry, Ext};
use aws_lc_rs::hmac;
use policies::login::{LoginToken, issue};
use policies::{Kid, PairAuthenticator, Permit, decode_base64, encode_base64};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{bytes32, refused};
use crate::clock::now;
use crate::device::Device;
use crate::fault::Fault;
use crate::keyring::{Keyring, NewAuthenticator};
use crate::login::{Desk, Errand, time_nonce};
use crate::openapi::formats::{Base64, KidText};
use crate::reply::Reply;
use crate::route::{Answer, Content, Json};
use crate::surface::hem::body::{Asked, label};

/// `POST /api/auth/ext/init` and `POST /api/auth/ext/mac`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Approach")]
pub struct ApproachBody {
    /// 32 bytes: an ephemeral X25519 key.
    #[schemars(with = "Base64")]
    epk: String,
}

/// What `init` answers.
#[derive(JsonSchema, Serialize)]
pub struct Offer {
    request: String,
    /// The device's X25519 identity key.
    #[schemars(with = "Base64")]
    eid: String,
}

/// The claims of an offer.
#[derive(Serialize)]
struct OfferClaims {
    jti: String,
    exp: u64,
    aud: String,
    iss: String,
}

/// Offers itself to the authenticator whose ephemeral key is named.
pub async fn init(
    (device, desk): (Device, Desk),
    _leave: Permit<PairAuthenticator>,
    ask: Asked<PairAuthenticator, ApproachBody>,
) -> Result<Json<Offer>, Fault> {
    let epk = ask.judge()?.epk;
    let secret = device.agree(&bytes32("epk", &epk)?).await?;
    let now = now();
    let eid = encode_base64(&device.public().identity);
    let claims = OfferClaims {
        jti: encode_base64(&desk.external().issue(Errand::Pairing, now)?),
        exp: now + Errand::Pairing.patience(),
        aud: epk,
        iss: eid.clone(),
    };
    let request = issue(&claims, &secret).map_err(|_| Fault::Internal)?;
    Ok(Json(Offer { request, eid }))
}

/// What `mac` answers.
#[derive(JsonSchema, Serialize)]
pub struct Introduction {
    #[schemars(with = "Base64")]
    nonce: String,
    /// At most 64 bytes.
    #[schemars(with = "Base64")]
    mac: String,
    /// The device's X25519 identity key.
    #[schemars(with = "Base64")]
    eid: String,
}

/// Proves to the owner of an ephemeral key that this device holds its identity key.
pub async fn mac(
    device: Device,
    _leave: Permit<PairAuthenticator>,
    ask: Asked<PairAuthenticator, ApproachBody>,
) -> Result<Json<Introduction>, Fault> {
    let epk = bytes32("epk", &ask.judge()?.epk)?;
    let secret = device.agree(&epk).await?;
    let nonce = time_nonce(now())?;
    Ok(Json(Introduction {
        nonce: encode_base64(&nonce),
        mac: mac_text(&secret, &nonce),
        eid: encode_base64(&device.public().identity),
    }))
}

/// `POST /api/auth/ext/validate`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Validate")]
pub struct ValidateBody {
    /// 32 bytes: the authenticator's own id.
    #[schemars(with = "Base64")]
    pid: String,
    /// The authenticator's answer.
    reply: String,
}

/// What an authenticator says about itself.
#[derive(Deserialize)]
struct ReplyClaims {
    jti: String,
    /// The device's identity key. Not every authenticator says it, and none needs to: the tag is by a
    /// key that only the two have.
    aud: Option<String>,
    label: String,
    epk: String,
}

/// What `validate` answers.
#[derive(JsonSchema, Serialize)]
pub struct Paired {
    /// The name of the authenticator's key.
    #[schemars(with = "KidText")]
    kid: Kid,
    #[schemars(with = "Base64")]
    code: String,
}

impl Answer for Paired {
    fn reply(self) -> Reply {
        Reply::json(&self)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Self>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Kid(*self.kid.as_bytes()));
    }
}

/// Pairs the authenticator that answered an offer.
pub async fn validate(
    ((device, desk), keyring): ((Device, Desk), Keyring),
    leave: Permit<PairAuthenticator>,
    ask: Asked<PairAuthenticator, ValidateBody>,
) -> Result<Paired, Fault> {
    let body = ask.judge()?;
    let pid = bytes32("pid", &body.pid)?;
    let reply = LoginToken::parse(&body.reply).map_err(|_| refused())?;
    let public = *reply.issuer();
    let secret = device.agree(&public).await.map_err(unless_token)?;
    let claims: ReplyClaims = reply.open(&secret).map_err(|_| refused())?;
    let ours = |aud: &String| decode_base64(aud).is_some_and(|aud| aud == device.public().identity);
    let is_for_us = claims.aud.as_ref().is_none_or(ours);
    let nonce = decode_base64(&claims.jti).and_then(|nonce| nonce.try_into().ok());
    let nonce: [u8; 32] = nonce.ok_or_else(refused)?;
    let label = label(claims.label)?;
    let secret = device.agree(&bytes32("epk", &claims.epk)?).await?;
    if !is_for_us || !desk.external().spend(Errand::Pairing, &nonce, now()) {
        return Err(refused());
    }
    let code = mac_text(&secret, body.reply.as_bytes());
    let kid = keyring.pair(leave, NewAuthenticator { label, pid, public }).await?;
    Ok(Paired { kid, code })
}

/// A key that is none makes the token that it stands in a bad one.
pub(super) fn unless_token(fault: Fault) -> Fault {
    match fault {
        Fault::Invalid(_) => refused(),
        other => other,
    }
}

fn mac_text(secret: &[u8; 32], text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    encode_base64(hmac::sign(&key, text).as_ref())
}
