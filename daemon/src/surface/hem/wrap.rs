//! `/api/crypto/cipher/wrap` and `/unwrap`: RFC 3394 by stored AES keys, or by keys derived from
//! what a key agrees on with a peer (hem.md A10).

use hsm_profiles::{RFC3394_INITIAL, Width};
use policies::{Permit, Use, encode_base64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::openapi::formats::{Base64, KidText, WidthName};
use crate::route::{Json, SecretJson};
use crate::surface::hem::with_key::{Octets, SecretText, WithKey, sharing};

/// The body of `POST /api/crypto/cipher/wrap` and `/unwrap`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Wrap")]
pub struct WrapBody {
    /// The key to wrap, at most 2048 bytes, or the wrapped one, 8 more.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The width; AES256 where it is left out.
    #[schemars(with = "Option<WidthName>")]
    alg: Option<String>,
    /// 8 bytes, those of RFC 3394 where they are left out.
    iv: Option<Octets>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
    /// Goes into the derivation of the key: at most 64 bytes.
    ctx: Option<Octets>,
}

/// What `wrap` answers, in base64: 8 bytes more than came in.
#[derive(JsonSchema, Serialize)]
pub struct Wrapped {
    #[schemars(with = "Base64")]
    wrapped: String,
}

/// What `unwrap` answers.
#[derive(JsonSchema, Serialize)]
pub struct Unwrapped {
    /// The key that was wrapped.
    unwrapped: SecretText,
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
) -> Result<SecretJson<Unwrapped>, Fault> {
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
    Ok(SecretJson(Unwrapped { unwrapped: SecretText::of(&plain) }))
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
