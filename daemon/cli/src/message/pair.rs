//! RSA keys of one's own, and public halves of others.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use base16ct::lower;
use base64ct::{Base64, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A private key and its public half.
pub(super) struct Pair(PrivateDecryptingKey);

impl Pair {
    /// A new one of 3072 bits.
    pub(super) fn fresh() -> Result<Self, Failure> {
        let why = |_| Failure::unexpected("this host can't make an RSA key");
        PrivateDecryptingKey::generate(KeySize::Rsa3072).map(Self).map_err(why)
    }

    /// Reads PKCS#8 in PEM, not encrypted.
    pub(super) fn read(text: &[u8]) -> Result<Self, Failure> {
        let der = unarmoured(text, PRIVATE).map(Zeroizing::new);
        let key = der.and_then(|der| PrivateDecryptingKey::from_pkcs8(&der).ok());
        key.map(Self).ok_or_else(|| {
            Failure::usage("this is no private RSA key of 2048 to 8192 bits in PEM (PKCS#8)")
                .hint("`openssl pkcs8 -topk8 -nocrypt` turns other forms into this one")
        })
    }

    /// Writes it to a new file that nobody else can read.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let pem = armoured(&self.der()?, PRIVATE);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| {
            file.write_all(pem.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| {
            Failure::usage(format!("cannot write {}: {error}", path.display()))
                .hint("a key is written to a file that is not there yet")
        })
    }

    /// The capability that goes with it: SHA-256 of a name of its own and PKCS#8, 64 hex digits.
    pub(super) fn hash(&self) -> Result<Zeroizing<String>, Failure> {
        let mut hash = Context::new(&SHA256);
        hash.update(b"claviger message key\0");
        hash.update(&self.der()?);
        Ok(Zeroizing::new(lower::encode_string(hash.finish().as_ref())))
    }

    /// Its public half.
    pub(super) fn public(&self) -> Result<PublicKey, Failure> {
        Ok(PublicKey(self.0.public_key()))
    }

    /// What one block holds that was encrypted with SHA-256, or with `sha1`.
    pub(super) fn open(&self, block: &[u8], sha1: bool) -> Option<Zeroizing<Vec<u8>>> {
        let key = OaepPrivateDecryptingKey::new(self.0.clone()).ok()?;
        let how: &OaepAlgorithm = if sha1 { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
        let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(how, block, &mut room, None).ok()?.len();
        room.truncate(length);
        Some(room)
    }

    /// The bytes of the modulus.
    pub(super) fn length(&self) -> usize {
        self.0.key_size_bytes()
    }

    fn der(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let der = self.0.as_der().map_err(|_| Failure::unexpected("the key can't be written"))?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }
}

/// A public key.
pub(super) struct PublicKey(PublicEncryptingKey);

impl PublicKey {
    /// Reads PEM, or what `create --json` printed.
    pub(super) fn read(text: &[u8]) -> Result<Self, Failure> {
        let printed = serde_json::from_slice::<Printed>(text).map(|printed| printed.public_key);
        let text = printed.as_deref().map_or(text, str::as_bytes);
        let der = unarmoured(text, PUBLIC);
        let key = der.and_then(|der| PublicEncryptingKey::from_der(&der).ok());
        key.map(Self).ok_or_else(|| {
            Failure::usage("this is no public RSA key of 2048 to 8192 bits in PEM")
                .hint("it takes what `claviger message create --json` printed, or its public_key")
        })
    }

    /// Reads `<RSAKeyValue>`, as the device has it.
    pub(super) fn from_xml(text: &str) -> Result<Self, Failure> {
        let number = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Base64::decode_vec(rest.split_once(&format!("</{name}>"))?.0).ok()
        };
        let key = number("Modulus").zip(number("Exponent"));
        let key = key.and_then(|(n, e)| PublicKeyComponents { n, e }.try_into().ok());
        key.map(Self).ok_or_else(|| Failure::unexpected("the device's answer has no public key"))
    }

    /// PEM.
    pub(super) fn to_pem(&self) -> Result<String, Failure> {
        let der = self.0.as_der().map_err(|_| Failure::unexpected("the key can't be written"))?;
        Ok(armoured(der.as_ref(), PUBLIC).to_string())
    }

    /// `plain` under RSA-OAEP with SHA-256.
    pub(super) fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let key = OaepPublicEncryptingKey::new(self.0.clone()).ok()?;
        let mut room = vec![0; key.ciphertext_size()];
        let sealed = key.encrypt(&OAEP_SHA256_MGF1SHA256, plain, &mut room, None).ok()?;
        Some(sealed.to_vec())
    }
}

#[cfg(test)]
impl PublicKey {
    /// The same with SHA-1, as clients of the original do it.
    pub(super) fn seal_sha1(&self, plain: &[u8]) -> Vec<u8> {
        let key = OaepPublicEncryptingKey::new(self.0.clone()).unwrap();
        let mut room = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut room, None).unwrap().to_vec()
    }
}

#[derive(Deserialize)]
struct Printed {
    public_key: String,
}

fn armoured(der: &[u8], label: &str) -> Zeroizing<String> {
    let text = Zeroizing::new(Base64::encode_string(der));
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + text.len() / 64 + 128));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

fn unarmoured(text: &[u8], label: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let text = text.strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let text = text.strip_suffix(&format!("-----END {label}-----"))?;
    let text: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    Base64::decode_vec(&text).ok()
}

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_written_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let pair = Pair::fresh().unwrap();
        pair.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(pair.write(&path).is_err(), "it is not overwritten");
        let read = Pair::read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((read.hash().unwrap(), read.length()), (pair.hash().unwrap(), 384));
        let pem = read.public().unwrap().to_pem().unwrap();
        let printed = serde_json::json!({ "token": "x", "public_key": pem }).to_string();
        for text in [pem.as_bytes(), printed.as_bytes()] {
            let sealed = PublicKey::read(text).unwrap().seal(b"secret").unwrap();
            assert_eq!(pair.open(&sealed, false).unwrap().as_slice(), b"secret");
            assert!(pair.open(&sealed, true).is_none());
        }
        assert!(Pair::read(pem.as_bytes()).is_err());
        assert!(PublicKey::read(b"{}").is_err());
        assert!(PublicKey::from_xml("<RSAKeyValue></RSAKeyValue>").is_err());
    }
}
