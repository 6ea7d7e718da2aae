//! Putting a certificate and its key in the place of another pair, so that no crash leaves halves of
//! two pairs behind.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::config::Tls;
use crate::durable;
use crate::listen::{fits_together, read_private};

/// Writes the pair: the certificate beside the old one first, then the key, then the certificate
/// into its place. [`settle`] ends what broke off.
///
/// # Errors
/// What the file system says. The old pair is whole then, or the new one is after the next start.
pub(super) fn exchange(files: &Tls, certificate: &[u8], key: &[u8]) -> io::Result<()> {
    let beside = beside(files);
    durable::write(&beside, certificate, 0o644)?;
    durable::write(&files.key, key, 0o600)?;
    durable::rename(&beside, &files.certificate)
}

/// Ends an exchange that broke off: forwards where the new key is in its place already, backwards
/// where it is not. To be done before the pair is read.
///
/// # Errors
/// What the file system says.
pub fn settle(files: &Tls) -> io::Result<()> {
    let beside = beside(files);
    let Ok(certificate) = fs::read(&beside) else { return Ok(()) };
    let key = read_private(&files.key)?;
    match fits_together(&certificate, &key) {
        Ok(_) => durable::rename(&beside, &files.certificate),
        Err(_) => fs::remove_file(&beside),
    }
}

fn beside(files: &Tls) -> PathBuf {
    files.certificate.with_extension("next")
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["hem.example.org".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn wherever_it_breaks_off_a_whole_pair_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let files = Tls { certificate: at("crt.pem"), key: at("key.pem") };
        let ((old_crt, old_key), (new_crt, new_key)) = (pair(), pair());
        let found = || {
            settle(&files).unwrap();
            assert!(!at("crt.next").exists());
            let read = |path| fs::read_to_string(path).unwrap();
            (read(&files.certificate), read(&files.key))
        };
        let reset = || exchange(&files, old_crt.as_bytes(), old_key.as_bytes()).unwrap();
        let old = (old_crt.clone(), old_key.clone());
        let new = (new_crt.clone(), new_key.clone());
        reset();
        assert_eq!(found(), old);
        durable::write(&at("crt.next"), new_crt.as_bytes(), 0o644).unwrap();
        assert_eq!(found(), old, "before the key");
        durable::write(&at("crt.next"), new_crt.as_bytes(), 0o644).unwrap();
        durable::write(&files.key, new_key.as_bytes(), 0o600).unwrap();
        assert_eq!(found(), new, "after the key");
        reset();
        exchange(&files, new_crt.as_bytes(), new_key.as_bytes()).unwrap();
        assert_eq!(found(), new, "in one go");
    }
}
