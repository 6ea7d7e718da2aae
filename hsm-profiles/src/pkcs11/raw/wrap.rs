//! Wrapping and unwrapping of private RSA keys by AES (RFC 5649): cryptoki lacks the name that
//! PKCS#11 3.0 has for it.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_FALSE, CK_MECHANISM, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_TRUE,
    CK_ULONG, CKA_CLASS, CKA_DECRYPT, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_PRIVATE, CKA_SENSITIVE,
    CKA_SIGN, CKA_TOKEN, CKA_UNWRAP, CKK_RSA, CKO_PRIVATE_KEY,
};

use super::{Raw, attribute};

impl Raw {
    /// `C_WrapKey` of `key` by a mechanism without parameters and another key.
    pub(crate) fn wrap_key(
        &self,
        session: CK_SESSION_HANDLE,
        (mechanism, wrapping): (CK_MECHANISM_TYPE, CK_OBJECT_HANDLE),
        key: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>, Error> {
        let call = self.calls.C_WrapKey.ok_or(Error::NullFunctionPointer)?;
        let mut mechanism =
            CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        let mut wrapped = vec![0; LONGEST];
        let mut length = CK_ULONG::try_from(wrapped.len())?;
        // SAFETY: the mechanism is a local without parameters; the buffer goes with its length,
        // beyond which a module must not write.
        let value = unsafe {
            call(session, &raw mut mechanism, wrapping, key, wrapped.as_mut_ptr(), &raw mut length)
        };
        Rv::from(value).into_result(Function::WrapKey)?;
        let length = usize::try_from(length).map_err(|_| Error::InvalidValue)?;
        if length > wrapped.len() {
            return Err(Error::InvalidValue);
        }
        wrapped.truncate(length);
        Ok(wrapped)
    }

    /// `C_UnwrapKey` of a private RSA key into an object of the session that decrypts and can't be
    /// read or wrapped again.
    pub(crate) fn unwrap_rsa(
        &self,
        session: CK_SESSION_HANDLE,
        (mechanism, wrapping): (CK_MECHANISM_TYPE, CK_OBJECT_HANDLE),
        wrapped: &[u8],
    ) -> Result<CK_OBJECT_HANDLE, Error> {
        let call = self.calls.C_UnwrapKey.ok_or(Error::NullFunctionPointer)?;
        let mut mechanism =
            CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        let (mut class, mut kind) = (CKO_PRIVATE_KEY, CKK_RSA);
        let (mut yes, mut no) = (CK_TRUE, CK_FALSE);
        let mut template = [
            attribute(CKA_CLASS, &raw mut class)?,
            attribute(CKA_KEY_TYPE, &raw mut kind)?,
            attribute(CKA_TOKEN, &raw mut no)?,
            attribute(CKA_PRIVATE, &raw mut yes)?,
            attribute(CKA_SENSITIVE, &raw mut yes)?,
            attribute(CKA_EXTRACTABLE, &raw mut no)?,
            attribute(CKA_DECRYPT, &raw mut yes)?,
            attribute(CKA_SIGN, &raw mut no)?,
            attribute(CKA_UNWRAP, &raw mut no)?,
        ];
        let mut key = 0;
        // SAFETY: every pointer leads to a local of this function, or to `wrapped`, with the length
        // that stands beside it; the module only reads what is input.
        let value = unsafe {
            call(
                session,
                &raw mut mechanism,
                wrapping,
                wrapped.as_ptr().cast_mut(),
                wrapped.len().try_into()?,
                template.as_mut_ptr(),
                template.len().try_into()?,
                &raw mut key,
            )
        };
        Rv::from(value).into_result(Function::UnwrapKey)?;
        Ok(key)
    }
}

/// A private key of 4096 bits in PKCS#8 has less than 2400 bytes.
const LONGEST: usize = 4096;
