//! The TLS side of the daemon: 1.3 and nothing older.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hsm_profiles::open_private;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use zeroize::Zeroizing;

/// TLS 1.3 with the certificate and key of these files; HTTP/2 preferred over HTTP/1.1,
/// X25519MLKEM768 over the classic groups, no early data. And the server's own certificate.
///
/// # Errors
/// [`TlsFault`] names the file and what is wrong with it.
pub fn server_config(
    certificate: &Path,
    key: &Path,
) -> Result<(Arc<ServerConfig>, CertificateDer<'static>), TlsFault> {
    let (chain, private) = identity(certificate, key)?;
    let own = chain.first().cloned().ok_or_else(|| TlsFault::new(certificate, NO_CERTIFICATE))?;
    let mut config = assemble(chain, private).map_err(|error| TlsFault::new(key, error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), own))
}

/// A chain and its key, out of PEM files; that of the key only its owner may read. Whether they
/// belong together is not looked at.
///
/// # Errors
/// [`TlsFault`] names the file and what is wrong with it.
pub(crate) fn identity(certificate: &Path, key: &Path) -> Result<Identity, TlsFault> {
    let fault = |why: String| TlsFault::new(certificate, why);
    let pem = std::fs::read(certificate).map_err(|error| fault(error.to_string()))?;
    Ok((chain(&pem).map_err(fault)?, private_key(key)?))
}

/// A chain and the key of its first certificate.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Whether a server called `hostname` can show the chain `pem` with the key `key`, both PEM.
///
/// # Errors
/// Why it can't: no certificate, one of another key, one for another name.
pub(crate) fn fits(pem: &[u8], key: &[u8], hostname: &str) -> Result<(), String> {
    is_for(&fits_together(pem, key)?, hostname)
}

/// Whether `certificate` is one for `hostname`.
///
/// # Errors
/// Why it is not.
pub(crate) fn is_for(certificate: &CertificateDer<'_>, hostname: &str) -> Result<(), String> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(hostname).map_err(|error| error.to_string())?;
    verify_server_name(&parsed, &name).map_err(|error| error.to_string())
}

/// Whether the chain `pem` is one of the key `key`, both PEM; its first certificate.
///
/// # Errors
/// Why it is not.
pub(crate) fn fits_together(pem: &[u8], key: &[u8]) -> Result<CertificateDer<'static>, String> {
    let chain = chain(pem)?;
    let own = chain.first().ok_or("no certificate in it")?.clone();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    assemble(chain, key).map_err(|error| error.to_string())?;
    Ok(own)
}

/// Reads a file that [`open_private`] opens.
///
/// # Errors
/// What the file system says, and where others may read it.
pub(crate) fn read_private(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = open_private(path)?;
    let mut content = Zeroizing::new(Vec::with_capacity(8192));
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// The certificate or its key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct TlsFault {
    path: PathBuf,
    why: String,
}

impl TlsFault {
    fn new(path: &Path, why: impl std::fmt::Display) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    match chain.is_empty() {
        true => Err(NO_CERTIFICATE.to_owned()),
        false => Ok(chain),
    }
}

/// Refuses a key that is not the one of the chain's first certificate.
fn assemble(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let fault = |why: String| TlsFault::new(path, why);
    let pem = read_private(path).map_err(|error| fault(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| fault(format!("no private key in it ({error}): it must be PEM, PKCS#8")))
}

const NO_CERTIFICATE: &str = "no certificate in it: it must be PEM";
