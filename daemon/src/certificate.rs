//! The certificate that the daemon shows, for those who renew it over the API.

mod exchange;
mod sealed_key;
mod serial;

use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use policies::decode_base64;
use rcgen::{CertificateParams, DnType, KeyPair};
use tokio::sync::{Mutex, OwnedMutexGuard};
use zeroize::Zeroizing;

use crate::config::Tls;
use crate::durable;
use crate::fault::Fault;
use crate::listen::{fits, read_private};
pub use exchange::settle;
pub use sealed_key::SealedTlsKey;

/// The files of the certificate and its key. Cloning is shallow.
#[derive(Clone)]
pub struct Certificate(Arc<Files>);

struct Files {
    tls: Tls,
    /// Held while they change: what was checked is what is written.
    turn: Arc<Mutex<()>>,
}

impl Certificate {
    /// Those of the configuration.
    pub fn new(tls: Tls) -> Self {
        Self(Arc::new(Files { tls, turn: Arc::default() }))
    }

    /// A certificate request (PKCS#10, PEM) for `hostname` by the key in use.
    ///
    /// # Errors
    /// [`Fault::Failed`] where the key can't be read or makes no request.
    pub async fn request(&self, hostname: String) -> Result<String, Fault> {
        self.apart(move |tls| request(&tls.key, hostname).map_err(|why| failed(&why))).await
    }

    /// Puts `text` in the place of the certificate, where it is one of the key in use for
    /// `hostname`. It is shown after a restart or a reload.
    ///
    /// # Errors
    /// [`Fault::Failed`] says what does not fit, or that the file can't be replaced; the old one
    /// stays then.
    pub async fn renew(&self, text: String, hostname: String) -> Result<(), Fault> {
        self.judge((text, None), hostname).await?.put().await
    }

    /// Whether `text` fits `hostname` and `key` (PKCS#8, PEM), or the key in use where none comes with
    /// it: a PEM chain, the server's own first, or the base64 of one or of a single DER certificate.
    /// Until it is put in place or dropped nothing else is.
    ///
    /// # Errors
    /// [`Fault::Failed`] says what does not fit.
    pub async fn judge(
        &self,
        (text, key): (String, Option<Zeroizing<String>>),
        hostname: String,
    ) -> Result<Fitting, Fault> {
        let turn = Arc::clone(&self.0.turn).lock_owned().await;
        let (pem, key) = self
            .apart(move |tls| {
                let pem = to_pem(&text).ok_or_else(|| failed(NO_CERTIFICATE))?;
                if let Some(key) = key {
                    let fitting = fits(&pem, key.as_bytes(), &hostname);
                    fitting.map_err(|_| sealed_key::unopened())?;
                    return Ok((pem, Some(key)));
                }
                let own =
                    read_private(&tls.key).map_err(|_| failed("the TLS key can't be read"))?;
                fits(&pem, &own, &hostname).map_err(|why| failed(&format!("crt: {why}")))?;
                Ok((pem, None))
            })
            .await?;
        Ok(Fitting { certificate: self.clone(), _turn: turn, pem, key })
    }

    /// The serial number of the certificate as it is in its file, big-endian; nothing where that
    /// can't be read.
    pub async fn serial(&self) -> Vec<u8> {
        self.apart(|tls| Ok(serial::of_file(&tls.certificate))).await.unwrap_or_default()
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tls) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let files = Arc::clone(&self.0);
        let work = move || work(&files.tls);
        tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Internal)?
    }
}

/// A certificate that fits and is not in its place yet, alone or with its key.
pub struct Fitting {
    certificate: Certificate,
    _turn: OwnedMutexGuard<()>,
    pem: Vec<u8>,
    key: Option<Zeroizing<String>>,
}

impl Fitting {
    /// Puts it in its place. It is shown after a restart or a reload.
    ///
    /// # Errors
    /// [`Fault::Failed`] where the files can't be replaced. The old pair is whole then, or the new
    /// one is after the next start.
    pub async fn put(self) -> Result<(), Fault> {
        let Self { certificate, _turn, pem, key } = self;
        let written = certificate.apart(move |tls| {
            match key {
                Some(key) => exchange::exchange(tls, &pem, key.as_bytes()),
                None => durable::write(&tls.certificate, &pem, 0o644),
            }
            .map_err(|error| unwritten(tls, &error))
        });
        written.await
    }
}

