//! `/api/keymgmt/derive`: keys out of what a key agrees on with a peer (hem.md A9).

use audit::Ext;
use hsm_profiles::{Family, KeyType, UnknownKeyType};
use policies::{DeriveKey, Kid, Permit};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::{Keyring, NewKey};
use crate::openapi::formats::{Base64, KeyTypeName, Keyed, KidText};
use crate::route::{Appliance, Request};
use crate::surface::hem::body::{Deferred, description, label, usage};
use crate::surface::hem::keymgmt::Named;
use crate::surface::hem::with_key::{Octets, peer};

/// `POST /api/keymgmt/derive`.
pub struct Derive {
    kid: Kid,
    body: Deferred<DeriveBody>,
}

#[derive(Deserialize)]
struct Addressed {
    kid: Kid,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeriveKey")]
struct DeriveBody {
    /// 1 to 32 printable ASCII characters.
    label: String,
    /// One of the 17 types that are not post-quantum.
    #[serde(rename = "type")]
    #[schemars(with = "KeyTypeName")]
    kind: String,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
    /// `ECDH`, `ExDSA` or `ECDH,ExDSA`; counts for the SECP curves only.
    mode: Option<String>,
    /// At most 128 bytes.
    #[schemars(with = "Option<Base64>")]
    descr: Option<String>,
}

impl Request for Derive {
    type Needs = DeriveKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let Addressed { kid } = inbound.json()?;
        Ok(Self { kid, body: Deferred::of(inbound) })
    }

    fn needs(&self, _: &Appliance) -> DeriveKey {
        DeriveKey(self.kid)
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<Keyed<DeriveBody>>())
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.kid.as_bytes())
    }
}

/// Derives a key of one of the 17 types that are not post-quantum, and keeps it. `ext_kid` wins over
/// `pubkey`.
pub async fn derive(
    keyring: Keyring,
    leave: Permit<DeriveKey>,
    ask: Derive,
) -> Result<Named, Fault> {
    let body = ask.body.judge()?;
    let kind: KeyType =
        body.kind.parse().map_err(|e: UnknownKeyType| Fault::Invalid(e.to_string().into()))?;
    if matches!(kind.family(), Family::MlDsa | Family::MlKem) {
        return Err(Fault::Invalid("post-quantum keys are not derived: create them".into()));
    }
    let new = NewKey {
        label: label(body.label)?,
        kind,
        usage: usage(kind, body.mode.as_deref())?,
        descr: description(body.descr.as_deref())?,
    };
    let peer = peer(body.ext_kid.as_deref(), body.pubkey.as_ref())?;
    let peer = peer.ok_or_else(|| {
        Fault::Failed("ext_kid or pubkey must name whom to agree with on the new key".into())
    })?;
    Ok(Named { kid: keyring.derive(leave, peer, new).await? })
}
