//! RSA without a padding of the token's: what is wrong with one is nobody's business but ours.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_ULONG, CKM_RSA_X_509};

use super::Raw;

impl Raw {
    /// `C_DecryptInit` with `CKM_RSA_X_509` and `C_Decrypt`, which has to fill exactly `plain`: as
    /// long as the modulus, leading zeros and all.
    pub(crate) fn rsa_decrypt(
        &self,
        session: CK_SESSION_HANDLE,
        key: CK_OBJECT_HANDLE,
        cipher: &[u8],
        plain: &mut [u8],
    ) -> Result<(), Error> {
        let init = self.calls.C_DecryptInit.ok_or(Error::NullFunctionPointer)?;
        let call = self.calls.C_Decrypt.ok_or(Error::NullFunctionPointer)?;
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_RSA_X_509,
            pParameter: ptr::null_mut(),
            ulParameterLen: 0,
        };
        // SAFETY: the mechanism is a local and has no parameters.
        let value = unsafe { init(session, &raw mut mechanism, key) };
        Rv::from(value).into_result(Function::DecryptInit)?;
        let expected = CK_ULONG::try_from(plain.len())?;
        let mut length = expected;
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
        if length == expected { Ok(()) } else { Err(Error::InvalidValue) }
    }
}
