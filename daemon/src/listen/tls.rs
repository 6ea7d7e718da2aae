//! The TLS side of the daemon: 1.3 and nothing older.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use zeroize::Zeroizing;

/// TLS 1.3 with the certificate and key of `tls`; HTTP/2 preferred over HTTP/1.1, X25519MLKEM768
/// over the classic groups, no early data.
///
/// # Errors
/// [`TlsFault`] names the file and what is wrong with it.
pub fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsFault> {
    let chain = chain(certificate)?;
    let key_der = private_key(key)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsFault::new(certificate, error))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| TlsFault::new(key, error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
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

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let fault = |why: String| TlsFault::new(path, why);
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| fault(error.to_string()))?;
    match chain.is_empty() {
        true => Err(fault("no certificate in it: it must be PEM".to_owned())),
        false => Ok(chain),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let fault = |why: String| TlsFault::new(path, why);
    let pem = read_private(path).map_err(|error| fault(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| fault(format!("no private key in it ({error}): it must be PEM, PKCS#8")))
}

/// Reads a file that only its owner may read.
fn read_private(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("others may read it: chmod 600 it"));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(8192));
    file.read_to_end(&mut content)?;
    Ok(content)
}
