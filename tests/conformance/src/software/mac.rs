//! Hashes, HMAC and HKDF under the API's names of the hashes.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use sha2::{Digest, Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_384, Sha3_512};

use crate::verdict::{OrFails, Verdict, fails};

/// The six hashes.
pub(crate) const HASHES: [&str; 6] =
    ["SHA2-256", "SHA2-384", "SHA2-512", "SHA3-256", "SHA3-384", "SHA3-512"];

/// The hash of `message`.
pub(crate) fn hash(name: &str, message: &[u8]) -> Verdict<Vec<u8>> {
    Ok(match name {
        "SHA2-256" => Sha256::digest(message).to_vec(),
        "SHA2-384" => Sha384::digest(message).to_vec(),
        "SHA2-512" => Sha512::digest(message).to_vec(),
        "SHA3-256" => Sha3_256::digest(message).to_vec(),
        "SHA3-384" => Sha3_384::digest(message).to_vec(),
        "SHA3-512" => Sha3_512::digest(message).to_vec(),
        _ => return fails(format!("{name} is no hash")),
    })
}

/// The HMAC of `message` under `key`.
pub(crate) fn hmac(name: &str, key: &[u8], message: &[u8]) -> Verdict<Vec<u8>> {
    let mac = match name {
        "SHA2-256" => mac::<Hmac<Sha256>>(key, message),
        "SHA2-384" => mac::<Hmac<Sha384>>(key, message),
        "SHA2-512" => mac::<Hmac<Sha512>>(key, message),
        "SHA3-256" => mac::<SimpleHmac<Sha3_256>>(key, message),
        "SHA3-384" => mac::<SimpleHmac<Sha3_384>>(key, message),
        "SHA3-512" => mac::<SimpleHmac<Sha3_512>>(key, message),
        _ => None,
    };
    mac.or_fails(|| format!("{name} is no hash"))
}

/// HKDF-SHA-256 without salt.
pub(crate) fn hkdf(secret: &[u8], info: &[&[u8]], length: usize) -> Verdict<Vec<u8>> {
    let mut key = vec![0; length];
    let filled = Hkdf::<Sha256>::new(None, secret).expand_multi_info(info, &mut key);
    filled.or_fails(|| format!("HKDF to {length} bytes"))?;
    Ok(key)
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::hkdf;
    use crate::encoding::{hex, unhex};

    #[test]
    fn the_published_keys_come_out() {
        let vectors: Value = serde_json::from_str(include_str!("../../vectors/hem.json")).unwrap();
        let vectors = &vectors["hkdf"];
        let secret = unhex(vectors["z"].as_str().unwrap()).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() >= 7);
        for case in cases {
            let info = case["info"].as_str().unwrap().as_bytes();
            let length = usize::try_from(case["len"].as_u64().unwrap()).unwrap();
            let key = hkdf(&secret, &[info], length).unwrap();
            assert_eq!(hex(&key), case["okm"].as_str().unwrap(), "{case}");
        }
    }
}
