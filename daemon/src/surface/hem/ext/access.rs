//! `/api/auth/ext/request` and `token`: a token by the consent of an authenticator.

use std::collections::BTreeMap;

use policies::login::{LoginToken, issue};
use policies::{Kid, Open, Permit, Scope, Subject, decode_base64, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::pairing::unless_token;
use super::{bytes32, refused};
use crate::clock::now;
use crate::device::Device;
use crate::fault::Fault;
use crate::hold::Hold;
use crate::inbound::{Inbound, Peer};
use crate::keyring::{KeyView, Keyring};
use crate::login::{Desk, Errand, Session, open_scope, seal_scope};
use crate::openapi::formats::Base64;
use crate::route::{Appliance, Json, Request};
use crate::surface::hem::body::Deferred;
use crate::surface::hem::granted::Granted;

/// The same, and where it comes from.
pub struct Demand {
    body: Deferred<DemandBody>,
    peer: Option<Peer>,
}

/// `POST /api/auth/ext/request`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Demand")]
struct DemandBody {
    /// 32 bytes: an ephemeral X25519 key.
    #[schemars(with = "Base64")]
    epk: String,
    /// The scope that is asked for.
    scope: String,
    /// 1 to 64 characters for the authenticator.
    #[schemars(with = "Option<String>")]
    ctx: Option<serde_json::Value>,
    /// 1 to 128 characters for the authenticator.
    #[schemars(with = "Option<String>")]
    note: Option<serde_json::Value>,
}

impl Request for Demand {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self { body: Deferred::of(inbound), peer: inbound.peer })
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<DemandBody>())
    }
}

/// What `request` answers.
#[derive(JsonSchema, Serialize)]
pub struct Demanded {
    /// For the authenticators.
    authreq: String,
    /// 32 bytes: an ephemeral X25519 key.
    #[schemars(with = "Base64")]
    epk: String,
}

/// The claims of a request; each authenticator finds the scope under its own name.
#[derive(Serialize)]
struct DemandClaims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    scope: BTreeMap<String, String>,
}

/// Asks every paired authenticator for a scope, in a text that only they can read.
pub async fn request(
    ((device, desk), keyring): ((Device, Desk), Keyring),
    _: Permit<Open>,
    ask: Demand,
) -> Result<Json<Demanded>, Fault> {
    let body = ask.body.judge()?;
    desk.external().demand(ask.peer)?;
    let secret = device.agree(&bytes32("epk", &body.epk)?).await?;
    let scope =
        Scope::parse(&body.scope).map_err(|error| Fault::Invalid(error.to_string().into()))?;
    let key: Option<Kid> = scope.as_str().strip_prefix(USE).and_then(|kid| kid.parse().ok());
    let errand = if key.is_some() { Errand::Use } else { Errand::Scope };
    let now = now();
    let jti = desk.external().issue(errand, now)?;
    let shown = match key.and_then(|kid| keyring.shown(kid)) {
        Some(key) => format!("{}#{}", scope.as_str(), caption(&key)?),
        None => scope.as_str().to_owned(),
    };
    let mut sealed = BTreeMap::new();
    for paired in keyring.authenticators() {
        let secret = device.agree(&paired.public).await?;
        sealed.insert(encode_base64(&paired.pid), seal_scope(&secret, &jti, &shown)?);
    }
    let claims = DemandClaims {
        iss: encode_base64(&device.public().identity),
        aud: body.epk.clone(),
        iat: now,
        exp: now + errand.patience(),
        jti: encode_base64(&jti),
        ctx: text_within(body.ctx, 64),
        note: text_within(body.note, 128),
        scope: sealed,
    };
    let authreq = issue(&claims, &secret).map_err(|_| Fault::Internal)?;
    Ok(Json(Demanded { authreq, epk: body.epk }))
}

