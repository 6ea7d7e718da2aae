//! PKCS#11 calls without cryptoki, which asks for the length of each output first.
#![expect(unsafe_code, reason = "calls into the module")]

use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_FUNCTION_LIST, CK_GCM_PARAMS, CK_MECHANISM, CK_MECHANISM_TYPE, CK_RV,
    CKA_VALUE, CKM_AES_GCM, CKR_OK,
};

use crate::trouble::Trouble;

/// The functions of the module that cryptoki has opened.
#[derive(Clone)]
pub(super) struct Calls {
    list: CK_FUNCTION_LIST,
    _library: Arc<cryptoki_sys::Pkcs11>,
}

impl Calls {
    pub(super) fn of(module: &Path) -> Result<Self, Trouble> {
        // SAFETY: the module is loaded already; this counts one more user of it.
        let library = unsafe { cryptoki_sys::Pkcs11::new(module) }?;
        let mut list = ptr::null_mut();
        // SAFETY: every module has this symbol, cryptoki needed it; `list` may be written.
        let result = unsafe { library.C_GetFunctionList(&raw mut list) };
        // SAFETY: the list is null or lives as long as the module, and is copied.
        let calls = unsafe { list.as_ref() }.copied();
        match (result, calls) {
            (CKR_OK, Some(list)) => Ok(Self { list, _library: Arc::new(library) }),
            _ => Err("the module gives no function list".into()),
        }
    }

    /// `C_GetAttributeValue` of a secret of 32 bytes.
    pub(super) fn read(&self, session: &Session, secret: ObjectHandle) -> Result<(), Trouble> {
        let mut value = [0_u8; 32];
        let mut wanted = CK_ATTRIBUTE {
            type_: CKA_VALUE,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: value.len().try_into()?,
        };
        let call = self.list.C_GetAttributeValue.ok_or(MISSING)?;
        // SAFETY: `wanted` leads to `value` and has its length, beyond which a module must not write.
        let result = unsafe { call(session.handle(), secret.handle(), &raw mut wanted, 1) };
        match value {
            value if result == CKR_OK && value != [0; 32] => Ok(()),
            _ => Err("the raw token gave no secret".into()),
        }
    }

    /// `C_SignInit` and `C_Sign`, by a mechanism without parameters; it has to fill `signature`.
    pub(super) fn sign(
        &self,
        session: &Session,
        (mechanism, key): (CK_MECHANISM_TYPE, ObjectHandle),
        message: &[u8],
        signature: &mut [u8],
    ) -> Result<(), Trouble> {
        let init = self.list.C_SignInit.ok_or(MISSING)?;
        let call = self.list.C_Sign.ok_or(MISSING)?;
        let mut how = CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        // SAFETY: the mechanism is a local without parameters.
        good(unsafe { init(session.handle(), &raw mut how, key.handle()) })?;
        let mut length = signature.len().try_into()?;
        let input = message.as_ptr().cast_mut();
        // SAFETY: both buffers go with their lengths; the module only reads `message`, and writes at
        // most `length` bytes.
        good(unsafe {
            let (from, to) = (message.len().try_into()?, signature.as_mut_ptr());
            call(session.handle(), input, from, to, &raw mut length)
        })?;
        filled(length.try_into()?, signature)
    }

    /// `C_EncryptInit` and `C_Encrypt` by AES-GCM without further authenticated bytes; `text` has
    /// room for the 16 bytes of the tag, too.
    pub(super) fn encrypt(
        &self,
        session: &Session,
        (nonce, key): (&mut [u8; 16], ObjectHandle),
        plain: &[u8],
        text: &mut [u8],
    ) -> Result<(), Trouble> {
        let init = self.list.C_EncryptInit.ok_or(MISSING)?;
        let call = self.list.C_Encrypt.ok_or(MISSING)?;
        let mut gcm = CK_GCM_PARAMS {
            pIv: nonce.as_mut_ptr(),
            ulIvLen: 16,
            ulIvBits: 128,
            // A null pointer kills some modules.
            pAAD: NonNull::dangling().as_ptr(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let mut how = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: (&raw mut gcm).cast(),
            ulParameterLen: size_of::<CK_GCM_PARAMS>().try_into()?,
        };
        // SAFETY: the mechanism leads to locals and to `nonce`, with their lengths.
        good(unsafe { init(session.handle(), &raw mut how, key.handle()) })?;
        let mut length = text.len().try_into()?;
        let input = plain.as_ptr().cast_mut();
        // SAFETY: as with `C_Sign`.
        good(unsafe {
            let (from, to) = (plain.len().try_into()?, text.as_mut_ptr());
            call(session.handle(), input, from, to, &raw mut length)
        })?;
        filled(length.try_into()?, text)
    }
}

fn good(result: CK_RV) -> Result<(), Trouble> {
    match result {
        CKR_OK => Ok(()),
        other => Err(format!("the raw token answered {other:#x}").into()),
    }
}

fn filled(length: usize, room: &[u8]) -> Result<(), Trouble> {
    match length == room.len() {
        true => Ok(()),
        false => Err(format!("the raw token gave {length} bytes, not {}", room.len()).into()),
    }
}

const MISSING: &str = "the module has not all functions";
