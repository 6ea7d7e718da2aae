//! Signatures and MACs by the system keys.

use cryptoki::object::ObjectHandle;
use cryptoki_sys::{CKM_EDDSA, CKM_SHA256_HMAC};

use super::errors::Failure;
use super::session::TokenSession;

/// A pure Ed25519 signature (RFC 8032), 64 bytes.
pub(crate) fn sign_log(
    session: &TokenSession,
    key: ObjectHandle,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut signature = vec![0; 64];
    let how = (CKM_EDDSA, key.handle());
    session.module.raw.sign(session.inner.handle(), how, message, &mut signature)?;
    Ok(signature)
}

/// An HMAC-SHA-256 (RFC 2104), 32 bytes.
pub(crate) fn mac(
    session: &TokenSession,
    key: ObjectHandle,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut mac = vec![0; 32];
    let how = (CKM_SHA256_HMAC, key.handle());
    session.module.raw.sign(session.inner.handle(), how, message, &mut mac)?;
    Ok(mac)
}
