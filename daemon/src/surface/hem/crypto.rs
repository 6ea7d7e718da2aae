//! `/api/crypto`: what keys are used for (hem.md A10).

use audit::Ext;
use base64ct::{Base64, Encoding};
use hsm_profiles::SecretDigest;
use policies::{Kid, Permit, Use, decode_base64};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::{Keyring, Peer};
use crate::route::{Appliance, Request, SecretJson};
use crate::surface::hem::body::Deferred;

/// `POST /api/crypto/ecdh`.
pub struct Agree {
    kid: Kid,
    arguments: Deferred<AgreeArguments>,
}

#[derive(Deserialize)]
struct Named {
    kid: Kid,
}

#[derive(Deserialize)]
struct AgreeArguments {
    alg: Option<String>,
    ext_kid: Option<String>,
    pubkey: Option<String>,
}

impl Request for Agree {
    type Needs = Use;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let Named { kid } = inbound.json()?;
        Ok(Self { kid, arguments: Deferred::of(inbound) })
    }

    fn needs(&self, _: &Appliance) -> Use {
        Use(self.kid)
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.kid.as_bytes())
    }
}

/// Agrees on a secret between a stored private key and a peer: the whole shared secret (the
/// x-coordinate at the curve's full length), or its hash. `ext_kid` wins over `pubkey`.
pub async fn ecdh(keyring: Keyring, key: Permit<Use>, ask: Agree) -> Result<SecretJson, Fault> {
    let arguments = ask.arguments.judge()?;
    let digest = arguments.digest()?;
    let peer = arguments.peer()?;
    let secret = keyring.agree(key, peer, digest).await?;
    Ok(SecretJson(quoted("ecdh", secret.expose())?))
}

impl AgreeArguments {
    fn digest(&self) -> Result<Option<SecretDigest>, Fault> {
        let Some(name) = &self.alg else { return Ok(None) };
        match SecretDigest::from_name(name) {
            Some(digest) => Ok(Some(digest)),
            None => Err(Fault::Invalid(
                "alg must be SHA2-256, SHA2-384, SHA2-512, SHA3-256, SHA3-384 or SHA3-512".into(),
            )),
        }
    }

    fn peer(&self) -> Result<Peer, Fault> {
        if let Some(kid) = &self.ext_kid {
            let kid = kid.parse::<Kid>();
            return kid
                .map(Peer::Stored)
                .map_err(|e| Fault::Invalid(format!("ext_kid: {e}").into()));
        }
        match self.pubkey.as_deref().map(decode_base64) {
            Some(Some(raw)) => Ok(Peer::Raw(raw)),
            Some(None) => Err(Fault::Invalid("pubkey must be base64".into())),
            None => Err(Fault::Failed("a peer is missing: give pubkey or ext_kid".into())),
        }
    }
}

/// `{"name":"<base64>"}`, in memory that is wiped.
fn quoted(name: &str, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut encoded = Zeroizing::new([0; ENCODED]);
    let encoded = Base64::encode(secret, encoded.as_mut_slice()).map_err(|_| Fault::Internal)?;
    let mut json = Zeroizing::new(Vec::with_capacity(name.len() + encoded.len() + 8));
    for part in ["{\"", name, "\":\"", encoded, "\"}"] {
        json.extend_from_slice(part.as_bytes());
    }
    Ok(json)
}

/// Room for the base64 of the longest secret, 66 bytes.
const ENCODED: usize = 128;
