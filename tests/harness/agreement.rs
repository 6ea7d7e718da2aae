//! A client of key agreements for logins, by one of their schemes.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64ct::{Base64, Encoding};
use serde_json::json;

use crate::client::Client;

/// A key that the device has, too, for one login.
pub struct Agreed {
    /// What the login calls it.
    pub reference: String,
    /// What was agreed on.
    pub secret: Vec<u8>,
    /// What the password is encrypted with.
    pub key: [u8; 16],
}

impl Agreed {
    /// Agrees by SCHEME-EC-AES1. The device's proof is not looked at.
    ///
    /// # Panics
    /// When the device refuses.
    pub fn with(client: &Client) -> Self {
        let scheme = "SCHEME-EC-AES1";
        let (identifier, nonce) = (b"a client".as_slice(), [7; 16]);
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let ours = private.compute_public_key().unwrap();
        let reply = client.call(
            "POST",
            "/rest/key-agreement",
            None,
            Some(&json!({
                "identifier": Base64::encode_string(identifier),
                "nonce": Base64::encode_string(&nonce),
                "public_key": Base64::encode_string(ours.as_ref()),
                "supported_schemes": [scheme],
            })),
        );
        let (theirs, server) = (reply.bytes("public_key"), reply.bytes("identifier"));
        let reference = reply.text("client_reference_id");
        let peer = UnparsedPublicKey::new(&ECDH_P256, &theirs);
        let secret = agree(&private, peer, "no agreement", |secret| Ok(secret.to_vec())).unwrap();
        let said =
            [scheme.as_bytes(), identifier, &server, ours.as_ref(), &theirs, reference.as_bytes()];
        let mut info = b"horizon-key-agreement/v1\0".to_vec();
        for part in said {
            info.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            info.extend(part);
        }
        let mut keys = [0; KEYS];
        let extracted = Salt::new(HKDF_SHA256, &nonce).extract(&secret);
        extracted.expand(&[&info], Length).unwrap().fill(&mut keys).unwrap();
        Self { reference, secret, key: *keys.first_chunk().unwrap() }
    }

    /// A password as the login sends it.
    pub fn seal(&self, (domain, username): (&str, &str), password: &str) -> String {
        let iv = [9; 12];
        let bound = format!("{}\0{domain}\0{username}", self.reference);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).unwrap());
        let mut text = password.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(iv);
        key.seal_in_place_append_tag(nonce, Aad::from(bound.as_bytes()), &mut text).unwrap();
        Base64::encode_string(&[iv.as_slice(), &text].concat())
    }
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEYS
    }
}

/// The key of the login, and that of the proof.
const KEYS: usize = 16 + 32;
