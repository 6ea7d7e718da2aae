//! The login proof of the HEM API: from the daemon's challenge and a passphrase to the signed eJWT.
//! Pure computation, no I/O. Source: HEM API, "Local login"; PBKDF2 is RFC 8018, X25519 RFC 7748.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

/// What `GET /api/auth/token` answers. Fields that the proof does not need are left out.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Challenge {
    /// Session public key of the daemon: base64 of 32 bytes, X25519.
    spk: String,
    /// Single-use nonce; echoed as it is.
    jti: String,
    /// Identity of the daemon; its text, not its bytes, is the salt.
    eid: String,
}

/// What the token is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The scopes of the token, with spaces between.
    pub(crate) scope: &'a str,
    /// Unix seconds of the request.
    pub(crate) issued_at: u64,
    /// Unix seconds at which the token shall end; the daemon takes it verbatim.
    pub(crate) expires_at: u64,
}

/// Why a challenge can't be answered.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// The claims can't be written as JSON.
    #[error("the claims of the login token cannot be written as JSON")]
    BadClaims,
    /// The session key is not base64 of 32 bytes.
    #[error("the daemon's session key is not base64 of 32 bytes")]
    BadSessionKey,
    /// The session key is a point of low order: the proof would not depend on the passphrase.
    #[error("the daemon's session key is weak, the proof would protect nothing")]
    WeakSessionKey,
}

/// The signed login token (three base64url parts) that proves knowledge of the passphrase.
pub(crate) fn ejwt(
    challenge: &Challenge,
    passphrase: &SecretString,
    wish: Wish<'_>,
) -> Result<Zeroizing<String>, HandshakeError> {
    let secret = user_secret(passphrase, &challenge.eid);
    let shared = shared_secret(&secret, &challenge.spk)?;
    let claims = Claims {
        jti: &challenge.jti,
        aud: &challenge.spk,
        exp: wish.expires_at,
        iat: wish.issued_at,
        iss: &issuer(&secret),
        scope: wish.scope,
    };
    sign(&claims, &shared).map(Zeroizing::new)
}

/// The user's X25519 private key: PBKDF2-HMAC-SHA256 of the passphrase, salted with the text of
/// the daemon's identity.
fn user_secret(passphrase: &SecretString, eid: &str) -> StaticSecret {
    let mut seed = Zeroizing::new([0_u8; 32]);
    let phrase = passphrase.expose_secret().as_bytes();
    pbkdf2::pbkdf2_hmac::<Sha256>(phrase, eid.as_bytes(), ROUNDS, seed.as_mut_slice());
    StaticSecret::from(*seed)
}

fn shared_secret(secret: &StaticSecret, spk: &str) -> Result<SharedSecret, HandshakeError> {
    let mut point = [0_u8; 32];
    let decoded = Base64::decode(spk, &mut point).map_err(|_| HandshakeError::BadSessionKey)?;
    if decoded.len() != 32 {
        return Err(HandshakeError::BadSessionKey);
    }
    let shared = secret.diffie_hellman(&PublicKey::from(point));
    if shared.was_contributory() { Ok(shared) } else { Err(HandshakeError::WeakSessionKey) }
}

fn issuer(secret: &StaticSecret) -> String {
    Base64::encode_string(PublicKey::from(secret).as_bytes())
}

fn sign(claims: &Claims<'_>, shared: &SharedSecret) -> Result<String, HandshakeError> {
    let claims = serde_json::to_vec(claims).map_err(|_| HandshakeError::BadClaims)?;
    let header = Base64UrlUnpadded::encode_string(HEADER.as_bytes());
    let claims = Base64UrlUnpadded::encode_string(&claims);
    let signed = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new((&*hmac_block(shared)).into());
    mac.update(signed.as_bytes());
    let tag = Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes());
    Ok(format!("{signed}.{tag}"))
}

/// The key as HMAC uses it (RFC 2104): filled with zeros to the 64 bytes of a SHA-256 block.
fn hmac_block(shared: &SharedSecret) -> Zeroizing<[u8; 64]> {
    let mut block = Zeroizing::new([0_u8; 64]);
    for (place, byte) in block.iter_mut().zip(shared.as_bytes()) {
        *place = *byte;
    }
    block
}

/// The claims in the order that known clients write them.
#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    iss: &'a str,
    scope: &'a str,
}

const HEADER: &str = r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#;
const ROUNDS: u32 = 600_000;

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::{Challenge, HandshakeError, Wish, ejwt, issuer, shared_secret, user_secret};

    #[test]
    fn the_proof_is_the_one_of_known_clients_byte_for_byte() {
        for name in ["login_python_fixture", "login_full"] {
            let vector = vector(name);
            let wish = Wish {
                scope: vector["scope"].as_str().unwrap(),
                issued_at: vector["iat"].as_u64().unwrap(),
                expires_at: vector["exp"].as_u64().unwrap(),
            };
            let proof = ejwt(&challenge(&vector), &passphrase(&vector), wish).unwrap();
            assert_eq!(proof.as_str(), vector["ejwt"].as_str().unwrap(), "{name}");
        }
    }

    #[test]
    fn seed_shared_secret_and_issuer_are_right_each_by_itself() {
        let vector = vector("login_full");
        let secret = user_secret(&passphrase(&vector), vector["eid"].as_str().unwrap());
        assert_eq!(hex(secret.as_bytes()), vector["seed"]);
        assert_eq!(issuer(&secret), vector["iss"].as_str().unwrap());
        let shared = shared_secret(&secret, vector["spk"].as_str().unwrap()).unwrap();
        assert_eq!(hex(shared.as_bytes()), vector["shared"]);
    }

    #[test]
    fn weak_and_malformed_session_keys_are_refused() {
        let secret = x25519_dalek::StaticSecret::from([7; 32]);
        let refusal = |spk: &str| shared_secret(&secret, spk).err().unwrap();
        assert_eq!(refusal(&Base64::encode_string(&[0; 32])), HandshakeError::WeakSessionKey);
        for bad in ["", "AQEB", "no base64", &Base64::encode_string(&[1; 33])] {
            assert_eq!(refusal(bad), HandshakeError::BadSessionKey, "{bad}");
        }
    }

    fn challenge(vector: &Value) -> Challenge {
        let document = json!({"exp": 1_700_000_060, "spk": vector["spk"], "jti": vector["jti"],
            "lbl": "user", "eid": vector["eid"]});
        serde_json::from_value(document).unwrap()
    }

    fn passphrase(vector: &Value) -> SecretString {
        vector["passphrase"].as_str().unwrap().into()
    }

    fn vector(name: &str) -> Value {
        let all: Value = serde_json::from_str(include_str!("../tests/vectors/login.json")).unwrap();
        all[name].clone()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
