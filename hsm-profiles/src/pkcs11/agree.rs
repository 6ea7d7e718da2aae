//! Key agreement: three calls, and the secret goes straight into wiped memory.

use cryptoki::object::ObjectHandle;
use cryptoki_sys::CK_OBJECT_HANDLE;
use zeroize::Zeroizing;

use super::errors::Failure;
use super::point;
use super::raw::Agreement;
use super::session::TokenSession;
use crate::key_type::KeyType;

/// A raw shared secret.
pub(crate) struct Secret {
    bytes: Zeroizing<[u8; LONGEST]>,
    length: usize,
}

impl Secret {
    /// The bytes, to be used and not kept.
    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The raw secret that `key` and `peer` share: the X coordinate (RFC 5903) or the output of X25519
/// or X448. `peer` is SEC1 uncompressed, or 32 or 56 raw bytes, and was validated.
pub(crate) fn agree(
    session: &TokenSession,
    key: ObjectHandle,
    kind: KeyType,
    peer: &[u8],
) -> Result<Secret, Failure> {
    let length = point::secret_length(kind).ok_or(Failure::Type(kind))?;
    if point::point_length(kind) != Some(peer.len()) {
        return Err(Failure::Argument("the peer's key has not the length of its type"));
    }
    let module = &session.module;
    let quirks = &module.profile.quirks;
    let encoded = point::encode_peer(quirks.peer_point, peer);
    let agreement = Agreement {
        key: key.handle(),
        peer: encoded.as_deref().unwrap_or(peer),
        length,
        public: quirks.derive_public_objects,
    };
    let mut secret = Secret { bytes: Zeroizing::new([0; LONGEST]), length };
    let handle = module.raw.derive(session.inner.handle(), &agreement)?;
    let derived = Fleeting { session, handle };
    let value = secret.bytes.get_mut(..length).unwrap_or_default();
    module.raw.read_value(session.inner.handle(), derived.handle, value)?;
    Ok(secret)
}

/// An object of the session, destroyed on every way out.
pub(super) struct Fleeting<'a> {
    pub(super) session: &'a TokenSession,
    pub(super) handle: CK_OBJECT_HANDLE,
}

impl Drop for Fleeting<'_> {
    fn drop(&mut self) {
        let handle = self.session.inner.handle();
        if self.session.module.raw.destroy(handle, self.handle).is_err() {
            self.session.spoil();
        }
    }
}

/// P-521.
const LONGEST: usize = 66;
