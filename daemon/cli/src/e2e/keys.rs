//! The keys of a session: made here, sent to the device, and used to open its first event.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptingKey, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey,
    PublicKeyComponents,
};
use aws_lc_rs::{error::Unspecified, hmac, rand};
use base16ct::{lower, mixed, upper};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Keys of AES-256-CBC and, in the second version, of HMAC-SHA-256.
pub(super) struct Keys {
    pub(super) cipher: Zeroizing<[u8; 32]>,
    pub(super) iv: [u8; 16],
    pub(super) mac: Option<Zeroizing<[u8; 32]>>,
}

impl Keys {
    /// Fresh ones.
    pub(super) fn fresh(with_mac: bool) -> Result<Self, Failure> {
        let mut keys = Self {
            cipher: Zeroizing::new([0; 32]),
            iv: [0; 16],
            mac: with_mac.then(|| Zeroizing::new([0; 32])),
        };
        let mac = keys.mac.iter_mut().try_for_each(|mac| rand::fill(&mut **mac));
        let filled = mac.and_then(|()| rand::fill(&mut *keys.cipher));
        filled.and_then(|()| rand::fill(&mut keys.iv)).map_err(failed)?;
        Ok(keys)
    }

    /// The body that sends them to the device of this key, which is in hexadecimal digits.
    pub(super) fn sealed(
        &self,
        modulus: &str,
        exponent: &str,
        padding: &str,
    ) -> Result<Value, Failure> {
        let key = device_key(modulus, exponent).ok_or_else(|| {
            Failure::unexpected("the device's key is no RSA key of 2048 bits or more")
        })?;
        let seal = |plain: &[u8]| seal(key, padding, plain).map_err(failed);
        let digit = |key| self.check_digit(key).map_err(failed);
        Ok(match &self.mac {
            None => json!({
                "encryptedKey": upper::encode_string(&[self.iv.as_slice(), &seal(&*self.cipher)?].concat()),
                "checkDigit": digit(&self.cipher)?,
                "algorithm": "AES",
            }),
            Some(mac) => {
                let all = Zeroizing::new([&*self.cipher, self.iv.as_slice(), &**mac].concat());
                json!({
                    "algorithm": "AES",
                    "encryptedPayload": upper::encode_string(&seal(hex(&all).as_bytes())?),
                    "encKeyCheckDigit": digit(&self.cipher)?,
                    "hmacKeyCheckDigit": digit(mac)?,
                })
            }
        })
    }

    /// The event in a header of the device.
    pub(super) fn event(&self, header: &str) -> Option<Zeroizing<String>> {
        let mut sealed = match &self.mac {
            None => mixed::decode_vec(header).ok()?,
            Some(mac) => {
                let (sealed, tag) = header.split_once('.')?;
                let sealed = Base64::decode_vec(sealed).ok()?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, &**mac);
                hmac::verify(&key, &sealed, &Base64::decode_vec(tag).ok()?).ok()?;
                sealed
            }
        };
        let key = UnboundCipherKey::new(&AES_256, &*self.cipher).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let iv = DecryptionContext::Iv128(FixedLength::from(self.iv));
        let event = key.decrypt(&mut sealed, iv).ok()?;
        Some(Zeroizing::new(std::str::from_utf8(event).ok()?.to_owned()))
    }

    /// The first 3 bytes of AES-256-CBC of sixteen spaces, in hexadecimal digits.
    fn check_digit(&self, key: &[u8; 32]) -> Result<String, Unspecified> {
        // CBC of one block is the cipher of the block and the vector.
        let mut block = self.iv.map(|byte| byte ^ b' ');
        EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, key)?)?.encrypt(&mut block)?;
        let [first, second, third, ..] = block;
        Ok(lower::encode_string(&[first, second, third]))
    }
}

/// Lower-case hexadecimal digits of a secret.
pub(super) fn hex(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(lower::encode_string(bytes))
}

fn device_key(modulus: &str, exponent: &str) -> Option<PublicEncryptingKey> {
    let n = mixed::decode_vec(modulus).ok()?;
    let zero = if exponent.len() % 2 == 1 { "0" } else { "" };
    let e = mixed::decode_vec(format!("{zero}{exponent}")).ok()?;
    PublicKeyComponents { n, e }.try_into().ok()
}

fn seal(key: PublicEncryptingKey, padding: &str, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut room = vec![0; key.key_size_bytes()];
    let sealed = match padding {
        "oaep-sha256" => OaepPublicEncryptingKey::new(key)?.encrypt(
            &OAEP_SHA256_MGF1SHA256,
            plain,
            &mut room,
            None,
        )?,
        _ => Pkcs1PublicEncryptingKey::new(key)?.encrypt(plain, &mut room)?,
    };
    Ok(sealed.to_vec())
}

