//! `/api/system/config/attestation` and `provisioning`: what the device is, and who vouches for it
//! (hem.md A8).

use policies::{Open, Permit, ReadAttestation, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::attestation::Attestor;
use crate::device::Device;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::openapi::formats::Base64;
use crate::route::{Appliance, Empty, Json, Request};
use crate::surface::hem::body::Asked;

/// `GET /api/system/config/attestation`.
pub struct GetAttestation;

impl Request for GetAttestation {
    type Needs = ReadAttestation;

    fn decode(_: &Inbound) -> Result<Self, Fault> {
        Ok(Self)
    }

    fn needs(&self, appliance: &Appliance) -> ReadAttestation {
        ReadAttestation { fresh: !appliance.device().is_initialised() }
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// What `attestation` answers: `crt`, or `csr` and `key` of a fresh device for which nobody vouches
/// yet.
#[derive(JsonSchema, Serialize)]
pub struct Attestation {
    /// The certificate of the attestation key, DER: the one that was brought, or a self-made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    crt: Option<String>,
    /// A certificate request by the attestation key, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    csr: Option<String>,
    /// The attestation key's point on P-256: SEC1, uncompressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    key: Option<String>,
    /// Three texts in base64 with dots between them: the key's identifier (20 bytes), the Unix time
    /// in decimal, and the key's signature over both and the dot: ECDSA with SHA-256, DER.
    genuine: String,
}

/// Proves that the attestation key is in this token now.
pub async fn attestation(
    (device, attestor): (Device, Attestor),
    _: Permit<ReadAttestation>,
    _: GetAttestation,
) -> Result<Json<Attestation>, Fault> {
    let genuine = attestor.genuine().await?;
    if !device.is_initialised() && attestor.brought().await?.is_none() {
        let key = encode_base64(attestor.point()?);
        let csr = attestor.request().await?;
        return Ok(Json(Attestation { crt: None, csr: Some(csr), key: Some(key), genuine }));
    }
    let crt = encode_base64(&attestor.certificate().await?);
    Ok(Json(Attestation { crt: Some(crt), csr: None, key: None, genuine }))
}

/// `POST /api/system/config/provisioning`. It counts on a fresh device only.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Provision")]
pub struct ProvisionBody {
    /// A certificate for the attestation key: PEM, or the base64 of DER.
    crt: String,
}

/// Takes in a certificate for the attestation key, before the device is anybody's.
pub async fn provision(
    (device, attestor): (Device, Attestor),
    _: Permit<Open>,
    ask: Asked<Open, ProvisionBody>,
) -> Result<Empty, Fault> {
    if device.is_initialised() {
        return Err(Fault::Forbidden("the device is initialised: this comes before".into()));
    }
    attestor.bring(&ask.judge()?.crt).await?;
    Ok(Empty)
}
