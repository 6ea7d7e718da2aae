//! The proof that this device is the one that it says it is: a P-256 key in its token, a certificate
//! of that key, and what the key signs (hem.md A6, A8).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use hsm_profiles::System;
use policies::{decode_base64, encode_base64};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;
use tokio::sync::OnceCell;

use crate::clock::now;
use crate::durable;
use crate::fault::Fault;

/// Proves what the device is. Cloning is shallow.
#[derive(Clone)]
pub struct Attestor(Arc<Parts>);

struct Parts {
    /// `None` where the token has no attestation key.
    key: Option<TokenKey>,
    /// Where a certificate is kept that somebody else made.
    file: PathBuf,
    /// The self-made one of this run.
    own: OnceCell<Vec<u8>>,
}

/// The attestation key as the maker of certificates sees it: it blocks.
#[derive(Clone)]
struct TokenKey {
    /// SEC1, uncompressed.
    point: Vec<u8>,
    system: System,
}

impl Attestor {
    /// The key with the public half `point` (SEC1, uncompressed), if the token has one, and the
    /// certificate that was brought for it, if there is one beside the state file `state`.
    pub fn new(system: System, point: Option<Vec<u8>>, state: &Path) -> Self {
        let key = point.map(|point| TokenKey { point, system });
        Self(Arc::new(Parts { key, file: state.with_file_name(FILE), own: OnceCell::new() }))
    }

    /// The key's name, base64 of 20 bytes: the SHA-1 of its point, as in the subject key identifier
    /// of its certificate (RFC 5280, section 4.2.1.2). `None` where there is no key.
    pub fn id(&self) -> Option<String> {
        self.0.key.as_ref().map(|key| encode_base64(&key.id()))
    }

    /// `<id>.<base64 of the Unix time in decimal>.<base64 of a signature>`: ECDSA with SHA-256, DER,
    /// over all that stands before the second dot.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where there is no key, or the token is away.
    pub async fn genuine(&self) -> Result<String, Fault> {
        let key = self.key()?;
        let time = encode_base64(now().to_string().as_bytes());
        let text = format!("{}.{time}", encode_base64(&key.id()));
        let signature = key.system.attest(text.as_bytes()).await?;
        Ok(format!("{text}.{}", encode_base64(&signature)))
    }

    /// [`Attestor::genuine`] where the token has the key for it.
    ///
    /// # Errors
    /// As there, but for the missing key.
    pub async fn genuine_if_any(&self) -> Result<Option<String>, Fault> {
        match self.0.key {
            Some(_) => self.genuine().await.map(Some),
            None => Ok(None),
        }
    }

    /// The key's public half: SEC1, uncompressed.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where there is none.
    pub fn point(&self) -> Result<&[u8], Fault> {
        self.key().map(|key| key.point.as_slice())
    }

    /// The certificate (DER) that somebody brought for the key; `None` where nobody did.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where there is no key.
    pub async fn brought(&self) -> Result<Option<Vec<u8>>, Fault> {
        let key = self.key()?;
        let kept = tokio::fs::read(&self.0.file).await.ok();
        Ok(kept.filter(|der| key.has(der)))
    }

    /// A certificate (DER) of the key: the one that was brought, or one that it made itself.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where there is no key, or the token is away.
    pub async fn certificate(&self) -> Result<Vec<u8>, Fault> {
        match self.brought().await? {
            Some(der) => Ok(der),
            None => self.0.own.get_or_try_init(|| self.made(TokenKey::certificate)).await.cloned(),
        }
    }

    /// A certificate request (PKCS#10, PEM) by the key.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where there is no key, or the token is away.
    pub async fn request(&self) -> Result<String, Fault> {
        self.made(TokenKey::request).await
    }

    /// Keeps a certificate for the key: PEM, or the base64 of DER.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where it is neither, [`Fault::Failed`] where it is of another key or can't
    /// be kept.
    pub async fn bring(&self, text: &str) -> Result<(), Fault> {
        let der = der(text).ok_or_else(|| {
            Fault::Invalid("crt must be a certificate: PEM, or the base64 of DER".into())
        })?;
        if !self.key()?.has(&der) {
            return Err(Fault::Failed("crt is not of the attestation key".into()));
        }
        let file = self.0.file.clone();
        apart(move || {
            durable::write(&file, &der, 0o644).map_err(|error| {
                tracing::error!(%error, path = %file.display(), "the certificate can't be kept");
                Fault::Failed("the certificate can't be kept: see the daemon's messages".into())
            })
        })
        .await
    }

    fn key(&self) -> Result<&TokenKey, Fault> {
        self.0.key.as_ref().ok_or_else(|| {
            Fault::Conflict("the token has no attestation key: its make has no P-256".into())
        })
    }

    async fn made<T: Send + 'static>(
        &self,
        make: fn(&TokenKey) -> Result<T, rcgen::Error>,
    ) -> Result<T, Fault> {
        let key = self.key()?.clone();
        apart(move || {
            make(&key).map_err(|error| {
                tracing::error!(%error, "a certificate of the attestation key");
                Fault::Conflict("the token did not sign".into())
            })
        })
        .await
    }
}

impl TokenKey {
    fn id(&self) -> [u8; 20] {
        let mut id = [0; 20];
        let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.point);
        id.iter_mut().zip(sum.as_ref()).for_each(|(to, from)| *to = *from);
        id
    }

    /// Whether `der` is a certificate of this key.
    fn has(&self, der: &[u8]) -> bool {
        let der = CertificateDer::from(der);
        let parsed = ParsedCertificate::try_from(&der);
        parsed.is_ok_and(|parsed| {
            parsed.subject_public_key_info().as_ref() == self.subject_public_key_info()
        })
    }

    /// The same each time but for its signature. It has no end of its own (RFC 5280, section
    /// 4.1.2.5).
    fn certificate(&self) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.params().self_signed(self)?.der().to_vec())
    }

    fn request(&self) -> Result<String, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.name();
        params.serialize_request(self)?.pem()
    }

    fn params(&self) -> CertificateParams {
        let id = self.id();
        let mut params = CertificateParams::default();
        params.distinguished_name = self.name();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_identifier_method = KeyIdMethod::PreSpecified(id.to_vec());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.not_before = rcgen::date_time_ymd(2024, 1, 1);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        params.serial_number = Some(SerialNumber::from(id.to_vec()));
        params
    }

    fn name(&self) -> DistinguishedName {
        let id: String = self.id().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "Claviger");
        name.push(DnType::CommonName, id);
        name
    }
}

impl PublicKeyData for TokenKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for TokenKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.system.attest_blocking(message).map_err(|fault| {
            tracing::error!(%fault, "the attestation key");
            rcgen::Error::RemoteKeyError
        })
    }
}

fn der(text: &str) -> Option<Vec<u8>> {
    if text.contains("-----BEGIN") {
        return Some(CertificateDer::from_pem_slice(text.as_bytes()).ok()?.to_vec());
    }
    let der = decode_base64(text.trim())?;
    ParsedCertificate::try_from(&CertificateDer::from(der.as_slice())).is_ok().then_some(der)
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Internal)?
}

/// Beside the state file.
const FILE: &str = "attestation.der";