fn failed(_: Unspecified) -> Failure {
    Failure::unexpected("the keys of the session can't be made or encrypted on this host")
}

#[cfg(test)]
mod tests {
    use super::*;

    use aws_lc_rs::rsa::{
        OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
    };

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../../tests/vectors/e2e-key.json")).unwrap()
    }

    fn bytes<const N: usize>(vectors: &Value, name: &str) -> [u8; N] {
        mixed::decode_vec(vectors[name].as_str().unwrap()).unwrap().try_into().unwrap()
    }

    fn keys(vectors: &Value, with_mac: bool) -> Keys {
        Keys {
            cipher: Zeroizing::new(bytes(vectors, "EK")),
            iv: bytes(vectors, "IV"),
            mac: with_mac.then(|| Zeroizing::new(bytes(vectors, "HK"))),
        }
    }

    fn private(vectors: &Value) -> PrivateDecryptingKey {
        let pem = vectors["rsa_private_pkcs8_pem"].as_str().unwrap();
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        PrivateDecryptingKey::from_pkcs8(&Base64::decode_vec(&text).unwrap()).unwrap()
    }

    fn sealed(vectors: &Value, with_mac: bool, padding: &str) -> Value {
        let text = |name: &str| vectors[name].as_str().unwrap();
        let keys = keys(vectors, with_mac);
        keys.sealed(text("modulus_hex"), text("exponent_hex"), padding).unwrap()
    }

    #[test]
    fn keys_are_sent_as_the_vectors_have_them() {
        let vectors = vectors();
        let key = Pkcs1PrivateDecryptingKey::new(private(&vectors)).unwrap();
        let open = |sealed: &[u8]| key.decrypt(sealed, &mut [0; 256]).unwrap().to_vec();
        let body = sealed(&vectors, false, "pkcs1");
        let digit = body["checkDigit"].as_str().unwrap().to_uppercase();
        assert_eq!(digit, vectors["v1"]["checkDigit_cbc_spaces"]);
        let sent = upper::decode_vec(body["encryptedKey"].as_str().unwrap()).unwrap();
        let (iv, block) = sent.split_at(16);
        assert_eq!(iv, bytes::<16>(&vectors, "IV"));
        assert_eq!(open(block), bytes::<32>(&vectors, "EK"));

        let body = sealed(&vectors, true, "pkcs1");
        for name in ["encKeyCheckDigit", "hmacKeyCheckDigit"] {
            let digit = body[name].as_str().unwrap().to_uppercase();
            assert_eq!(digit, vectors["v2"][name], "{name}");
        }
        let sent = upper::decode_vec(body["encryptedPayload"].as_str().unwrap()).unwrap();
        let text = |name: &str| vectors[name].as_str().unwrap();
        assert_eq!(open(&sent), [text("EK"), text("IV"), text("HK")].concat().as_bytes());
    }

    #[test]
    fn keys_are_padded_as_the_device_wants_it() {
        let vectors = vectors();
        let key = OaepPrivateDecryptingKey::new(private(&vectors)).unwrap();
        let body = sealed(&vectors, true, "oaep-sha256");
        let sent = upper::decode_vec(body["encryptedPayload"].as_str().unwrap()).unwrap();
        let mut room = [0; 256];
        let plain = key.decrypt(&OAEP_SHA256_MGF1SHA256, &sent, &mut room, None).unwrap();
        assert_eq!(plain.len(), 160);
    }

    #[test]
    fn events_are_opened_and_others_are_not() {
        let vectors = vectors();
        let (one, two) = (keys(&vectors, false), keys(&vectors, true));
        let [first, second] = [&vectors["v1"]["eventID_hex"], &vectors["v2"]["eventId"]]
            .map(|it| it.as_str().unwrap());
        assert_eq!(one.event(first).unwrap().as_str(), vectors["SR"]);
        assert_eq!(two.event(second).unwrap().as_str(), vectors["SR"]);
        for bad in ["", "00", &first[2..], &second.replacen('4', "5", 1)] {
            assert!(one.event(bad).is_none() && two.event(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn fresh_keys_differ() {
        let [one, other] = [true, true].map(|with_mac| Keys::fresh(with_mac).unwrap());
        assert!(one.cipher != other.cipher && one.iv != other.iv && one.mac != other.mac);
        assert!(Keys::fresh(false).unwrap().mac.is_none());
        assert!(one.sealed("00", "010001", "pkcs1").is_err(), "no key");
    }
}
