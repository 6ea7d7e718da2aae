//! What is derived from an agreed secret: the key of the login, and the proof that we have it.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use hsm_profiles::SecretBytes;
use zeroize::Zeroizing;

use super::scheme::Scheme;

/// All that both sides have said. Public keys are raw.
pub(super) struct Transcript<'a> {
    pub(super) scheme: Scheme,
    pub(super) client: &'a [u8],
    pub(super) server: &'a [u8],
    pub(super) client_public: &'a [u8],
    pub(super) server_public: &'a [u8],
    pub(super) reference: &'a str,
    pub(super) nonce: &'a [u8],
}

impl Transcript<'_> {
    /// The key of the login, 16 or 32 bytes, and the proof, from the agreed secret at its full length.
    pub(super) fn derive(&self, secret: &SecretBytes) -> Option<(SecretBytes, [u8; 32])> {
        let length = self.scheme.key_length();
        let mut keys = Zeroizing::new(vec![0; length + CONFIRMATION]);
        let extracted = Salt::new(HKDF_SHA256, self.nonce).extract(secret.expose());
        let info = self.info();
        let info = [info.as_slice()];
        let expanded = extracted.expand(&info, Length(keys.len())).ok()?;
        expanded.fill(&mut keys).ok()?;
        let (key, confirmation) = keys.split_at_checked(length)?;
        let proof = self.proof(confirmation)?;
        Some((SecretBytes::new(key.to_vec()), proof))
    }

    fn info(&self) -> Vec<u8> {
        let mut info = LABEL.to_vec();
        for piece in [
            self.scheme.name().as_bytes(),
            self.client,
            self.server,
            self.client_public,
            self.server_public,
            self.reference.as_bytes(),
        ] {
            push(&mut info, piece);
        }
        info
    }

    fn proof(&self, key: &[u8]) -> Option<[u8; 32]> {
        let mut text = PROOF.to_vec();
        let pieces = [self.server, self.client, self.server_public, self.client_public, self.nonce];
        pieces.into_iter().for_each(|piece| push(&mut text, piece));
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &text).as_ref().try_into().ok()
    }
}

/// Its length in two bytes, then itself. The longest is a public key, of 384 bytes.
fn push(to: &mut Vec<u8>, piece: &[u8]) {
    let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(piece);
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

const CONFIRMATION: usize = 32;
const LABEL: &[u8] = b"horizon-key-agreement/v1\0";
const PROOF: &[u8] = b"KC_1_V";

#[cfg(test)]
mod tests {
    use policies::decode_base64;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_published_vectors_come_out() {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/key-agreement.json"))
                .unwrap();
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        let bytes = |of: &Value, name: &str| decode_base64(&text(of, name)).unwrap();
        let hex = |of: &Value, name: &str| base16ct::lower::decode_vec(text(of, name)).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let transcript = Transcript {
                scheme: serde_json::from_value(case["scheme"].clone()).unwrap(),
                client: &bytes(&file, "identifier_client_b64"),
                server: &bytes(&file, "identifier_server_b64"),
                client_public: &bytes(case, "client_pub_raw"),
                server_public: &bytes(case, "server_pub_raw"),
                reference: &text(&file, "client_reference_id"),
                nonce: &bytes(&file, "nonce_b64"),
            };
            let (key, proof) = transcript.derive(&SecretBytes::new(hex(case, "Z"))).unwrap();
            assert_eq!(key.expose(), hex(case, "k_enc"), "{case}");
            assert_eq!(proof.as_slice(), bytes(case, "proof"), "{case}");
        }
    }
}
