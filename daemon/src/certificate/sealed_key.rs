//! A TLS key on its way into the device: sealed for its identity key (hem.md A8, `tls.key`).
//!
//! The form is published (`<base64 of 16 bytes>.<base64 of AES-256-CBC>`, 113 characters), what it
//! is sealed with is not. Ours: the AES key is the raw X25519 secret between the device's identity
//! key and `emp`, the padding that of PKCS#7, the content an `ECPrivateKey` on P-256 (RFC 5915) with
//! its curve and without its point, 51 bytes: what `openssl ec -no_public -outform DER` writes, and
//! the only usual form of such a key that comes to 113 characters.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64ct::{Base64, Encoding};
use policies::decode_base64;
use zeroize::Zeroizing;

use crate::device::Device;
use crate::fault::Fault;

/// A key that was not opened yet.
pub struct SealedTlsKey {
    emp: [u8; 32],
    iv: [u8; 16],
    text: Vec<u8>,
}

impl SealedTlsKey {
    /// Takes `tls.emp` and `tls.key` apart.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where they have another form.
    pub fn parse(emp: &str, key: &str) -> Result<Self, Fault> {
        let emp = decode_base64(emp).and_then(|emp| emp.try_into().ok());
        let emp = emp.ok_or_else(|| {
            Fault::Invalid("tls: emp must be an X25519 key, 32 bytes in base64".into())
        })?;
        let parts = key.split_once('.').filter(|_| key.len() == LENGTH);
        let parts = parts.and_then(|(iv, text)| {
            Some((decode_base64(iv)?.try_into().ok()?, decode_base64(text)?))
        });
        let (iv, text) = parts.ok_or_else(|| {
            let why = "tls: key must be two base64 texts with a dot between them: 16 bytes and 64";
            Fault::Invalid(why.into())
        })?;
        Ok(Self { emp, iv, text })
    }

    /// The key as PKCS#8 in PEM. Why one does not open is not told apart: it would tell those who
    /// try about the content (a padding oracle).
    ///
    /// # Errors
    /// [`Fault::Failed`] where it does not open, those of the token.
    pub async fn open(self, device: &Device) -> Result<Zeroizing<String>, Fault> {
        let secret = device.agree(&self.emp).await?;
        self.open_with(&secret).ok_or_else(unopened)
    }

    fn open_with(self, secret: &[u8; 32]) -> Option<Zeroizing<String>> {
        let key = UnboundCipherKey::new(&AES_256, secret).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let mut text = Zeroizing::new(self.text);
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv));
        let plain = key.decrypt(&mut text, context).ok()?;
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, plain);
        let pkcs8 = pair.ok()?.to_pkcs8v1().ok()?;
        armour(pkcs8.as_ref())
    }
}

/// What a key that can't be used gets, whatever is wrong with it.
pub(crate) fn unopened() -> Fault {
    Fault::Failed(
        "tls.key does not open to the P-256 key of tls.crt: seal it for this device's eid".into(),
    )
}

/// PEM, in memory that is wiped: lines of 64 characters, made in place.
fn armour(der: &[u8]) -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(vec![0; Base64::encoded_len(der)]);
    let text = Base64::encode(der, &mut text).ok()?;
    let room = BEGIN.len() + END.len() + text.len() + text.len().div_ceil(64);
    let mut pem = Zeroizing::new(String::with_capacity(room));
    pem.push_str(BEGIN);
    let mut rest = text;
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(END);
    Some(pem)
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const END: &str = "-----END PRIVATE KEY-----\n";
/// Of `tls.key`, in characters (hem.md A8).
const LENGTH: usize = 113;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_no_sealed_keys() {
        let (iv, text) = (Base64::encode_string(&[1; 16]), Base64::encode_string(&[2; 64]));
        let emp = Base64::encode_string(&[9; 32]);
        let good = format!("{iv}.{text}");
        assert_eq!(good.len(), LENGTH);
        assert!(SealedTlsKey::parse(&emp, &good).is_ok());
        assert!(SealedTlsKey::parse("AAAA", &good).is_err());
        for bad in ["", ".", &good[1..], &good.replace('.', "="), &format!("{text}.{iv}")] {
            assert!(SealedTlsKey::parse(&emp, bad).is_err(), "{bad}");
        }
        let sealed = SealedTlsKey::parse(&emp, &good).ok();
        assert!(sealed.and_then(|sealed| sealed.open_with(&[3; 32])).is_none());
    }

    #[test]
    fn armour_is_pem() {
        for length in [1, 48, 49, 138] {
            let pem = armour(&vec![7; length]).unwrap();
            assert_eq!(pem.len(), pem.capacity());
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            assert_eq!(Base64::decode_vec(&body).unwrap(), vec![7; length]);
            assert!(pem.lines().all(|line| line.len() <= 64));
        }
    }
}
