//! The daemon's half of the login: a fixed challenge, and the check of the proof.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) fn login_vector() -> Value {
    let all: Value = serde_json::from_str(include_str!("../vectors/login.json")).unwrap();
    all["login_full"].clone()
}

pub(crate) fn challenge(vector: &Value) -> Value {
    json!({"exp": 1_700_000_060, "spk": vector["spk"], "jti": vector["jti"], "lbl": "user",
           "eid": vector["eid"]})
}

/// Whether the body holds a proof by the vector's passphrase for the asked scope and nonce.
pub(crate) fn proves(vector: &Value, body: &Value) -> bool {
    let proof = body["auth"].as_str().unwrap();
    let (signed, tag) = proof.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header = decode(header);
    let claims = decode(claims);
    assert_eq!(header, json!({"ecdh": "x25519", "alg": "HS256", "typ": "JWT"}));
    assert_eq!((&claims["jti"], &claims["aud"]), (&vector["jti"], &vector["spk"]));
    assert_eq!(claims["scope"], "keymgmt:gen");
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 3600);
    let mut mac = Hmac::<Sha256>::new_from_slice(&shared(vector)).unwrap();
    mac.update(signed.as_bytes());
    let tag = Base64UrlUnpadded::decode_vec(tag).unwrap();
    mac.verify_slice(&tag).is_ok() && claims["iss"] == vector["iss"]
}

fn shared(vector: &Value) -> Vec<u8> {
    let digits = vector["shared"].as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}
