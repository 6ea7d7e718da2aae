//! AES-GCM of short secrets, straight from and into memory of the caller's.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_GCM_PARAMS, CK_MECHANISM, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_ULONG, CKM_AES_GCM,
};

use super::Raw;

/// What both directions have in common.
pub(crate) struct Gcm<'a> {
    /// An AES key.
    pub(crate) key: CK_OBJECT_HANDLE,
    /// The initialisation vector.
    pub(crate) nonce: &'a [u8],
    /// What is authenticated too; never empty, as a module of ours dies of a null pointer here.
    pub(crate) aad: &'a [u8],
    /// The bytes of the tag, which stands behind the ciphertext.
    pub(crate) tag: usize,
}

impl Raw {
    /// `C_EncryptInit` and `C_Encrypt`, which has to fill exactly `cipher`.
    pub(crate) fn gcm_encrypt(
        &self,
        session: CK_SESSION_HANDLE,
        gcm: &Gcm<'_>,
        plain: &[u8],
        cipher: &mut [u8],
    ) -> Result<(), Error> {
        let init = self.calls.C_EncryptInit.ok_or(Error::NullFunctionPointer)?;
        let call = self.calls.C_Encrypt.ok_or(Error::NullFunctionPointer)?;
        gcm.with_mechanism(|mechanism| {
            // SAFETY: the mechanism leads to locals of the caller and to what `gcm` borrows.
            Rv::from(unsafe { init(session, mechanism, gcm.key) })
                .into_result(Function::EncryptInit)
        })?;
        let expected = CK_ULONG::try_from(cipher.len())?;
        let mut length = expected;
        // SAFETY: both buffers go with their lengths; the module only reads `plain`, and writes at
        // most `length` bytes.
        let value = unsafe {
            call(
                session,
                plain.as_ptr().cast_mut(),
                plain.len().try_into()?,
                cipher.as_mut_ptr(),
                &raw mut length,
            )
        };
        Rv::from(value).into_result(Function::Encrypt)?;
        if length == expected { Ok(()) } else { Err(Error::InvalidValue) }
    }

    /// `C_DecryptInit` and `C_Decrypt`. Answers how many bytes of `plain` it wrote; there has to be
    /// room for all of `cipher`, as modules ask for that.
    pub(crate) fn gcm_decrypt(
        &self,
        session: CK_SESSION_HANDLE,
        gcm: &Gcm<'_>,
        cipher: &[u8],
        plain: &mut [u8],
    ) -> Result<usize, Error> {
        let init = self.calls.C_DecryptInit.ok_or(Error::NullFunctionPointer)?;
        let call = self.calls.C_Decrypt.ok_or(Error::NullFunctionPointer)?;
        gcm.with_mechanism(|mechanism| {
            // SAFETY: the mechanism leads to locals of the caller and to what `gcm` borrows.
            Rv::from(unsafe { init(session, mechanism, gcm.key) })
                .into_result(Function::DecryptInit)
        })?;
        let mut length = CK_ULONG::try_from(plain.len())?;
        // SAFETY: both buffers go with their lengths; the module only reads `cipher`, and writes at
        // most `length` bytes.
        let value = unsafe {
            call(
                session,
                cipher.as_ptr().cast_mut(),
                cipher.len().try_into()?,
                plain.as_mut_ptr(),
                &raw mut length,
            )
        };
        Rv::from(value).into_result(Function::Decrypt)?;
        match usize::try_from(length) {
            Ok(length) if length <= plain.len() => Ok(length),
            _ => Err(Error::InvalidValue),
        }
    }
}

impl Gcm<'_> {
    /// Runs `call` with a mechanism whose pointers are valid while it runs.
    fn with_mechanism(
        &self,
        call: impl FnOnce(*mut CK_MECHANISM) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let length = CK_ULONG::try_from(self.nonce.len())?;
        let mut parameters = CK_GCM_PARAMS {
            pIv: self.nonce.as_ptr().cast_mut(),
            ulIvLen: length,
            ulIvBits: length * 8,
            pAAD: self.aad.as_ptr().cast_mut(),
            ulAADLen: self.aad.len().try_into()?,
            ulTagBits: CK_ULONG::try_from(self.tag)? * 8,
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: (&raw mut parameters).cast(),
            ulParameterLen: size_of::<CK_GCM_PARAMS>().try_into()?,
        };
        call(ptr::from_mut(&mut mechanism))
    }
}
