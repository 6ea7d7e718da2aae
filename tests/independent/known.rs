//! Work with keys whose secret the others know, too: MACs, AES, wrapping.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::python::Oracle;
use tests::user::{User, b64};

/// A key of the API, and what goes with every request to it, such as the peer of an agreement.
pub(crate) struct Known<'a> {
    pub(crate) user: User<'a>,
    pub(crate) with: Value,
}

impl Known<'_> {
    /// `POST /api/crypto/PATH`.
    pub(crate) fn asks(&self, path: &str, mut body: Value) -> Value {
        for (name, value) in self.with.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.user.ask(&format!("/api/crypto/{path}"), body).json()
    }

    /// A MAC under `key` is the others'.
    pub(crate) fn makes_macs(&self, oracle: &mut Oracle, alg: &str, key: &str) {
        for length in [1, 2048] {
            let msg = b64(&vec![3; length]);
            let theirs = json!({ "do": "mac", "alg": alg, "key": key, "msg": msg });
            let ours = self.asks("hmac/hash", json!({ "msg": msg, "alg": alg }));
            assert_eq!(ours["mac"], oracle.text(&theirs, "mac"), "{alg}");
        }
    }

    /// What it enciphers is deciphered by the others with `key`, and the other way round.
    pub(crate) fn ciphers(&self, oracle: &mut Oracle, alg: &str, key: &str) {
        let (plain, aad) = (b64(&[4; 48]), b64(&[5; 20]));
        let sealed = self.asks("cipher/encrypt", json!({ "msg": plain, "alg": alg, "aad": aad }));
        let of = |name: &str| sealed[name].as_str().unwrap_or("").to_owned();
        let theirs = json!({ "do": "decrypt", "alg": alg, "key": key, "aad": aad, "iv": of("iv"),
                             "tag": of("tag"), "msg": of("ciphertext") });
        assert_eq!(oracle.text(&theirs, "plain"), plain, "{alg}");

        let iv = b64(&[6; 16]);
        let theirs = oracle.ask(&json!({ "do": "encrypt", "alg": alg, "key": key, "aad": aad,
                                         "iv": iv, "msg": plain }));
        let mut body = json!({ "msg": theirs["msg"], "alg": alg });
        if !alg.ends_with("ECB") {
            body["iv"] = json!(iv);
        }
        if alg.ends_with("GCM") {
            (body["tag"], body["aad"]) = (theirs["tag"].clone(), json!(aad));
        }
        assert_eq!(self.asks("cipher/decrypt", body)["plaintext"], plain, "{alg}");
    }

    /// It wraps as the others do with `key`, and unwraps what they wrapped.
    pub(crate) fn wraps(&self, oracle: &mut Oracle, alg: &str, key: &str) {
        for length in [16, 40] {
            let plain = b64(&vec![7; length]);
            let theirs = json!({ "do": "wrap", "key": key, "msg": plain });
            let wrapped = oracle.text(&theirs, "wrapped");
            let ours = self.asks("cipher/wrap", json!({ "msg": plain, "alg": alg }));
            assert_eq!(ours["wrapped"], wrapped, "{alg}");
            let ours = self.asks("cipher/unwrap", json!({ "msg": wrapped, "alg": alg }));
            assert_eq!(ours["unwrapped"], plain, "{alg}");
        }
    }
}

/// HKDF-SHA-256 of the others, without salt.
pub(crate) fn derive(oracle: &mut Oracle, secret: &str, info: &[u8], length: usize) -> String {
    let ask = json!({ "do": "derive", "secret": secret, "info": b64(info), "length": length });
    oracle.text(&ask, "key")
}

/// The bytes of a text in base64.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

/// The digests of MACs and hashed secrets.
pub(crate) const DIGESTS: [&str; 6] =
    ["SHA2-256", "SHA2-384", "SHA2-512", "SHA3-256", "SHA3-384", "SHA3-512"];
/// The widths of AES, with their bytes.
pub(crate) const WIDTHS: [(&str, usize); 3] = [("AES128", 16), ("AES192", 24), ("AES256", 32)];
