//! Private RSA keys that nobody encrypted: XML, PEM, or DER in base64.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// Whether `text` is a private key that anybody can use, itself or in base64.
pub fn is_bare(text: &str) -> bool {
    let digits: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let inside =
        Base64::decode_vec(&Zeroizing::new(digits)).map(Zeroizing::new).unwrap_or_default();
    is_text(text.as_bytes()) || is_text(&inside) || is_der(&inside)
}

fn is_text(text: &[u8]) -> bool {
    let has = |mark: &str| text.windows(mark.len()).any(|window| window == mark.as_bytes());
    // `ENCRYPTED PRIVATE KEY`, or `Proc-Type: 4,ENCRYPTED` within.
    has("<RSAKeyValue>") || (has("PRIVATE KEY-----") && !has("ENCRYPTED"))
}

/// A `SEQUENCE` that begins with a version: `RSAPrivateKey` (RFC 8017) and `PrivateKeyInfo` (RFC 5958).
/// One that is encrypted begins with its algorithm, another `SEQUENCE`.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x82, _, _, 0x02, 0x01, ..] | [0x30, 0x81, _, 0x02, 0x01, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::vectors;

    #[test]
    fn what_anybody_could_use_is_told_from_what_is_encrypted() {
        let vectors = vectors();
        let text = |name: &str| vectors[name].as_str().unwrap();
        let pem = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        let der = |head: &[u8]| Base64::encode_string(&[head, &[7; 90]].concat());
        let bare = [
            text("priv").to_owned(),
            Base64::encode_string(text("priv").as_bytes()),
            pem("PRIVATE KEY"),
            pem("RSA PRIVATE KEY"),
            Base64::encode_string(pem("PRIVATE KEY").as_bytes()),
            der(&[0x30, 0x82, 4, 0xbd, 2, 1, 0, 0x30]),
            der(&[0x30, 0x82, 4, 0xbd, 2, 1, 0, 2, 0x82]).replace("BwcH", "BwcH\n"),
            der(&[0x30, 0x81, 0x90, 2, 1, 0, 0x30]),
        ];
        for key in bare {
            assert!(is_bare(&key), "{key}");
        }
        let legacy = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA";
        let encrypted = [
            text("priv_enc").to_owned(),
            pem("ENCRYPTED PRIVATE KEY"),
            pem("RSA PRIVATE KEY").replace("AAAA", legacy),
            der(&[0x30, 0x82, 5, 0x15, 0x30, 0x5f, 6, 9]),
            "0011223344".to_owned(),
            "eyJhbGciOiJQQkVTMi1IUzI1NiJ9.AA.AA.AA.AA".to_owned(),
        ];
        for key in encrypted {
            assert!(!is_bare(&key), "{key}");
        }
    }
}
