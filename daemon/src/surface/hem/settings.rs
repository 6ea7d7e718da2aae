//! `POST /api/system/config`: setting the device up anew (hem.md A8).

use policies::{Permit, Subject, WriteConfig, decode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::attestation::Attestor;
use crate::certificate::{Certificate, SealedTlsKey};
use crate::changes::Changes;
use crate::device::Device;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::Keyring;
use crate::login::Desk;
use crate::openapi::formats::Base64;
use crate::owing::owe;
use crate::power::Switch;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Content, Request};
use crate::surface::hem::body::Deferred;

/// `POST /api/system/config`.
pub struct Update(Deferred<UpdateBody>);

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UpdateConfig")]
struct UpdateBody {
    #[serde(flatten)]
    changes: Changes,
    /// Asks for a certificate request.
    #[serde(default)]
    gen_csr: bool,
    tls: Option<Tls>,
    #[schemars(with = "Option<Base64>")]
    userkey: Option<String>,
    #[schemars(with = "Option<Base64>")]
    userkey_hmac: Option<String>,
    #[schemars(with = "Option<Base64>")]
    userkey_nonce: Option<String>,
    /// Destroys everything; only `true` is taken.
    wipeout: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TlsImport")]
struct Tls {
    /// The X25519 key of whoever sealed `key` for the device's `eid`.
    #[schemars(with = "Option<Base64>")]
    emp: Option<String>,
    /// The TLS key, sealed: base64 of 16 bytes, a dot, base64 of 64 bytes; AES-256-CBC of a P-256
    /// key (RFC 5915, without its point) under the X25519 secret between `emp` and `eid`.
    #[schemars(length(equal = 113))]
    key: Option<String>,
    /// The certificate: a PEM chain, its base64, or the base64 of DER.
    crt: Option<String>,
}

impl Request for Update {
    type Needs = WriteConfig;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(Deferred::of(inbound)))
    }

    fn needs(&self, appliance: &Appliance) -> WriteConfig {
        WriteConfig { fresh: !appliance.device().is_initialised() }
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<UpdateBody>())
    }
}

/// What a change of the configuration answers.
pub enum Updated {
    /// 200 without a body: of a fresh device, and before everything is destroyed.
    Bare,
    /// What was done.
    Done(Done),
}

/// What was done.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "UpdatedConfig")]
pub struct Done {
    /// Whether anything changed: `uts` of the configuration is larger then.
    updated: bool,
    /// A certificate request in PEM, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    csr: Option<String>,
    /// The proof of what this device is, with a certificate request.
    #[serde(skip_serializing_if = "Option::is_none")]
    genuine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reboot_required: Option<bool>,
}

impl Answer for Updated {
    fn reply(self) -> Reply {
        match self {
            Self::Bare => Reply::empty(http::StatusCode::OK),
            Self::Done(done) => Reply::json(&done),
        }
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Done>())
    }
}

/// What a change may touch.
type Reached = ((Device, Desk), ((Certificate, Attestor), (Keyring, Switch)));

/// Changes the settings, the certificate or the user's key, or has everything destroyed.
pub async fn update(
    ((device, desk), ((certificate, attestor), (keyring, switch))): Reached,
    leave: Permit<WriteConfig>,
    ask: Update,
) -> Result<Updated, Fault> {
    let body = ask.0.judge()?;
    body.changes.judge()?;
    let rotation = Rotation::of(&body)?;
    let tls = body.tls.map(Tls::judge).transpose()?;
    // The permit says so, not the device: it may have been initialised since by somebody else, and
    // whoever was let in for want of an owner gets no further than that.
    if leave.action().fresh {
        let tls = tls.ok_or_else(|| Fault::Failed("a fresh device takes tls alone".into()))?;
        tls.take_in(&device, &certificate, leave.subject()).await?;
        return Ok(Updated::Bare);
    }
    match body.wipeout {
        Some(true) => {
            switch.wipe(keyring.order_wipe(leave).await?);
            return Ok(Updated::Bare);
        }
        Some(false) => return Err(Fault::Failed("wipeout must be true or left out".into())),
        None => {}
    }
    let changes = match rotation {
        Some(rotation) => body.changes.with_user_key(rotation.judge(&device, &desk, &leave)?),
        None => body.changes,
    };
    let (csr, genuine) = match body.gen_csr {
        true => {
            let csr = certificate.request(device.hostname()).await?;
            (Some(csr), attestor.genuine_if_any().await?)
        }
        false => (None, None),
    };
    let renewed = tls.is_some();
    if let Some(tls) = tls {
        tls.take_in(&device, &certificate, leave.subject()).await?;
    }
    let updated = device.change(changes, renewed, leave.subject()).await?;
    let reboot_required = renewed.then_some(true);
    Ok(Updated::Done(Done { updated, csr, genuine, reboot_required }))
}

