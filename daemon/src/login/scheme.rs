//! Scheme A: a scope that one authenticator can read, and answer (hem.md A7).
//!
//! `K = HMAC-SHA256(Z, jti)`, where Z is what the identity key and the authenticator's share;
//! AES-128-CBC with `K[0..16]`, IV `K[16..32]`, PKCS#7; then `HMAC-SHA256(K, scope)`; all of it
//! base64, after the letter A. The token that carries it has a tag of its own under Z, so nobody
//! else gets as far as the padding.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use policies::{decode_base64, encode_base64};
use zeroize::Zeroizing;

use crate::fault::Fault;

/// Seals `scope` under `secret` for the request named `jti`.
///
/// # Errors
/// [`Fault::Internal`] where the cipher fails; not seen.
pub(crate) fn seal(secret: &[u8; 32], jti: &[u8], scope: &str) -> Result<String, Fault> {
    let keys = Keys::of(secret, jti).ok_or(Fault::Internal)?;
    let mut sealed = scope.as_bytes().to_vec();
    let cipher = UnboundCipherKey::new(&AES_128, keys.cipher.as_slice());
    let iv = EncryptionContext::Iv128(FixedLength::from(keys.iv));
    cipher
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.less_safe_encrypt(&mut sealed, iv))
        .map_err(|_| Fault::Internal)?;
    sealed.extend_from_slice(hmac::sign(&keys.mac, scope.as_bytes()).as_ref());
    Ok(format!("A{}", encode_base64(&sealed)))
}

/// The scope in `text`; `None` where its scheme is another, or it was not sealed under `secret` for
/// `jti`.
pub(crate) fn open(secret: &[u8; 32], jti: &[u8], text: &str) -> Option<String> {
    let sealed = decode_base64(text.strip_prefix('A')?)?;
    let (sealed, tag) = sealed.split_at_checked(sealed.len().checked_sub(MAC)?)?;
    let keys = Keys::of(secret, jti)?;
    let cipher = UnboundCipherKey::new(&AES_128, keys.cipher.as_slice()).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).ok()?;
    let mut room = sealed.to_vec();
    let iv = DecryptionContext::Iv128(FixedLength::from(keys.iv));
    let scope = key.decrypt(&mut room, iv).ok()?;
    hmac::verify(&keys.mac, scope, tag).ok()?;
    String::from_utf8(scope.to_vec()).ok()
}

struct Keys {
    cipher: Zeroizing<[u8; 16]>,
    iv: [u8; 16],
    mac: hmac::Key,
}

impl Keys {
    fn of(secret: &[u8; 32], jti: &[u8]) -> Option<Self> {
        let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), jti);
        let (cipher, iv) = key.as_ref().split_at_checked(16)?;
        Some(Self {
            cipher: Zeroizing::new(cipher.try_into().ok()?),
            iv: iv.try_into().ok()?,
            mac: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
        })
    }
}

const MAC: usize = 32;

