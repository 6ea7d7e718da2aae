//! `/api/crypto/ecdh`: secrets that keys agree on (hem.md A10).

use hsm_profiles::{SecretBytes, SecretDigest};
use policies::{Permit, Use};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::RawEcdh;
use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::openapi::formats::{DigestName, KidText};
use crate::route::SecretJson;
use crate::surface::hem::with_key::{Octets, SecretText, WithKey, peer};

/// The body of `POST /api/crypto/ecdh`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Agree")]
pub struct AgreeBody {
    /// The hash of the answer; left out, the whole secret is told.
    #[schemars(with = "Option<DigestName>")]
    alg: Option<String>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
}

/// What `ecdh` answers.
#[derive(JsonSchema, Serialize)]
pub struct Agreed {
    /// The shared secret, or its hash.
    ecdh: SecretText,
}

/// Agrees on a secret between a stored private key and a peer: the whole shared secret (the
/// x-coordinate at the curve's full length) or, as configured, its first 32 bytes; or its hash.
/// `ext_kid` wins over `pubkey`.
pub async fn ecdh(
    (keyring, raw): (Keyring, RawEcdh),
    key: Permit<Use>,
    ask: WithKey<AgreeBody>,
) -> Result<SecretJson<Agreed>, Fault> {
    let body = ask.judge()?;
    let digest = body.alg.as_deref().map(digest).transpose()?;
    let peer = peer(body.ext_kid.as_deref(), body.pubkey.as_ref())?;
    let peer =
        peer.ok_or_else(|| Fault::Failed("a peer is missing: give pubkey or ext_kid".into()))?;
    let secret = keyring.agree(key, peer, digest).await?;
    let secret = match (digest, raw) {
        (None, RawEcdh::First32) => {
            SecretBytes::new(secret.expose().iter().copied().take(32).collect())
        }
        _ => secret,
    };
    Ok(SecretJson(Agreed { ecdh: SecretText::of(&secret) }))
}

fn digest(name: &str) -> Result<SecretDigest, Fault> {
    SecretDigest::from_name(name).ok_or_else(|| {
        Fault::Invalid(
            "alg must be SHA2-256, SHA2-384, SHA2-512, SHA3-256, SHA3-384 or SHA3-512".into(),
        )
    })
}
