//! A certificate authority for development.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use zeroize::Zeroizing;

use crate::command::failure::Failure;
use crate::durable;

/// Makes sure that `dir` has a certificate authority (`ca.pem`, its key beside it) and gives the
/// server a fresh certificate under it for `hostname`, `localhost` and the loopback addresses.
pub(super) fn certify(dir: &Path, hostname: &str) -> Result<(), Failure> {
    let key_path = dir.join("ca-key.pem");
    let ca_key = match std::fs::read_to_string(&key_path).map(Zeroizing::new) {
        Ok(pem) => KeyPair::from_pem(&pem)?,
        Err(_) => {
            let key = KeyPair::generate()?;
            let pem = Zeroizing::new(key.serialize_pem());
            let certificate = authority().self_signed(&key)?;
            write(&dir.join("ca.pem"), certificate.pem().as_bytes(), 0o644)?;
            // Last, so that an authority without its certificate is never found.
            write(&key_path, pem.as_bytes(), 0o600)?;
            key
        }
    };
    let issuer = Issuer::new(authority(), ca_key);
    let key = KeyPair::generate()?;
    let certificate = server(hostname)?.signed_by(&key, &issuer)?;
    let pem = Zeroizing::new(key.serialize_pem());
    write(&dir.join("server-key.pem"), pem.as_bytes(), 0o600)?;
    write(&dir.join("server.pem"), certificate.pem().as_bytes(), 0o644)
}

/// The same at every start, so that `ca.pem` goes on to fit.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Claviger development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    params
}

fn server(hostname: &str) -> Result<CertificateParams, Failure> {
    let names = vec![hostname.to_owned(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names)?;
    for address in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
        params.subject_alt_names.push(rcgen::SanType::IpAddress(address));
    }
    params.distinguished_name.push(DnType::CommonName, hostname);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - Duration::from_secs(3600)).into();
    params.not_after = (now + LIFETIME).into();
    Ok(params)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    durable::write(path, content, mode)
        .map_err(|error| Failure::File(path.display().to_string(), error))
}

/// Below the 90 days that strict clients accept.
const LIFETIME: Duration = Duration::from_secs(85 * 86_400);
