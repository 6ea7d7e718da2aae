//! `/api/crypto/cipher/wrap` and `/unwrap`: RFC 3394 by stored AES keys, or by keys derived from
//! what a key agrees on with a peer (hem.md A10).

use hsm_profiles::{RFC3394_INITIAL, Width};
use policies::{Permit, Use, encode_base64};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::route::{Json, SecretJson};
use crate::surface::hem::with_key::{Octets, WithKey, quoted, sharing};

/// The body of `POST /api/crypto/cipher/wrap` and `/unwrap`.
#[derive(Deserialize)]
pub struct WrapBody {
    msg: Octets,
    alg: Option<String>,
    iv: Option<Octets>,
    ext_kid: Option<String>,
    pubkey: Option<Octets>,
    ctx: Option<Octets>,
}

/// What `wrap` answers, in base64: 8 bytes more than came in.
#[derive(Serialize)]
pub struct Wrapped {
    wrapped: String,
}

/// `POST /api/crypto/cipher/wrap`.
pub async fn wrap(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<WrapBody>,
) -> Result<Json<Wrapped>, Fault> {
    let body = ask.judge()?;
    let width = width(body.alg.as_deref())?;
    let plain = body.msg.within("msg", 1..=MAX_PLAIN)?;
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), body.ctx)?;
    let initial = initial(body.iv.as_ref())?;
    if plain.expose().len() < 16 || !plain.expose().len().is_multiple_of(8) {
        return Err(Fault::Failed("msg must be a multiple of 8 bytes, 16 at least".into()));
    }
    let wrapped = keyring.wrap(key, sharing, (width, initial), plain).await?;
    Ok(Json(Wrapped { wrapped: encode_base64(&wrapped) }))
}

/// `POST /api/crypto/cipher/unwrap`.
pub async fn unwrap(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<WrapBody>,
) -> Result<SecretJson, Fault> {
    let body = ask.judge()?;
    let width = width(body.alg.as_deref())?;
    let wrapped = body.msg.within("msg", 1..=MAX_PLAIN + 8)?.expose().to_vec();
    if !wrapped.len().is_multiple_of(8) {
        return Err(Fault::Invalid("msg must be a multiple of 8 bytes".into()));
    }
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), body.ctx)?;
    let initial = initial(body.iv.as_ref())?;
    if wrapped.len() < 24 {
        return Err(Fault::Failed(
            "msg must have 24 bytes at least: nothing shorter is wrapped".into(),
        ));
    }
    let plain = keyring.unwrap(key, sharing, (width, initial), wrapped).await?;
    quoted("unwrapped", plain.expose())
}

fn width(alg: Option<&str>) -> Result<Width, Fault> {
    match alg {
        None => Ok(Width::Aes256),
        Some(name) => Width::from_name(name)
            .ok_or_else(|| Fault::Invalid("alg must be AES128, AES192 or AES256".into())),
    }
}

/// A wrong length fails the operation, as on the device.
fn initial(iv: Option<&Octets>) -> Result<[u8; 8], Fault> {
    match iv {
        None => Ok(RFC3394_INITIAL),
        Some(iv) => {
            iv.expose().try_into().map_err(|_| Fault::Failed("iv must have 8 bytes".into()))
        }
    }
}

const MAX_PLAIN: usize = 2048;
