//! TLS from here to others: to a collector of syslog (RFC 5425), to a witness.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use crate::listen;

/// TLS 1.3, with the roots in the PEM file `ca` alone, and for whoever asks the certificate and key in
/// the files `own`.
///
/// # Errors
/// Which file can't be used, and why.
pub(crate) fn client_config(
    ca: &Path,
    own: Option<(&PathBuf, &PathBuf)>,
) -> Result<Arc<ClientConfig>, OutboundFault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| OutboundFault::new("TLS", error))?
        .with_root_certificates(roots(ca)?);
    let mut config = match own {
        Some((certificate, key)) => {
            let (chain, key) = listen::identity(certificate, key)
                .map_err(|error| OutboundFault::new("its own certificate", error))?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| OutboundFault::new(certificate.display(), error))?
        }
        None => builder.with_no_client_auth(),
    };
    // Some servers that ask for a certificate refuse sessions that are resumed, rsyslog for one.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// What must stand in a server's certificate: a name or an address.
///
/// # Errors
/// When `host` is neither.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, OutboundFault> {
    ServerName::try_from(host.to_owned()).map_err(|error| OutboundFault::new(host, error))
}

fn roots(path: &Path) -> Result<RootCertStore, OutboundFault> {
    let fault = |why: &dyn std::fmt::Display| OutboundFault::new(path.display(), why);
    let pem = std::fs::read(path).map_err(|error| fault(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut roots = RootCertStore::empty();
    // A bundle may have one that can't be used: it vouches for nobody then.
    roots.add_parsable_certificates(found.map_err(|error| fault(&error))?);
    match roots.is_empty() {
        true => Err(fault(&"no certificate that can be used in it: it must be PEM")),
        false => Ok(roots),
    }
}

/// What the daemon is to reach can't be reached as configured.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct OutboundFault {
    what: String,
    why: String,
}

impl OutboundFault {
    pub(crate) fn new(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self { what: what.to_string(), why: why.to_string() }
    }
}
