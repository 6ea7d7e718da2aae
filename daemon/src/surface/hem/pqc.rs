//! `/api/crypto/pqc`: ML-KEM and ML-DSA (hem.md A10).

use base64ct::{Base64, Encoding};
use hsm_profiles::{KeyType, Statement};
use policies::{Permit, Use, encode_base64};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::route::{Empty, Json, SecretJson};
use crate::surface::hem::with_key::{Octets, WithKey, bytes};

/// The body of `POST /api/crypto/pqc/mlkem/encaps`: nothing but the KID.
#[derive(Deserialize)]
pub struct EncapsBody {}

/// The body of `POST /api/crypto/pqc/mlkem/decaps`.
#[derive(Deserialize)]
pub struct DecapsBody {
    ct: Octets,
}

/// The body of `POST /api/crypto/pqc/mldsa/sign`.
#[derive(Deserialize)]
pub struct SignBody {
    msg: Octets,
    ctx: Option<Octets>,
}

/// The body of `POST /api/crypto/pqc/mldsa/verify`.
#[derive(Deserialize)]
pub struct VerifyBody {
    msg: Octets,
    sign: Octets,
    ctx: Option<Octets>,
}

/// What `mldsa/sign` answers: the key's type, and the signature in base64.
#[derive(Serialize)]
pub struct Signed {
    alg: KeyType,
    sign: String,
}

/// `POST /api/crypto/pqc/mlkem/encaps`: a fresh secret and its ciphertext, for the named key, whose
/// private half has to be here.
pub async fn encaps(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<EncapsBody>,
) -> Result<SecretJson, Fault> {
    let EncapsBody {} = ask.judge()?;
    let (kind, ciphertext, secret) = keyring.encapsulate(key).await?;
    shared(kind, secret.expose(), Some(&ciphertext))
}

/// `POST /api/crypto/pqc/mlkem/decaps`: the secret in a ciphertext.
pub async fn decaps(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<DecapsBody>,
) -> Result<SecretJson, Fault> {
    let body = ask.judge()?;
    let (kind, secret) = keyring.decapsulate(key, body.ct.expose().to_vec()).await?;
    shared(kind, secret.expose(), None)
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

/// `{"alg":"MLKEM768","ss":"<base64>","ct":"<base64>"}`, in memory that is wiped.
fn shared(kind: KeyType, secret: &[u8], ciphertext: Option<&[u8]>) -> Result<SecretJson, Fault> {
    let mut encoded = Zeroizing::new(vec![0; Base64::encoded_len(secret)]);
    let encoded = Base64::encode(secret, encoded.as_mut_slice()).map_err(|_| Fault::Internal)?;
    let ciphertext = ciphertext.map(encode_base64);
    let ciphertext = ciphertext.as_deref();
    let length = encoded.len() + ciphertext.map_or(0, str::len) + 64;
    let mut json = Zeroizing::new(Vec::with_capacity(length));
    for part in ["{\"alg\":\"", kind.name(), "\",\"ss\":\"", encoded, "\""] {
        json.extend_from_slice(part.as_bytes());
    }
    for part in ciphertext.iter().flat_map(|text| [",\"ct\":\"", *text, "\""]) {
        json.extend_from_slice(part.as_bytes());
    }
    json.extend_from_slice(b"}");
    Ok(SecretJson(json))
}

const MAX_CONTEXT: usize = 255;
const MAX_MESSAGE: usize = 2048;
const MAX_SIGNATURE: usize = 4627;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_json_with_and_without_a_ciphertext() {
        let read = |ciphertext: Option<&[u8]>| {
            let json = shared(KeyType::MlKem768, &[1, 2], ciphertext).unwrap().0;
            serde_json::from_slice::<serde_json::Value>(&json).unwrap()
        };
        let (alone, both) = (read(None), read(Some(&[3; 1088])));
        assert_eq!(alone, serde_json::json!({ "alg": "MLKEM768", "ss": "AQI=" }));
        assert_eq!(policies::decode_base64(both["ct"].as_str().unwrap()), Some(vec![3; 1088]));
    }
}
