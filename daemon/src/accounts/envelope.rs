//! A password that was encrypted under a key of an agreement.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use policies::decode_base64;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::agreement::Agreements;
use crate::fault::Fault;

/// The password in what was sent with a reference, which serves no more after this.
///
/// # Errors
/// [`Fault::Invalid`], the same for a reference that is unknown, used or too old, and for whatever is
/// wrong with what was encrypted.
pub(super) fn open(
    agreements: &Agreements,
    reference: &str,
    (domain, username): (&str, &str),
    sent: &str,
) -> Result<Zeroizing<String>, Fault> {
    let name = Uuid::try_parse(reference).unwrap_or_default();
    let key = agreements.take(&name);
    // Without a key the same work is done by one that opens nothing.
    let decoy = [0; 16];
    let bytes = key.as_ref().map_or(decoy.as_slice(), |key| key.expose());
    let bound = format!("{name}\0{domain}\0{username}");
    let opened = decrypt(bytes, &bound, sent);
    key.and(opened).ok_or(Fault::Invalid(REFUSED.into()))
}

/// `iv[12] ciphertext tag[16]` in base64, AES-GCM under a key of 16 or 32 bytes.
fn decrypt(key: &[u8], bound: &str, sent: &str) -> Option<Zeroizing<String>> {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let sent = decode_base64(sent)?;
    let (iv, sealed) = sent.split_first_chunk::<12>()?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(*iv);
    let opened = key.open_in_place(nonce, Aad::from(bound.as_bytes()), &mut text).ok()?;
    std::str::from_utf8(opened).ok().map(|text| Zeroizing::new(text.to_owned()))
}

const REFUSED: &str = "the password can't be opened: agree on another key, and encrypt with that";

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_published_passwords_are_opened() {
        let file = include_str!("../../../tests/vectors/key-agreement.json");
        let file: Value = serde_json::from_str(file).unwrap();
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        let names = ["client_reference_id", "domain", "username"].map(|name| text(&file, name));
        let bound = names.join("\0");
        for case in file["cases"].as_array().unwrap() {
            let key = base16ct::lower::decode_vec(text(case, "k_enc")).unwrap();
            let sent = text(case, "enc_password");
            let opened = decrypt(&key, &bound, &sent).unwrap();
            assert_eq!(*opened, text(&file, "password_plain"), "{case}");
            for wrong in [bound.to_uppercase(), names.join("\0\0"), String::new()] {
                assert!(decrypt(&key, &wrong, &sent).is_none(), "{wrong}");
            }
            let bytes = decode_base64(&sent).unwrap();
            for at in 0..bytes.len() {
                let mut forged = bytes.clone();
                forged[at] ^= 1;
                assert!(decrypt(&key, &bound, &policies::encode_base64(&forged)).is_none());
                assert!(decrypt(&key, &bound, &policies::encode_base64(&bytes[..at])).is_none());
            }
        }
    }
}
