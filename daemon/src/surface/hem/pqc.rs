//! `/api/crypto/pqc`: ML-KEM and ML-DSA (hem.md A10).

use hsm_profiles::{KeyType, Statement};
use policies::{Permit, Use, encode_base64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::openapi::formats::{Base64, KeyTypeName};
use crate::route::{Empty, Json, SecretJson};
use crate::surface::hem::with_key::{Octets, SecretText, WithKey, bytes};

/// The body of `POST /api/crypto/pqc/mlkem/encaps`: nothing but the KID.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Encapsulate")]
pub struct EncapsBody {}

/// The body of `POST /api/crypto/pqc/mlkem/decaps`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Decapsulate")]
pub struct DecapsBody {
    /// The ciphertext.
    ct: Octets,
}

/// The body of `POST /api/crypto/pqc/mldsa/sign`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MlDsaSign")]
pub struct SignBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The context, at most 255 bytes.
    ctx: Option<Octets>,
}

/// The body of `POST /api/crypto/pqc/mldsa/verify`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MlDsaVerify")]
pub struct VerifyBody {
    /// The message, 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// The signature.
    sign: Octets,
    /// The context, at most 255 bytes.
    ctx: Option<Octets>,
}

/// What `mldsa/sign` answers: the key's type, and the signature in base64.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "MlDsaSigned")]
pub struct Signed {
    /// The key's type.
    #[schemars(with = "KeyTypeName")]
    alg: KeyType,
    /// The signature.
    #[schemars(with = "Base64")]
    sign: String,
}

/// What `encaps` answers.
#[derive(JsonSchema, Serialize)]
pub struct Encapsulated {
    /// The key's type.
    #[schemars(with = "KeyTypeName")]
    alg: KeyType,
    /// The secret, 32 bytes.
    ss: SecretText,
    /// Its ciphertext for the key.
    #[schemars(with = "Base64")]
    ct: String,
}

/// What `decaps` answers.
#[derive(JsonSchema, Serialize)]
pub struct Decapsulated {
    /// The key's type.
    #[schemars(with = "KeyTypeName")]
    alg: KeyType,
    /// The secret, 32 bytes.
    ss: SecretText,
}

/// `POST /api/crypto/pqc/mlkem/encaps`: a fresh secret and its ciphertext, for the named key, whose
/// private half has to be here.
pub async fn encaps(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<EncapsBody>,
) -> Result<SecretJson<Encapsulated>, Fault> {
    let EncapsBody {} = ask.judge()?;
    let (alg, ciphertext, secret) = keyring.encapsulate(key).await?;
    let (ss, ct) = (SecretText::of(&secret), encode_base64(&ciphertext));
    Ok(SecretJson(Encapsulated { alg, ss, ct }))
}

/// `POST /api/crypto/pqc/mlkem/decaps`: the secret in a ciphertext.
pub async fn decaps(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<DecapsBody>,
) -> Result<SecretJson<Decapsulated>, Fault> {
    let body = ask.judge()?;
    let (alg, secret) = keyring.decapsulate(key, body.ct.expose().to_vec()).await?;
    Ok(SecretJson(Decapsulated { alg, ss: SecretText::of(&secret) }))
}

/// `POST /api/crypto/pqc/mldsa/sign`: a signature of the message in its context.
pub async fn sign(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<SignBody>,
) -> Result<Json<Signed>, Fault> {
    let body = ask.judge()?;
    let statement = statement(body.msg, body.ctx)?;
    let (alg, signature) = keyring.sign_ml_dsa(key, statement).await?;
    Ok(Json(Signed { alg, sign: encode_base64(&signature) }))
}

/// `POST /api/crypto/pqc/mldsa/verify`: whether `sign` is a signature of the message in its context
/// by a stored private or imported public key.
pub async fn verify(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<VerifyBody>,
) -> Result<Empty, Fault> {
    let body = ask.judge()?;
    let statement = statement(body.msg, body.ctx)?;
    let signature = body.sign.within("sign", 1..=MAX_SIGNATURE)?;
    keyring.verify_ml_dsa(&key, &statement, signature.expose())?;
    Ok(Empty)
}

fn statement(msg: Octets, ctx: Option<Octets>) -> Result<Statement, Fault> {
    let message = msg.within("msg", 1..=MAX_MESSAGE)?;
    Ok(Statement { message, context: bytes("ctx", ctx, MAX_CONTEXT)? })
}

const MAX_CONTEXT: usize = 255;
const MAX_MESSAGE: usize = 2048;
const MAX_SIGNATURE: usize = 4627;