#[cfg(test)]
mod tests {
    use policies::login::LoginToken;
    use serde_json::Value;
    use x25519_dalek::{PublicKey, StaticSecret};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        decode_base64(text).unwrap()
    }

    /// The published cases of an authenticator: four good ones and one whose tag was changed.
    #[test]
    fn the_published_cases_come_out_as_they_must() {
        let secret = bytes("RFsNHNlxM5Y1INv105Ppom82g80MqPPiiFEbTZbBjA4=").try_into().unwrap();
        let cases = [
            (
                "ZJxI8fbiFTWt0WhmYF9lhQ==",
                "Al8jyYxSRvR3L/oqmiXXSO21U/tJ6HaPNBgDyfShcMaTTeJpj939NQVkvbPNvMf7nJPvzbfqehaw8bv65RdXqTmeB3FY3uxRdp8EZB+4WtX8G9IllAVY6+HMfp6jWl4qgWzX7yN80nfKrjQGi7csBOBOBCfZnypvxquKs1mW1c0I=",
                Some(
                    "keymgmt:use:2ba3f1e0c9a4b7d8e6f5a3c2b1d0e9f84c91e#eyJ0IjoiMDIyMSIsImwiOiJQR1AgbWFpbiJ9",
                ),
            ),
            (
                "dWyGZPo5ijh7MgQqyo286A==",
                "A6WudV0T8odK4DQd/iV9Rz/FkoOO9EZv01HiCmalswf9P+Pt2iodJDgi2Q0yWxAq2",
                Some("storage:disk0"),
            ),
            (
                "xYvc4U3fE9yd8Gn+Y8reIw==",
                "Aa/nbuv3usRrI2IaKKldIiIHRg5hQmWzkocDWKBtKFKcQGC/mBmolmMUZxp7L/Oci+CKAmEr0G76F+9j3oEoP0g==",
                Some("storage:disk0:rw"),
            ),
            (
                "9NV7lPZQ1ReRGjipPzkE2Q==",
                "AAJPub+7+9CObGav48HLRFlUncGN8mq5P7teNRU0SGlJrXn+yPl4PAGnanUMSoFSB",
                Some("system:upgrade"),
            ),
            (
                "Lsm8iAbr25KAOF1Dhkb8Ow==",
                "AsabX8bVZ4ostiS3nXUAJHIcvKruITlu9rtGNxTV5k1ZSGU6M/UNRo5b3DTi3iXVI",
                None,
            ),
        ];
        for (jti, value, plain) in cases {
            let jti = bytes(jti);
            assert_eq!(open(&secret, &jti, value).as_deref(), plain);
            if let Some(plain) = plain {
                assert_eq!(seal(&secret, &jti, plain).unwrap(), value);
                assert_eq!(open(&secret, &jti, &value.replacen('A', "B", 1)), None);
                assert_eq!(open(&secret, &jti[1..], value), None);
            }
        }
        for short in ["A", "", "AAAAA", "A====", &format!("A{}", encode_base64(&[0; 32]))] {
            assert_eq!(open(&secret, b"x", short), None, "{short}");
        }
    }

    /// What a real device sent, with the keys of the authenticator in its test fixture.
    #[test]
    fn a_real_devices_request_opens() {
        let authreq = "eyJlY2RoIjoieDI1NTE5IiwidHlwIjoiSldUIiwiYWxnIjoiSFMyNTYifQ.eyJpc3MiOiJyY1BGOVhFdnBzRjZ0UFczUFR2YnVDMlVDcUMrMGtDT0p1WC9rZ1kxdVRrPSIsImF1ZCI6IjlQZ1NIUlZJUFdMdno5Z1diQ0lYazg0NzVaZVJod0xDd0c5cGs1aWJ1R009IiwiaWF0IjoxNzg0NzY3NzY0LCJleHAiOjE3ODQ3NzEzNjQsImp0aSI6IkZHVmhhcGRhZCs4YXA5eDZ0MFVRQi8yTzFHL3ZhYml0aXNqWmRRVHhKME09IiwiY3R4IjoiZml4dHVyZS1jdHgiLCJzY29wZSI6eyJTbXVQT04zWDFFZVJoL3JrMlZ0VkZCc3k2UFJxWktsdk1SZ0NOZDZqbkdrPSI6IkE4Yk9UL291MFBOa1RISCsxU3I1NzAwK29yL0ZvQkZ5bFlXVjVJWjhCeFFaa2c1NUVvWEVsZ0JxSVBOVmJwdFFvIn19.Ch2QfHydtkSmCOBwkS7JZg7FxiKUlC8nOx8xeRmzRbg";
        let private = |hex: &str| {
            let bytes: [u8; 32] =
                std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
            StaticSecret::from(bytes)
        };
        let own = private("20e84bfe712c139fa4874fa9c88d50bdee6853fdc2941343ba4146118908ba78");
        let epk = private("108441ed5d6cdefea3a83b2d0f895d6f443829a45b40ca62e122f7f30e153667");
        let token = LoginToken::parse(authreq).unwrap();
        let device = PublicKey::from(*token.issuer());
        let secret = Zeroizing::new(epk.diffie_hellman(&device).to_bytes());
        let claims: Value = token.open(&secret).unwrap();
        assert_eq!(claims["ctx"], "fixture-ctx");
        assert_eq!(claims["aud"], encode_base64(PublicKey::from(&epk).as_bytes()));
        let sealed = &claims["scope"]["SmuPON3X1EeRh/rk2VtVFBsy6PRqZKlvMRgCNd6jnGk="];
        let jti = bytes(claims["jti"].as_str().unwrap());
        let secret = own.diffie_hellman(&device).to_bytes();
        let scope = open(&secret, &jti, sealed.as_str().unwrap());
        assert_eq!(scope.as_deref(), Some("keymgmt:list"));
        assert_eq!(seal(&secret, &jti, "keymgmt:list").unwrap(), sealed.as_str().unwrap());
    }
}
