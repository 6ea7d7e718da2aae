//! TLS towards a collector (RFC 5425).

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use crate::config::{Place, Syslog};
use crate::listen;
use crate::mirror::MirrorFault;

/// The name or address that must stand in the collector's certificate.
pub(super) fn name(place: &Place) -> Result<ServerName<'static>, MirrorFault> {
    let name = ServerName::try_from(place.host.clone());
    name.map_err(|error| MirrorFault::new(&place.host, error))
}

/// TLS 1.3, with the roots of the configuration alone.
pub(super) fn config(syslog: &Syslog) -> Result<Arc<ClientConfig>, MirrorFault> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &syslog.ca {
        let fault = |why: String| MirrorFault::new(path.display(), why);
        let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        for root in CertificateDer::pem_slice_iter(&pem) {
            let root = root.map_err(|error| fault(error.to_string()))?;
            roots.add(root).map_err(|error| fault(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(fault("no certificate in it: it must be PEM".to_owned()));
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| MirrorFault::new("TLS", error))?
        .with_root_certificates(roots);
    let config = match (&syslog.certificate, &syslog.key) {
        (Some(certificate), Some(key)) => {
            let (chain, key) = listen::identity(certificate, key)
                .map_err(|error| MirrorFault::new("its own certificate", error))?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| MirrorFault::new(certificate.display(), error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}
