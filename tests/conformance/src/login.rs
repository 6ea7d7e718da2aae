//! The login of A3: a passphrase, a key made of it, and a token signed with what that key and the
//! device's session key agree on.

use pbkdf2::pbkdf2_hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::encoding::{base64, unbase64};
use crate::jwt;
use crate::reply::Reply;
use crate::verdict::{OrFails, Verdict};

/// A private X25519 key: of somebody who logs in, or of an authenticator.
pub(crate) struct Secret(StaticSecret);

impl Secret {
    /// The key that a passphrase stands for on the device with this `eid`. The salt is the text of
    /// the `eid`, not its bytes.
    pub(crate) fn of_passphrase(passphrase: &SecretString, eid: &str) -> Self {
        let mut seed = [0; 32];
        let passphrase = passphrase.expose_secret().as_bytes();
        pbkdf2_hmac::<Sha256>(passphrase, eid.as_bytes(), ROUNDS, &mut seed);
        Self(StaticSecret::from(seed))
    }

    /// The key of these bytes.
    pub(crate) fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    /// Its public half.
    pub(crate) fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }

    /// What it shares with a public key in base64, 32 raw bytes.
    pub(crate) fn agree(&self, peer: &str) -> Verdict<[u8; 32]> {
        let peer = unbase64(peer).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let peer = peer.or_fails(|| "an X25519 key is not 32 bytes in base64".to_owned())?;
        Ok(self.0.diffie_hellman(&PublicKey::from(peer)).to_bytes())
    }
}

/// What the device asks somebody to sign.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    /// The device's session key, base64.
    pub(crate) spk: String,
    /// The nonce, base64.
    pub(crate) jti: String,
    /// The device's identity key, base64.
    pub(crate) eid: String,
    /// Until when the nonce is good, Unix seconds.
    pub(crate) exp: u64,
    /// The device's time, which stands at the head of the nonce.
    pub(crate) now: u64,
}

impl Challenge {
    /// Out of the answer to `GET auth/token` or `GET auth/init`.
    pub(crate) fn of(reply: &Reply) -> Verdict<Self> {
        let nonce = reply.bytes_of("jti", 32)?;
        let now = nonce.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Ok(Self {
            spk: reply.text("spk")?,
            jti: reply.text("jti")?,
            eid: reply.text("eid")?,
            exp: reply.number("exp")?,
            now: u64::from(now),
        })
    }

    /// The claims that answer it, for a token that ends at `exp`.
    pub(crate) fn claims(&self, who: &Secret, scope: &str, exp: u64) -> Map<String, Value> {
        let claims = json!({
            "jti": self.jti,
            "aud": self.spk,
            "exp": exp,
            "iat": self.now.saturating_sub(5),
            "iss": base64(&who.public()),
            "scope": scope,
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    /// Those claims, signed.
    pub(crate) fn sign(&self, who: &Secret, claims: Map<String, Value>) -> Verdict<String> {
        let header = json!({ "ecdh": "x25519", "alg": "HS256", "typ": "JWT" });
        Ok(jwt::sign(&header, &Value::Object(claims), &who.agree(&self.spk)?))
    }
}

/// What a scope is good for by default, seconds.
pub(crate) const LIFE: u64 = 3600;
const ROUNDS: u32 = 600_000;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Secret;
    use crate::encoding::{base64, hex, unhex};
    use crate::jwt::Opened;

    #[test]
    fn the_published_logins_come_out() {
        let vectors: Value = serde_json::from_str(include_str!("../vectors/hem.json")).unwrap();
        for name in ["login_python_fixture", "login_full", "login_php_header_order"] {
            let vector = &vectors[name];
            let text = |key: &str| vector[key].as_str().unwrap();
            let who = Secret::of_passphrase(&text("passphrase").into(), text("eid"));
            assert_eq!(hex(who.0.as_bytes()), text("seed"), "{name}");
            assert_eq!(base64(&who.public()), text("iss"), "{name}");
            let shared = who.agree(text("spk")).unwrap();
            assert_eq!(shared.to_vec(), unhex(text("shared")).unwrap(), "{name}");
            let opened = Opened::of(text("ejwt")).unwrap();
            opened.is_by(&shared).unwrap();
            assert!(opened.is_by(&[0; 32]).is_err(), "{name}");
            assert_eq!(opened.text("scope").unwrap(), text("scope"), "{name}");
        }
    }
}