/// `POST /api/auth/ext/token`. It is taken apart by the handler, so that bad ones wait like good
/// ones.
pub struct Consent {
    arrival: Instant,
    hold: Hold,
    body: Deferred<ConsentBody>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Consent")]
struct ConsentBody {
    /// The authenticator's answer.
    authreply: String,
}

/// The claims of an authenticator's answer. Its `aud` is not looked at: the key of its tag binds it
/// to this device's identity already, and what else stands there is not published.
#[derive(Deserialize)]
struct ConsentClaims {
    jti: String,
    exp: u64,
    pid: String,
    scope: String,
    ctx: Option<serde_json::Value>,
}

impl Request for Consent {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let (arrival, hold) = (Instant::now(), inbound.hold.clone());
        Ok(Self { arrival, hold, body: Deferred::of(inbound) })
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<ConsentBody>())
    }
}

/// Exchanges an authenticator's consent for a bearer token. Every answer is held back as long as
/// the last failures demand (hem.md A15, 34).
pub async fn token(
    ((device, desk), keyring): ((Device, Desk), Keyring),
    _: Permit<Open>,
    ask: Consent,
) -> Result<Granted, Fault> {
    let session = match ask.body.judge() {
        Ok(body) => grant(&device, &desk, &keyring, &body.authreply).await,
        Err(fault) => Err(fault),
    };
    let good = !matches!(session, Err(Fault::Unauthenticated(_) | Fault::Failed(_)));
    ask.hold.until(desk.external().answer_at(ask.arrival, good));
    session.map(Granted::from)
}

async fn grant(
    device: &Device,
    desk: &Desk,
    keyring: &Keyring,
    text: &str,
) -> Result<Session, Fault> {
    let reply = LoginToken::parse(text).map_err(|_| refused())?;
    let issuer = *reply.issuer();
    let secret = device.agree(&issuer).await.map_err(unless_token)?;
    let claims: ConsentClaims = reply.open(&secret).map_err(|_| refused())?;
    let jti = decode_base64(&claims.jti).and_then(|nonce| nonce.try_into().ok());
    let jti: [u8; 32] = jti.ok_or_else(refused)?;
    let now = now();
    let errands = [Errand::Use, Errand::Scope].into_iter();
    let mut open = errands.filter(|errand| desk.external().is_open(*errand, &jti, now));
    let errand = open.next().ok_or_else(refused)?;
    let expires = if claims.exp == 0 { now + LIFETIME } else { claims.exp };
    if expires <= now {
        return Err(refused());
    }
    let pid = decode_base64(&claims.pid);
    let paired = keyring.authenticators().into_iter();
    let mut paired = paired.filter(|one| pid.as_deref() == Some(&one.pid) && one.public == issuer);
    let authenticator =
        paired.next().ok_or_else(|| Fault::Failed("no such authenticator is paired".into()))?;
    let shown = open_scope(&secret, &jti, &claims.scope);
    let shown = shown.ok_or_else(|| Fault::Failed("the scope does not open".into()))?;
    let scope = shown.split('#').next().unwrap_or_default();
    let scope = Scope::parse(scope).map_err(|error| Fault::Failed(error.to_string().into()))?;
    if !desk.external().spend(errand, &jti, now) {
        return Err(refused());
    }
    desk.issue(Subject::External(authenticator.kid), scope, expires, Desk::context(claims.ctx))
}

/// What an authenticator shows beside the scope: the key's type, four hexadecimal digits, and its
/// label.
fn caption(key: &KeyView) -> Result<String, Fault> {
    let kind = format!("{:04X}", key.type_number());
    let shown = serde_json::json!({ "t": kind, "l": key.label });
    Ok(encode_base64(&serde_json::to_vec(&shown).map_err(|_| Fault::Internal)?))
}

/// A text of 1 to `most` characters; anything else is dropped without a word, as the device does.
fn text_within(value: Option<serde_json::Value>, most: usize) -> Option<String> {
    match value? {
        serde_json::Value::String(text) if (1..=most).contains(&text.len()) => Some(text),
        _ => None,
    }
}

/// Of a token whose consent names no end: 8 hours.
const LIFETIME: u64 = 28_800;
const USE: &str = "keymgmt:use:";
