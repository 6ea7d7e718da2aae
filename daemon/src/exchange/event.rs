//! Events: each names the next frame of a session, and is good for one.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher;
use super::sessions::{Form, Keys};
use crate::fault::Fault;

/// What a client has to put into its next frame, as it gets to see it.
#[derive(Debug)]
pub struct Event {
    /// The text of the header.
    pub text: String,
    /// When the session ends, in Unix seconds.
    pub expires: u64,
}

/// A fresh one: 32 lower-case hexadecimal digits.
pub(super) fn fresh() -> Result<Zeroizing<String>, Fault> {
    let mut random = Zeroizing::new([0; 16]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| Fault::Internal)?;
    Ok(Zeroizing::new(base16ct::lower::encode_string(random.as_slice())))
}

/// What is kept of it.
pub(super) fn name(event: &[u8]) -> [u8; 32] {
    Sha256::digest(event).into()
}

/// How a client of this form gets to see it.
pub(super) fn shown(form: Form, keys: &Keys, event: &str) -> Result<String, Fault> {
    let sealed = || cipher::encrypt(keys.cipher(), keys.iv(), event.as_bytes());
    Ok(match form {
        Form::One => base16ct::upper::encode_string(&sealed()?),
        Form::Two => {
            let sealed = sealed()?;
            let mac = keys.mac(&sealed);
            format!("{}.{}", Base64::encode_string(&sealed), Base64::encode_string(mac.as_ref()))
        }
        Form::Browser => event.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hsm_profiles::SecretBytes;

    const VECTORS: &str = include_str!("../../../tests/vectors/e2e-key.json");

    /// The one part of an exchange that a test from outside can't choose is the event.
    #[test]
    fn events_are_shown_as_the_vectors_have_them() {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let bytes =
            |name: &str| base16ct::mixed::decode_vec(vectors[name].as_str().unwrap()).unwrap();
        let event = vectors["SR"].as_str().unwrap();
        let one = Keys::one(&bytes("EK"), &bytes("IV")).unwrap();
        let shown_one = shown(Form::One, &one, event).unwrap();
        assert_eq!(shown_one, vectors["v1"]["eventID_hex"].as_str().unwrap());
        let all = [bytes("EK"), bytes("IV"), bytes("HK")].concat();
        let two = Keys::two(SecretBytes::new(all)).unwrap();
        let shown_two = shown(Form::Two, &two, event).unwrap();
        assert_eq!(shown_two, vectors["v2"]["eventId"].as_str().unwrap());
        assert_eq!(shown(Form::Browser, &one, event).unwrap(), event);
    }

    #[test]
    fn fresh_ones_differ() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert!(one.len() == 32 && one != other);
    }
}
