//! `/api/crypto/ecdh`: secrets that keys agree on (hem.md A10).

use hsm_profiles::SecretDigest;
use policies::{Permit, Use};
use serde::Deserialize;

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::route::SecretJson;
use crate::surface::hem::with_key::{Octets, WithKey, peer, quoted};

/// The body of `POST /api/crypto/ecdh`.
#[derive(Deserialize)]
pub struct AgreeBody {
    alg: Option<String>,
    ext_kid: Option<String>,
    pubkey: Option<Octets>,
}

/// Agrees on a secret between a stored private key and a peer: the whole shared secret (the
/// x-coordinate at the curve's full length), or its hash. `ext_kid` wins over `pubkey`.
pub async fn ecdh(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<AgreeBody>,
) -> Result<SecretJson, Fault> {
    let body = ask.judge()?;
    let digest = body.alg.as_deref().map(digest).transpose()?;
    let peer = peer(body.ext_kid.as_deref(), body.pubkey.as_ref())?;
    let peer =
        peer.ok_or_else(|| Fault::Failed("a peer is missing: give pubkey or ext_kid".into()))?;
    let secret = keyring.agree(key, peer, digest).await?;
    quoted("ecdh", secret.expose())
}

fn digest(name: &str) -> Result<SecretDigest, Fault> {
    SecretDigest::from_name(name).ok_or_else(|| {
        Fault::Invalid(
            "alg must be SHA2-256, SHA2-384, SHA2-512, SHA3-256, SHA3-384 or SHA3-512".into(),
        )
    })
}