/// A certificate to take in, alone or with its key.
struct Import {
    crt: String,
    key: Option<SealedTlsKey>,
}

impl Tls {
    fn judge(self) -> Result<Import, Fault> {
        let crt = self.crt.ok_or_else(|| Fault::Invalid("tls: crt is missing".into()))?;
        let key = match (self.emp, self.key) {
            (None, None) => None,
            (Some(emp), Some(key)) => Some(SealedTlsKey::parse(&emp, &key)?),
            _ => return Err(Fault::Invalid("tls: emp and key belong together".into())),
        };
        Ok(Import { crt, key })
    }
}

impl Import {
    /// Has them shown from the next start on. The log is owed that before anything is replaced.
    async fn take_in(
        self,
        device: &Device,
        certificate: &Certificate,
        subject: Subject,
    ) -> Result<(), Fault> {
        let key = match self.key {
            Some(key) => Some(key.open(device).await?),
            None => None,
        };
        let fitting = certificate.judge((self.crt, key), device.hostname()).await?;
        let owed = device.note_certificate(subject).await?;
        fitting.put().await?;
        owe(owed);
        Ok(())
    }
}

/// Another key for the user, and the proof that its owner asks.
struct Rotation {
    key: [u8; 32],
    nonce: [u8; 32],
    mac: Vec<u8>,
}

impl Rotation {
    fn of(body: &UpdateBody) -> Result<Option<Self>, Fault> {
        let (key, nonce, mac) = match (&body.userkey, &body.userkey_nonce, &body.userkey_hmac) {
            (None, None, None) => return Ok(None),
            (Some(key), Some(nonce), Some(mac)) => (key, nonce, mac),
            _ => {
                let why = "userkey, userkey_nonce and userkey_hmac belong together";
                return Err(Fault::Invalid(why.into()));
            }
        };
        let fixed = |text| decode_base64(text).and_then(|bytes| bytes.try_into().ok());
        match (fixed(key), fixed(nonce), decode_base64(mac)) {
            (Some(key), Some(nonce), Some(mac)) => Ok(Some(Self { key, nonce, mac })),
            _ => Err(Fault::Invalid(
                "userkey and userkey_nonce must be base64 of 32 bytes, userkey_hmac base64".into(),
            )),
        }
    }

    /// The new key. Only the user changes it: an administrator who could would become the user.
    fn judge(
        self,
        device: &Device,
        desk: &Desk,
        leave: &Permit<WriteConfig>,
    ) -> Result<[u8; 32], Fault> {
        if leave.subject() != Subject::User {
            return Err(Fault::Failed("only the user may change the user's key".into()));
        }
        if device.settings().is_some_and(|settings| settings.masterkey == self.key) {
            return Err(Fault::Failed("user and administrator must not share a key".into()));
        }
        match desk.proves(&self.key, &self.nonce, &self.mac) {
            true => Ok(self.key),
            false => Err(Fault::Failed(
                "userkey_hmac or userkey_nonce is not good: read the configuration again".into(),
            )),
        }
    }
}
