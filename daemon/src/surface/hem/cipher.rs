//! `/api/crypto/cipher/encrypt` and `/decrypt`: AES by stored keys, or by keys derived from what a
//! key agrees on with a peer (hem.md A10).

use hsm_profiles::{Cipher, Ciphered, Mode};
use policies::{Permit, Use, encode_base64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::keyring::Keyring;
use crate::openapi::formats::{Base64, CipherName, KidText};
use crate::route::{Json, SecretJson};
use crate::surface::hem::with_key::{Octets, SecretText, WithKey, bytes, sharing};

/// The body of `POST /api/crypto/cipher/encrypt`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Encrypt")]
pub struct EncryptBody {
    /// What is enciphered: 1 to 2048 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// Width and mode.
    #[schemars(with = "CipherName")]
    alg: String,
    /// Authenticated and not enciphered, GCM only: at most 2048 bytes.
    aad: Option<Octets>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
    /// Goes into the derivation of the key: at most 64 bytes.
    ctx: Option<Octets>,
}

/// The body of `POST /api/crypto/cipher/decrypt`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Decrypt")]
pub struct DecryptBody {
    /// What was enciphered: 1 to 2064 bytes.
    #[schemars(length(min = 2))]
    msg: Octets,
    /// Width and mode.
    #[schemars(with = "CipherName")]
    alg: String,
    /// The initialisation vector.
    iv: Option<Octets>,
    /// The tag of GCM, 16 bytes.
    tag: Option<Octets>,
    /// Authenticated and not enciphered, GCM only: at most 2048 bytes.
    aad: Option<Octets>,
    /// A stored peer to agree with; wins over `pubkey`.
    #[schemars(with = "Option<KidText>")]
    ext_kid: Option<String>,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pubkey: Option<Octets>,
    /// Goes into the derivation of the key: at most 64 bytes.
    ctx: Option<Octets>,
}

/// What `encrypt` answers, in base64.
#[derive(JsonSchema, Serialize)]
pub struct Encrypted {
    #[schemars(with = "Base64")]
    ciphertext: String,
    /// The initialisation vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    iv: Option<String>,
    /// The tag of GCM, 16 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    tag: Option<String>,
}

/// What `decrypt` answers.
#[derive(JsonSchema, Serialize)]
pub struct Decrypted {
    /// What was enciphered.
    plaintext: SecretText,
}

/// `POST /api/crypto/cipher/encrypt`. The initialisation vector always comes from the token.
pub async fn encrypt(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<EncryptBody>,
) -> Result<Json<Encrypted>, Fault> {
    let body = ask.judge()?;
    let cipher = cipher(&body.alg)?;
    let plain = body.msg.within("msg", 1..=MAX_PLAIN)?;
    if cipher.mode == Mode::Ecb {
        whole_blocks(plain.expose())?;
    }
    let aad = bytes("aad", body.aad, MAX_AAD)?;
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), body.ctx)?;
    let Ciphered { text, iv, tag } = keyring.encrypt(key, sharing, (cipher, aad), plain).await?;
    let optional = |bytes: &[u8]| (!bytes.is_empty()).then(|| encode_base64(bytes));
    let (iv, tag) = (optional(&iv), optional(&tag));
    Ok(Json(Encrypted { ciphertext: encode_base64(&text), iv, tag }))
}

/// `POST /api/crypto/cipher/decrypt`.
pub async fn decrypt(
    keyring: Keyring,
    key: Permit<Use>,
    ask: WithKey<DecryptBody>,
) -> Result<SecretJson<Decrypted>, Fault> {
    let body = ask.judge()?;
    let cipher = cipher(&body.alg)?;
    let text = body.msg.within("msg", 1..=MAX_CIPHER)?.expose().to_vec();
    if cipher.mode != Mode::Gcm {
        whole_blocks(&text)?;
    }
    let iv = match cipher.mode {
        Mode::Ecb => Vec::new(),
        Mode::Cbc | Mode::Gcm | Mode::Gcm96 => block("iv", body.iv)?,
    };
    let tag = match cipher.mode {
        Mode::Cbc | Mode::Ecb => Vec::new(),
        Mode::Gcm | Mode::Gcm96 => block("tag", body.tag)?,
    };
    let aad = bytes("aad", body.aad, MAX_AAD)?;
    let sharing = sharing(body.ext_kid.as_deref(), body.pubkey.as_ref(), body.ctx)?;
    let sealed = Ciphered { text, iv, tag };
    let plain = keyring.decrypt(key, sharing, (cipher, aad), sealed).await?;
    Ok(SecretJson(Decrypted { plaintext: SecretText::of(&plain) }))
}

fn cipher(name: &str) -> Result<Cipher, Fault> {
    Cipher::from_name(name).ok_or_else(|| {
        Fault::Invalid("alg must be AES128, AES192 or AES256 and -ECB, -CBC or -GCM".into())
    })
}

fn block(name: &str, given: Option<Octets>) -> Result<Vec<u8>, Fault> {
    match given {
        Some(octets) => Ok(octets.within(name, BLOCK..=BLOCK)?.expose().to_vec()),
        None => Err(Fault::Invalid(format!("{name} is missing, which this alg needs").into())),
    }
}

fn whole_blocks(text: &[u8]) -> Result<(), Fault> {
    match text.len().is_multiple_of(BLOCK) {
        true => Ok(()),
        false => Err(Fault::Invalid("msg must be a multiple of 16 bytes for this alg".into())),
    }
}

const BLOCK: usize = 16;
/// More than the device's 16 or 32 bytes (hem.md A15, 16): what one body has room for.
const MAX_AAD: usize = 2048;
const MAX_CIPHER: usize = 2064;
const MAX_PLAIN: usize = 2048;
