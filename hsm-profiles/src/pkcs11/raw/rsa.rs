//! RSA without a padding of the token's: what is wrong with one is nobody's business but ours.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CKM_RSA_X_509};

use super::Raw;
use crate::pkcs11::raw_cipher::work;

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
        begin(self.calls.C_DecryptInit, Function::DecryptInit, (session, key))?;
        let written = work(self.calls.C_Decrypt, Function::Decrypt, session, cipher, plain)?;
        if written == plain.len() { Ok(()) } else { Err(Error::InvalidValue) }
    }

    /// The same with `C_EncryptInit` and `C_Encrypt`. Kryoptic does not say how long the outcome will
    /// be, which cryptoki asks first.
    pub(crate) fn rsa_encrypt(
        &self,
        session: CK_SESSION_HANDLE,
        key: CK_OBJECT_HANDLE,
        plain: &[u8],
        cipher: &mut [u8],
    ) -> Result<(), Error> {
        begin(self.calls.C_EncryptInit, Function::EncryptInit, (session, key))?;
        let written = work(self.calls.C_Encrypt, Function::Encrypt, session, plain, cipher)?;
        if written == cipher.len() { Ok(()) } else { Err(Error::InvalidValue) }
    }
}

type Init = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV;

fn begin(
    call: Option<Init>,
    function: Function,
    (session, key): (CK_SESSION_HANDLE, CK_OBJECT_HANDLE),
) -> Result<(), Error> {
    let call = call.ok_or(Error::NullFunctionPointer)?;
    let mut mechanism =
        CK_MECHANISM { mechanism: CKM_RSA_X_509, pParameter: ptr::null_mut(), ulParameterLen: 0 };
    // SAFETY: the mechanism is a local and has no parameters.
    let value = unsafe { call(session, &raw mut mechanism, key) };
    Rv::from(value).into_result(function)
}
