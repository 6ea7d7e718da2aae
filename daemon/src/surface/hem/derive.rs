//! `/api/keymgmt/derive`: keys out of what a key agrees on with a peer (hem.md A9).

use hsm_profiles::{Family, KeyType, UnknownKeyType};
use policies::{DeriveKey, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fault::Fault;
use crate::keyring::{Keyring, NewKey};
use crate::openapi::formats::{Base64, KeyTypeName, KidText, Label};
use crate::surface::hem::body::{description, label, usage};
use crate::surface::hem::keymgmt::Named;
use crate::surface::hem::with_key::{Octets, WithKey, peer};

/// `POST /api/keymgmt/derive`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeriveKey")]
pub struct DeriveBody {
    /// 1 to 32 printable ASCII characters.
    #[schemars(with = "Label")]
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

/// Derives a key of one of the 17 types that are not post-quantum, and keeps it. `ext_kid` wins over
/// `pubkey`.
pub async fn derive(
    keyring: Keyring,
    leave: Permit<DeriveKey>,
    ask: WithKey<DeriveBody, DeriveKey>,
) -> Result<Named, Fault> {
    let body = ask.judge()?;
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
        owner: None,
    };
    let peer = peer(body.ext_kid.as_deref(), body.pubkey.as_ref())?;
    let peer = peer.ok_or_else(|| {
        Fault::Failed("ext_kid or pubkey must name whom to agree with on the new key".into())
    })?;
    Ok(Named { kid: keyring.derive(leave, peer, new).await? })
}
