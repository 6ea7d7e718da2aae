//! Tokens: HS256, by the secret of two X25519 keys or by a key of the device.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::encoding::{base64url, unbase64url};
use crate::verdict::{OrFails, Verdict, ensure};

/// A token with this header and these claims.
pub(crate) fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
    let header = base64url(header.to_string().as_bytes());
    let text = format!("{header}.{}", base64url(claims.to_string().as_bytes()));
    let signature = base64url(&hmac_sha256(key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// Header, claims and the text that the signature is of.
pub(crate) struct Opened {
    /// The header, as it stands there.
    pub(crate) header: String,
    /// The claims, as they stand there.
    pub(crate) payload: String,
    /// The claims.
    pub(crate) claims: Value,
    text: String,
    signature: Vec<u8>,
}

impl Opened {
    /// Opens a token without a look at its signature.
    pub(crate) fn of(token: &str) -> Verdict<Self> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return crate::verdict::fails("a token of other than three segments");
        };
        let segment = |text: &str| {
            let bytes = unbase64url(text).and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.or_fails(|| "a token's segment is not base64url of text".to_owned())
        };
        let text = segment(payload)?;
        let claims = serde_json::from_str(&text).or_fails(|| "claims of a token".to_owned())?;
        let signature = unbase64url(signature).or_fails(|| "a token's signature".to_owned())?;
        let signed = format!("{header}.{payload}");
        Ok(Self { header: segment(header)?, payload: text, claims, text: signed, signature })
    }

    /// Fails unless the signature is by this key.
    pub(crate) fn is_by(&self, key: &[u8]) -> Verdict {
        ensure(hmac_sha256(key, self.text.as_bytes()) == self.signature, || {
            "a token's signature is not by the key agreed on".to_owned()
        })
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Verdict<String> {
        let text = self.claims.get(name).and_then(Value::as_str).map(str::to_owned);
        text.or_fails(|| format!("a token without the text {name:?}"))
    }

    /// A claim that is an integer.
    pub(crate) fn number(&self, name: &str) -> Verdict<u64> {
        let number = self.claims.get(name).and_then(Value::as_u64);
        number.or_fails(|| format!("a token without the number {name:?}"))
    }
}

/// HMAC-SHA-256.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    // No length of a key is refused.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        },
    )
}
