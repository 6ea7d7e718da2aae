//! The calls of the hot path, made directly: cryptoki reads `CKA_VALUE` into memory that nobody
//! wipes, and signs in two calls where one does.
//!
//! The module is opened a second time, which gives the same instance of it.

mod attributes;
mod dh;
mod gcm;
mod rsa;
mod wrap;

use std::path::Path;
use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_ECDH1_DERIVE_PARAMS, CK_FALSE, CK_FUNCTION_LIST,
    CK_MECHANISM, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_TRUE, CK_ULONG,
    CKA_CLASS, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_PRIVATE, CKA_SENSITIVE, CKA_TOKEN, CKA_VALUE,
    CKA_VALUE_LEN, CKD_NULL, CKK_GENERIC_SECRET, CKM_ECDH1_DERIVE, CKO_SECRET_KEY, Pkcs11,
};

pub(crate) use self::gcm::Gcm;
use super::errors::Failure;

/// The function list of a loaded module.
pub(crate) struct Raw {
    pub(super) calls: CK_FUNCTION_LIST,
    /// Keeps the code of `calls` in memory.
    _library: Pkcs11,
}

impl Raw {
    /// Opens the module at `path`, which cryptoki has opened and initialises.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        // SAFETY: this runs the module's initialisers, if they did not run yet. The module is code
        // that the operator chose to trust, as PKCS#11 asks for.
        let library = unsafe { Pkcs11::new(path) }
            .map_err(|error| Failure::Absent(format!("the module can't be loaded: {error}")))?;
        if library.C_GetFunctionList.is_err() {
            return Err(Error::MissingSymbol("C_GetFunctionList").into());
        }
        let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: the symbol is there, and `list` may be written.
        let value = unsafe { library.C_GetFunctionList(&raw mut list) };
        Rv::from(value).into_result(Function::GetFunctionList)?;
        // SAFETY: a module that answers CKR_OK gives null, which is looked for, or a list that
        // lives as long as the module, of which a copy is taken.
        let calls = unsafe { list.as_ref() }.copied().ok_or(Error::NullFunctionPointer)?;
        Ok(Self { calls, _library: library })
    }

    /// `C_DeriveKey` with `CKM_ECDH1_DERIVE` and no KDF, into a session object of `length` bytes
    /// that can be read.
    pub(crate) fn derive(
        &self,
        session: CK_SESSION_HANDLE,
        &Agreement { key, peer, length, public }: &Agreement<'_>,
    ) -> Result<CK_OBJECT_HANDLE, Error> {
        let mut parameters = CK_ECDH1_DERIVE_PARAMS {
            kdf: CKD_NULL,
            ulSharedDataLen: 0,
            pSharedData: ptr::null_mut(),
            ulPublicDataLen: peer.len().try_into()?,
            pPublicData: peer.as_ptr().cast_mut(),
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_ECDH1_DERIVE,
            pParameter: (&raw mut parameters).cast(),
            ulParameterLen: size_of::<CK_ECDH1_DERIVE_PARAMS>().try_into()?,
        };
        // SAFETY: the parameters are a local of this function and lead to `peer`, with its length.
        unsafe { self.derive_secret(session, &mut mechanism, key, (length, public)) }
    }

    /// `C_DeriveKey` into a session object of so many bytes that can be read, and that has
    /// `CKA_PRIVATE = FALSE` where the second says so.
    ///
    /// # Safety
    /// The parameters of `mechanism` have to be those of its type, and what they lead to has to be
    /// there.
    unsafe fn derive_secret(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        (length, public): (usize, bool),
    ) -> Result<CK_OBJECT_HANDLE, Error> {
        let call = self.calls.C_DeriveKey.ok_or(Error::NullFunctionPointer)?;
        let (mut class, mut kind) = (CKO_SECRET_KEY, CKK_GENERIC_SECRET);
        let mut length = CK_ULONG::try_from(length)?;
        let (mut yes, mut no) = (CK_TRUE, CK_FALSE);
        let mut template = [
            attribute(CKA_CLASS, &raw mut class)?,
            attribute(CKA_KEY_TYPE, &raw mut kind)?,
            attribute(CKA_VALUE_LEN, &raw mut length)?,
            attribute(CKA_TOKEN, &raw mut no)?,
            attribute(CKA_SENSITIVE, &raw mut no)?,
            attribute(CKA_EXTRACTABLE, &raw mut yes)?,
            attribute(CKA_PRIVATE, &raw mut no)?,
        ];
        let count = if public { template.len() } else { template.len() - 1 };
        let mut derived = 0;
        // SAFETY: every pointer leads to a local of this function with the length that stands
        // beside it, or to what the caller answers for; the module only reads what is input.
        let value = unsafe {
            call(
                session,
                mechanism,
                key,
                template.as_mut_ptr(),
                count.try_into()?,
                &raw mut derived,
            )
        };
        Rv::from(value).into_result(Function::DeriveKey)?;
        Ok(derived)
    }

    /// `C_GetAttributeValue` of `CKA_VALUE`, which has to be exactly as long as `value`.
    pub(crate) fn read_value(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        value: &mut [u8],
    ) -> Result<(), Error> {
        let call = self.calls.C_GetAttributeValue.ok_or(Error::NullFunctionPointer)?;
        let length = CK_ULONG::try_from(value.len())?;
        let mut wanted = CK_ATTRIBUTE {
            type_: CKA_VALUE,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: length,
        };
        // SAFETY: `wanted` leads to `value` and has its length, beyond which a module must not
        // write.
        let result = unsafe { call(session, object, &raw mut wanted, 1) };
        Rv::from(result).into_result(Function::GetAttributeValue)?;
        if wanted.ulValueLen == length { Ok(()) } else { Err(Error::InvalidValue) }
    }

    /// `C_DestroyObject`.
    pub(crate) fn destroy(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
    ) -> Result<(), Error> {
        let call = self.calls.C_DestroyObject.ok_or(Error::NullFunctionPointer)?;
        // SAFETY: handles are numbers; a module refuses those it does not know.
        Rv::from(unsafe { call(session, object) }).into_result(Function::DestroyObject)
    }

    /// `C_SignInit` without parameters and `C_Sign`, which has to fill exactly `signature`.
    pub(crate) fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        (mechanism, key): (CK_MECHANISM_TYPE, CK_OBJECT_HANDLE),
        message: &[u8],
        signature: &mut [u8],
    ) -> Result<(), Error> {
        let init = self.calls.C_SignInit.ok_or(Error::NullFunctionPointer)?;
        let call = self.calls.C_Sign.ok_or(Error::NullFunctionPointer)?;
        let mut mechanism =
            CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        // SAFETY: the mechanism is a local and has no parameters.
        let value = unsafe { init(session, &raw mut mechanism, key) };
        Rv::from(value).into_result(Function::SignInit)?;
        let expected = CK_ULONG::try_from(signature.len())?;
        let mut length = expected;
        // SAFETY: both buffers go with their lengths; the module only reads `message`, and writes
        // at most `length` bytes.
        let value = unsafe {
            call(
                session,
                message.as_ptr().cast_mut(),
                message.len().try_into()?,
                signature.as_mut_ptr(),
                &raw mut length,
            )
        };
        Rv::from(value).into_result(Function::Sign)?;
        if length == expected { Ok(()) } else { Err(Error::InvalidValue) }
    }
}

/// What [`Raw::derive`] derives.
pub(crate) struct Agreement<'a> {
    /// The private key.
    pub(crate) key: CK_OBJECT_HANDLE,
    /// The public key of the other side, encoded for the token.
    pub(crate) peer: &'a [u8],
    /// The bytes of the secret.
    pub(crate) length: usize,
    /// Whether the derived object gets `CKA_PRIVATE = FALSE`.
    pub(crate) public: bool,
}

fn attribute<T>(type_: CK_ATTRIBUTE_TYPE, value: *mut T) -> Result<CK_ATTRIBUTE, Error> {
    Ok(CK_ATTRIBUTE { type_, pValue: value.cast(), ulValueLen: size_of::<T>().try_into()? })
}