fn unwritten(tls: &Tls, error: &std::io::Error) -> Fault {
    let (certificate, key) = (tls.certificate.display(), tls.key.display());
    tracing::error!(%error, %certificate, %key, "the TLS files can't be replaced");
    failed("the daemon may not replace its TLS files: see its messages")
}

fn request(key: &Path, hostname: String) -> Result<String, String> {
    let pem = read_private(key).map_err(|_| "the TLS key can't be read".to_owned())?;
    let pem = std::str::from_utf8(&pem).map_err(|_| "the TLS key is not PEM".to_owned())?;
    let key = KeyPair::from_pem(pem).map_err(|error| format!("the TLS key: {error}"))?;
    let mut params =
        CertificateParams::new(vec![hostname.clone()]).map_err(|error| error.to_string())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, hostname);
    let request = params.serialize_request(&key).map_err(|error| error.to_string())?;
    request.pem().map_err(|error| error.to_string())
}

/// How clients send a certificate is not written down; these are the forms they have it in.
fn to_pem(text: &str) -> Option<Vec<u8>> {
    if text.contains(BEGIN) {
        return Some(text.as_bytes().to_vec());
    }
    let bytes = decode_base64(text.trim())?;
    match std::str::from_utf8(&bytes) {
        Ok(inner) if inner.contains(BEGIN) => Some(bytes),
        _ => Some(armour(&bytes)),
    }
}

fn armour(der: &[u8]) -> Vec<u8> {
    let mut pem = format!("{BEGIN}\n");
    for line in Base64::encode_string(der).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem.into_bytes()
}

fn failed(why: &str) -> Fault {
    Fault::Failed(why.to_owned().into())
}

const NO_CERTIFICATE: &str = "crt is neither PEM nor base64 of DER";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    struct Site {
        folder: tempfile::TempDir,
        key: KeyPair,
    }

    impl Site {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let key = KeyPair::generate().unwrap();
            durable::write(&folder.path().join("key.pem"), key.serialize_pem().as_bytes(), 0o600)
                .unwrap();
            Self { folder, key }
        }

        fn certificate(&self) -> Certificate {
            let at = |name: &str| self.folder.path().join(name);
            Certificate::new(Tls { certificate: at("crt.pem"), key: at("key.pem") })
        }
    }

    fn signed(key: &KeyPair, name: &str) -> rcgen::Certificate {
        CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(key).unwrap()
    }

    #[tokio::test]
    async fn a_request_names_the_host_and_carries_the_key() {
        let site = Site::new();
        let pem = site.certificate().request("hem.example.org".to_owned()).await.unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = Base64::decode_vec(&body).unwrap();
        let holds = |needle: &[u8]| der.windows(needle.len()).any(|window| window == needle);
        assert!(holds(b"hem.example.org"));
        assert!(holds(site.key.public_key_raw()));
    }

    #[tokio::test]
    async fn only_a_fitting_certificate_gets_in() {
        let (site, stranger) = (Site::new(), KeyPair::generate().unwrap());
        let ours = site.certificate();
        let good = signed(&site.key, "hem.example.org");
        let host = || "hem.example.org".to_owned();
        for form in [
            good.pem(),
            Base64::encode_string(good.der()),
            Base64::encode_string(good.pem().as_bytes()),
        ] {
            ours.renew(form, host()).await.unwrap();
            let kept = std::fs::read(site.folder.path().join("crt.pem")).unwrap();
            fits(&kept, site.key.serialize_pem().as_bytes(), "hem.example.org").unwrap();
        }
        for bad in [
            signed(&stranger, "hem.example.org").pem(),
            signed(&site.key, "elsewhere.example.org").pem(),
            good.pem().replace('M', "N"),
            "AAAA".to_owned(),
            "no base64!".to_owned(),
            String::new(),
        ] {
            assert!(matches!(ours.renew(bad, host()).await, Err(Fault::Failed(_))));
        }
    }
}
