//! `POST /api/system/config`: setting the device up anew (hem.md A8).

use policies::{Permit, Subject, WriteConfig, decode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::attestation::Attestor;
use crate::certificate::Certificate;
use crate::changes::Changes;
use crate::device::Device;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::login::Desk;
use crate::openapi::formats::Base64;
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
    emp: Option<String>,
    key: Option<String>,
    /// The certificate in PEM.
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
    /// Unix seconds; strictly increasing.
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
type Reached = ((Device, Desk), ((Certificate, Attestor), Switch));

/// Changes the settings, the certificate or the user's key, or has everything destroyed.
pub async fn update(
    ((device, desk), ((certificate, attestor), switch)): Reached,
    leave: Permit<WriteConfig>,
    ask: Update,
) -> Result<Updated, Fault> {
    let body = ask.0.judge()?;
    body.changes.judge()?;
    let rotation = Rotation::of(&body)?;
    let tls = body.tls.map(Tls::judge).transpose()?;
    let hostname = device.hostname();
    // The permit says so, not the device: it may have been initialised since by somebody else, and
    // whoever was let in for want of an owner gets no further than that.
    if leave.action().fresh {
        let crt = tls.ok_or_else(|| Fault::Failed("a fresh device takes tls alone".into()))?;
        certificate.replace(certificate.examine(crt, hostname).await?).await?;
        return Ok(Updated::Bare);
    }
    match body.wipeout {
        Some(true) => {
            switch.wipe(leave);
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
            let csr = certificate.request(hostname.clone()).await?;
            (Some(csr), attestor.genuine_if_any().await?)
        }
        false => (None, None),
    };
    let renewed = tls.is_some();
    if let Some(crt) = tls {
        certificate.replace(certificate.examine(crt, hostname).await?).await?;
    }
    let updated = device.change(changes, renewed).await?;
    let reboot_required = renewed.then_some(true);
    Ok(Updated::Done(Done { updated, csr, genuine, reboot_required }))
}

impl Tls {
    /// The certificate. How the key of a whole import is sealed is not published, so it is
    /// refused: the key is made here, `gen_csr` asks for its certificate.
    fn judge(self) -> Result<String, Fault> {
        match (self.crt, self.emp.or(self.key)) {
            (_, Some(_)) => Err(Fault::Failed(
                "a TLS key is not taken in: send gen_csr, and then the certificate as crt alone"
                    .into(),
            )),
            (Some(crt), None) => Ok(crt),
            (None, None) => Err(Fault::Invalid("tls: crt is missing".into())),
        }
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
