//! The login token that a client makes (eJWT): HS256 under an X25519 secret (hem.md A3).

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::crypto::{sign, verify};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A login token that was taken apart and not yet verified. Its claims stay shut until
/// [`LoginToken::open`] has checked the tag.
pub struct LoginToken<'a> {
    /// Header and claims as they were signed.
    text: &'a str,
    tag: &'a str,
    claims: Vec<u8>,
    issuer: [u8; 32],
}

impl<'a> LoginToken<'a> {
    /// Takes `token` apart. The header may hold its members in any order but must say `HS256` and
    /// `x25519` and must not ask for anything that is not understood here.
    ///
    /// # Errors
    /// [`BadLogin`] where it is not such a token.
    pub fn parse(token: &'a str) -> Result<Self, BadLogin> {
        if token.len() > MAX_TOKEN {
            return Err(BadLogin);
        }
        let (text, tag) = token.rsplit_once('.').ok_or(BadLogin)?;
        let (header, claims) = text.split_once('.').ok_or(BadLogin)?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" || header.ecdh != "x25519" || header.crit.is_some() {
            return Err(BadLogin);
        }
        let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|_| BadLogin)?;
        let named: Issuer = serde_json::from_slice(&claims).map_err(|_| BadLogin)?;
        let issuer = crate::decode_base64(&named.iss).ok_or(BadLogin)?;
        let issuer = issuer.try_into().map_err(|_| BadLogin)?;
        Ok(Self { text, tag, claims, issuer })
    }

    /// The X25519 public key that the client says is its own; the secret to open the token with is
    /// the agreement of it with the session key.
    pub fn issuer(&self) -> &[u8; 32] {
        &self.issuer
    }

    /// The claims, once the tag proves that the client holds the private half of
    /// [`LoginToken::issuer`]. `secret` is the raw X25519 secret.
    ///
    /// # Errors
    /// [`BadLogin`] for a wrong tag or claims of another shape.
    pub fn open<C: DeserializeOwned>(&self, secret: &Zeroizing<[u8; 32]>) -> Result<C, BadLogin> {
        let key = DecodingKey::from_secret(secret.as_slice());
        match verify(self.tag, self.text.as_bytes(), &key, Algorithm::HS256) {
            Ok(true) => serde_json::from_slice(&self.claims).map_err(|_| BadLogin),
            _ => Err(BadLogin),
        }
    }
}

/// A token that the device makes for an authenticator: the same form, under the secret that the
/// device's identity key and the other's key share (hem.md A7).
///
/// # Errors
/// [`BadLogin`] where the claims can't be signed; not seen with an HMAC.
pub fn issue<C: Serialize>(claims: &C, secret: &Zeroizing<[u8; 32]>) -> Result<String, BadLogin> {
    let claims = serde_json::to_vec(claims).map_err(|_| BadLogin)?;
    let claims = Base64UrlUnpadded::encode_string(&claims);
    let text = format!("{}.{claims}", Base64UrlUnpadded::encode_string(OUR_HEADER));
    let key = EncodingKey::from_secret(secret.as_slice());
    let tag = sign(text.as_bytes(), &key, Algorithm::HS256).map_err(|_| BadLogin)?;
    Ok(format!("{text}.{tag}"))
}

/// A login token that proves nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the login token is malformed or its tag does not match")]
pub struct BadLogin;

