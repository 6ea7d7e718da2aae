//! The serial number of a certificate, out of its DER (RFC 5280, 4.1).

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// That of the first certificate in this PEM file, big-endian; nothing where there is none.
pub(super) fn of_file(path: &Path) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_file(path).ok();
    certificate.and_then(|der| of(&der).map(<[u8]>::to_vec)).unwrap_or_default()
}

/// That of the certificate `der`, without the zero byte that only says that it is positive.
fn of(der: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (said, _) = element(certificate, SEQUENCE)?;
    let said = element(said, VERSION).map_or(said, |(_, rest)| rest);
    let (serial, _) = element(said, INTEGER)?;
    Some(serial.strip_prefix(&[0]).unwrap_or(serial))
}

/// What is in the element that `der` begins with, if it has this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der.split_first().filter(|(first, _)| **first == tag)?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, left out in version 1.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SerialNumber};

    use super::*;

    fn certificate(serial: &[u8]) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["hem.example.org".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial.to_vec()));
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_serial_number_is_read() {
        for serial in [&[0x5a][..], &[0x9a, 0, 1], &[0x7f; 20]] {
            assert_eq!(of(&certificate(serial)), Some(serial));
        }
    }

    #[test]
    fn what_is_cut_off_or_something_else_has_none() {
        let whole = certificate(&[0x9a, 0, 1]);
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None, "{length}");
        }
        assert_eq!(of(&[0x30, 0x84, 0, 0, 0, 1, 0]), None);
        assert_eq!(of_file(Path::new("/nowhere")), Vec::<u8>::new());
    }
}
