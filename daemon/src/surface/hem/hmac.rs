//! `/api/crypto/hmac`: MACs by stored keys, or by what a key agrees on with a peer (hem.md A10).

use hsm_profiles::{SecretBytes, SecretDigest};
use policies::{Permit, Use};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::fault::Fault;
use crate::keyring::{Keyring, Sharing};
use crate::openapi::formats::{DigestName, KidText};
use crate::route::{Empty, SecretJson};
use crate::surface::hem::with_key::{Octets, SecretText, WithKey, sharing};

/// The body of `POST /api/crypto/hmac/hash`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "HmacHash")]
pub struct HashBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The hash; only counts with a peer.
    #[schemars(with = "Option<DigestName>")]
    alg: Option<String>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
}

/// The body of `POST /api/crypto/hmac/verify`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "HmacVerify")]
pub struct VerifyBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// At most 64 bytes.
    mac: Octets,
    /// The hash; only counts with a peer.
    #[schemars(with = "Option<DigestName>")]
    alg: Option<String>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
}

/// What `hash` answers.
#[derive(JsonSchema, Serialize)]
pub struct Hashed {
    /// 32, 48 or 64 bytes, as the hash has them.
    mac: SecretText,
}

/// `POST /api/crypto/hmac/hash`: an HMAC. A stored key has the hash that its type names, and `alg`
/// is ignored; with a peer, `alg` has to name it and the key is the raw shared secret.
pub async fn hash(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<HashBody>,
) -> Result<SecretJson<Hashed>, Fault> {
    let body = ask.judge()?;
    let message = body.msg.within("msg", 1..=MAX_MESSAGE)?;
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), None)?;
    let mac = compute(&keyring, key, (sharing, body.alg), message).await?;
    Ok(SecretJson(Hashed { mac: SecretText::of(&mac) }))
}

/// `POST /api/crypto/hmac/verify`: whether `mac` is what `hash` would answer.
pub async fn verify(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<VerifyBody>,
) -> Result<Empty, Fault> {
    let body = ask.judge()?;
    let message = body.msg.within("msg", 1..=MAX_MESSAGE)?;
    let claimed = body.mac.within("mac", 1..=MAX_MAC)?;
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), None)?;
    let mac = compute(&keyring, key, (sharing, body.alg), message).await?;
    match bool::from(mac.expose().ct_eq(claimed.expose())) {
        true => Ok(Empty),
        false => Err(Fault::Failed("mac is not the MAC of msg by this key".into())),
    }
}

async fn compute(
    keyring: &Keyring,
    key: Permit<Use>,
    (sharing, alg): (Option<Sharing>, Option<String>),
    message: SecretBytes,
) -> Result<SecretBytes, Fault> {
    let digest = alg.as_deref().and_then(SecretDigest::from_name);
    Ok(keyring.hmac(key, sharing, digest, message).await?)
}

const MAX_MAC: usize = 64;
const MAX_MESSAGE: usize = 2048;
