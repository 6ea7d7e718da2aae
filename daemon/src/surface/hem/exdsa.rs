//! `/api/crypto/exdsa`: signatures (hem.md A10).

use hsm_profiles::{Scheme, Statement};
use policies::{Permit, Use, encode_base64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::openapi::formats::{Base64, SchemeName};
use crate::route::{Empty, Json};
use crate::surface::hem::with_key::{Octets, WithKey, bytes};

/// The body of `POST /api/crypto/exdsa/sign`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ExdsaSign")]
pub struct SignBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The scheme.
    #[schemars(with = "SchemeName")]
    alg: String,
    /// The context, at most 255 bytes.
    ctx: Option<Octets>,
}

/// The body of `POST /api/crypto/exdsa/verify`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ExdsaVerify")]
pub struct VerifyBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The scheme.
    #[schemars(with = "SchemeName")]
    alg: String,
    /// The context, at most 255 bytes.
    ctx: Option<Octets>,
    /// The signature.
    sign: Octets,
}

/// What `sign` answers: DER for ECDSA, raw for EdDSA, in base64.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ExdsaSigned")]
pub struct Signed {
    /// The signature.
    #[schemars(with = "Base64")]
    sign: String,
}

/// `POST /api/crypto/exdsa/sign`: a signature of the message, which is hashed here.
pub async fn sign(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<SignBody>,
) -> Result<Json<Signed>, Fault> {
    let body = ask.judge()?;
    let (scheme, statement) = statement(body.msg, &body.alg, body.ctx)?;
    let signature = keyring.sign(key, scheme, statement).await?;
    Ok(Json(Signed { sign: encode_base64(&signature) }))
}

/// `POST /api/crypto/exdsa/verify`: whether `sign` is a signature of the message by a stored private
/// or imported public key.
pub async fn verify(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<VerifyBody>,
) -> Result<Empty, Fault> {
    let body = ask.judge()?;
    let (scheme, statement) = statement(body.msg, &body.alg, body.ctx)?;
    let signature = body.sign.within("sign", 1..=MAX_SIGNATURE)?;
    keyring.verify(&key, scheme, &statement, signature.expose())?;
    Ok(Empty)
}

fn statement(msg: Octets, alg: &str, ctx: Option<Octets>) -> Result<(Scheme, Statement), Fault> {
    let message = msg.within("msg", 1..=MAX_MESSAGE)?;
    let context = bytes("ctx", ctx, MAX_CONTEXT)?;
    let Some(scheme) = Scheme::from_name(alg) else {
        let names: Vec<_> = Scheme::ALL.iter().map(|scheme| scheme.name()).collect();
        return Err(Fault::Invalid(format!("alg must be one of {}", names.join(", ")).into()));
    };
    match scheme {
        Scheme::Ed25519Ctx if context.is_empty() => {
            Err(Fault::Invalid("Ed25519ctx needs a ctx of 1 to 255 bytes".into()))
        }
        _ => Ok((scheme, Statement { message, context })),
    }
}

const MAX_CONTEXT: usize = 255;
const MAX_MESSAGE: usize = 2048;
const MAX_SIGNATURE: usize = 148;
