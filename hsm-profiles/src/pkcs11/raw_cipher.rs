//! Enciphering and deciphering, in one call or block by block. The output goes into memory of ours,
//! which can be wiped; cryptoki's would not be.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_BYTE, CK_GCM_PARAMS, CK_MECHANISM, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_RV,
    CK_SESSION_HANDLE, CK_ULONG, CKM_AES_CBC, CKM_AES_ECB, CKM_AES_GCM,
};

use super::raw::Raw;

/// Which way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// From ciphertext to plaintext.
    Decrypt,
    /// From plaintext to ciphertext.
    Encrypt,
}

/// A mechanism with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How<'a> {
    /// `CKM_AES_CBC`: whole blocks, no padding.
    Cbc(&'a [u8; 16]),
    /// `CKM_AES_ECB`: whole blocks.
    Ecb,
    /// `CKM_AES_GCM` with this nonce and these authenticated bytes; the tag of 16 bytes follows the
    /// ciphertext.
    Gcm(&'a [u8], &'a [u8]),
}

/// `C_Encrypt`, `C_Decrypt` and whatever else takes an input and fills an output.
pub(super) type Work = unsafe extern "C" fn(
    CK_SESSION_HANDLE,
    *mut CK_BYTE,
    CK_ULONG,
    *mut CK_BYTE,
    *mut CK_ULONG,
) -> CK_RV;

impl Raw {
    /// `C_EncryptInit` and `C_Encrypt`, or the same the other way, of all there is. Answers how
    /// much was written to `output`, which has room for more.
    pub(crate) fn crypt(
        &self,
        (session, way): (CK_SESSION_HANDLE, Way),
        (how, key): (How<'_>, CK_OBJECT_HANDLE),
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Error> {
        self.begin(session, way, (how, key))?;
        let (call, function) = match way {
            Way::Decrypt => (self.calls.C_Decrypt, Function::Decrypt),
            Way::Encrypt => (self.calls.C_Encrypt, Function::Encrypt),
        };
        work(call, function, session, input, output)
    }

    /// `C_EncryptInit` or `C_DecryptInit`.
    pub(crate) fn begin(
        &self,
        session: CK_SESSION_HANDLE,
        way: Way,
        (how, key): (How<'_>, CK_OBJECT_HANDLE),
    ) -> Result<(), Error> {
        let (call, function) = match way {
            Way::Decrypt => (self.calls.C_DecryptInit, Function::DecryptInit),
            Way::Encrypt => (self.calls.C_EncryptInit, Function::EncryptInit),
        };
        let call = call.ok_or(Error::NullFunctionPointer)?;
        let mut gcm = gcm(&how)?;
        let mut mechanism = match how {
            How::Ecb => mechanism(CKM_AES_ECB, ptr::null_mut(), 0)?,
            How::Cbc(iv) => mechanism(CKM_AES_CBC, iv.as_ptr().cast_mut().cast(), iv.len())?,
            How::Gcm(..) => {
                mechanism(CKM_AES_GCM, (&raw mut gcm).cast(), size_of::<CK_GCM_PARAMS>())?
            }
        };
        // SAFETY: every pointer leads to a local of this function, or to what `how` borrows, with
        // the length that stands beside it; the module reads the parameters and writes none.
        let value = unsafe { call(session, &raw mut mechanism, key) };
        Rv::from(value).into_result(function)
    }

    /// `C_EncryptUpdate` or `C_DecryptUpdate` of one block in place.
    pub(crate) fn block(
        &self,
        session: CK_SESSION_HANDLE,
        way: Way,
        block: &mut [u8; 16],
    ) -> Result<(), Error> {
        let (call, function) = match way {
            Way::Decrypt => (self.calls.C_DecryptUpdate, Function::DecryptUpdate),
            Way::Encrypt => (self.calls.C_EncryptUpdate, Function::EncryptUpdate),
        };
        let input = zeroize::Zeroizing::new(*block);
        match work(call, function, session, input.as_slice(), block)? {
            16 => Ok(()),
            _ => Err(Error::InvalidValue),
        }
    }

    /// `C_EncryptFinal` or `C_DecryptFinal`, when whole blocks have gone in and come out.
    pub(crate) fn end(&self, session: CK_SESSION_HANDLE, way: Way) -> Result<(), Error> {
        let (call, function) = match way {
            Way::Decrypt => (self.calls.C_DecryptFinal, Function::DecryptFinal),
            Way::Encrypt => (self.calls.C_EncryptFinal, Function::EncryptFinal),
        };
        let call = call.ok_or(Error::NullFunctionPointer)?;
        let mut rest = [0; 16];
        let mut length = CK_ULONG::try_from(rest.len())?;
        // SAFETY: the buffer goes with its length, beyond which a module must not write.
        let value = unsafe { call(session, rest.as_mut_ptr(), &raw mut length) };
        Rv::from(value).into_result(function)?;
        if length == 0 { Ok(()) } else { Err(Error::InvalidValue) }
    }
}

/// One call that takes an input and fills an output, of which it answers how much.
pub(super) fn work(
    call: Option<Work>,
    function: Function,
    session: CK_SESSION_HANDLE,
    input: &[u8],
    output: &mut [u8],
) -> Result<usize, Error> {
    let call = call.ok_or(Error::NullFunctionPointer)?;
    let mut length = CK_ULONG::try_from(output.len())?;
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
    Rv::from(value).into_result(function)?;
    let written = usize::try_from(length)?;
    if written <= output.len() { Ok(written) } else { Err(Error::InvalidValue) }
}

/// All zero where `how` is not GCM. An empty `aad` is a pointer to nothing, but not null, which
/// some modules trip over.
fn gcm(how: &How<'_>) -> Result<CK_GCM_PARAMS, Error> {
    let (iv, aad) = match *how {
        How::Gcm(iv, aad) => (iv, aad),
        How::Cbc(_) | How::Ecb => (&[][..], &[][..]),
    };
    Ok(CK_GCM_PARAMS {
        pIv: iv.as_ptr().cast_mut(),
        ulIvLen: iv.len().try_into()?,
        ulIvBits: (8 * iv.len()).try_into()?,
        pAAD: aad.as_ptr().cast_mut(),
        ulAADLen: aad.len().try_into()?,
        ulTagBits: 128,
    })
}

fn mechanism(
    mechanism: CK_MECHANISM_TYPE,
    parameter: *mut std::ffi::c_void,
    length: usize,
) -> Result<CK_MECHANISM, Error> {
    Ok(CK_MECHANISM { mechanism, pParameter: parameter, ulParameterLen: length.try_into()? })
}