#[derive(Deserialize)]
struct Header {
    alg: String,
    ecdh: String,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

fn decode<T: DeserializeOwned>(segment: &str) -> Result<T, BadLogin> {
    let json = Base64UrlUnpadded::decode_vec(segment).map_err(|_| BadLogin)?;
    serde_json::from_slice(&json).map_err(|_| BadLogin)
}

const MAX_TOKEN: usize = 7300;
const OUR_HEADER: &[u8] = br#"{"ecdh":"x25519","typ":"JWT","alg":"HS256"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    const PHP: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImVjZGgiOiJ4MjU1MTkifQ.eyJqdGkiOiJBUEZUWlFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPSIsImF1ZCI6ImowREZyYmFQSldKSzViSVU2blo2YnNsTmdwMDllMTRhMGJwdlBpRTRLRjg9IiwiZXhwIjoxNzAwMDAwMDYwLCJpYXQiOjE3MDAwMDAwMDAsImlzcyI6IkZHcTI0S1FHbDh1VFRyQitRbjFXQVVJSDZYZmVXUDZDYndyVEd0d0FxMUE9Iiwic2NvcGUiOiJzeXN0ZW06Y29uZmlnIn0.aLF9tBLSWENdJGPhYNnan8lej6osEvBriEGCoo5fQy4";

    fn secret(hex: &str) -> Zeroizing<[u8; 32]> {
        let bytes = base16ct::lower::decode_vec(hex).unwrap();
        Zeroizing::new(bytes.try_into().unwrap())
    }

    #[test]
    fn opens_the_published_logins_in_any_header_order() {
        let z = secret("4ac39cccb0fc99acbfcba20db9c753be44ff16d45baca7348e17c636cac3d41d");
        let token = LoginToken::parse(PHP).unwrap();
        assert_eq!(
            crate::encode_base64(token.issuer()),
            "FGq24KQGl8uTTrB+Qn1WAUIH6XfeWP6CbwrTGtwAq1A="
        );
        let claims: serde_json::Value = token.open(&z).unwrap();
        assert_eq!(claims["scope"], "system:config");
        assert_eq!(claims["exp"], 1_700_000_060);
    }

    #[test]
    fn what_is_issued_opens_again() {
        let z = secret("4ac39cccb0fc99acbfcba20db9c753be44ff16d45baca7348e17c636cac3d41d");
        let iss = "FGq24KQGl8uTTrB+Qn1WAUIH6XfeWP6CbwrTGtwAq1A=";
        let token = issue(&serde_json::json!({ "iss": iss, "jti": "x" }), &z).unwrap();
        // The header of the published request of a real device.
        assert!(token.starts_with("eyJlY2RoIjoieDI1NTE5IiwidHlwIjoiSldUIiwiYWxnIjoiSFMyNTYifQ."));
        let claims: serde_json::Value = LoginToken::parse(&token).unwrap().open(&z).unwrap();
        assert_eq!(claims["jti"], "x");
    }

    #[test]
    fn stays_shut_for_another_secret_or_a_changed_character() {
        let z = secret("4ac39cccb0fc99acbfcba20db9c753be44ff16d45baca7348e17c636cac3d41e");
        let opened = LoginToken::parse(PHP).unwrap().open::<serde_json::Value>(&z);
        assert_eq!(opened.unwrap_err(), BadLogin);
        let z = secret("4ac39cccb0fc99acbfcba20db9c753be44ff16d45baca7348e17c636cac3d41d");
        for at in 0..PHP.len() {
            let mut forged = PHP.as_bytes().to_vec();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            let opened = LoginToken::parse(&forged).and_then(|t| t.open::<serde_json::Value>(&z));
            assert!(opened.is_err(), "character {at}");
        }
    }

    #[test]
    fn refuses_headers_that_ask_for_more() {
        let (_, rest) = PHP.split_once('.').unwrap();
        for header in [
            r#"{"alg":"none","ecdh":"x25519","typ":"JWT"}"#,
            r#"{"alg":"HS256","typ":"JWT"}"#,
            r#"{"alg":"HS256","ecdh":"p256","typ":"JWT"}"#,
            r#"{"alg":"HS256","ecdh":"x25519","crit":["exp"],"typ":"JWT"}"#,
            r#"{"alg":"HS256","alg":"HS256","ecdh":"x25519"}"#,
            "[]",
        ] {
            let token = format!("{}.{rest}", Base64UrlUnpadded::encode_string(header.as_bytes()));
            assert!(LoginToken::parse(&token).is_err(), "{header}");
        }
    }
}
