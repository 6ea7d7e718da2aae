//! RSA without a padding of the token's: what is wrong with one is nobody's business but ours.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CKM_RSA_X_509,
};

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
        let names = (Function::DecryptInit, Function::Decrypt);
        rsa((init, call, names), (session, key), cipher, plain)
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
        let init = self.calls.C_EncryptInit.ok_or(Error::NullFunctionPointer)?;
        let call = self.calls.C_Encrypt.ok_or(Error::NullFunctionPointer)?;
        let names = (Function::EncryptInit, Function::Encrypt);
        rsa((init, call, names), (session, key), plain, cipher)
    }
}

type Init = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV;
type Call =
    unsafe extern "C" fn(CK_SESSION_HANDLE, *mut u8, CK_ULONG, *mut u8, *mut CK_ULONG) -> CK_RV;

fn rsa(
    (init, call, names): (Init, Call, (Function, Function)),
    (session, key): (CK_SESSION_HANDLE, CK_OBJECT_HANDLE),
    input: &[u8],
    output: &mut [u8],
) -> Result<(), Error> {
    let mut mechanism =
        CK_MECHANISM { mechanism: CKM_RSA_X_509, pParameter: ptr::null_mut(), ulParameterLen: 0 };
    // SAFETY: the mechanism is a local and has no parameters.
    let value = unsafe { init(session, &raw mut mechanism, key) };
    Rv::from(value).into_result(names.0)?;
    let expected = CK_ULONG::try_from(output.len())?;
    let mut length = expected;
    // SAFETY: both buffers go with their lengths; the module only reads `input`, and writes at most
    // `length` bytes.
    let value = unsafe {
        call(
            session,
            input.as_ptr().cast_mut(),
            input.len().try_into()?,
            output.as_mut_ptr(),
            &raw mut length,
        )
    };
    Rv::from(value).into_result(names.1)?;
    if length == expected { Ok(()) } else { Err(Error::InvalidValue) }
}
