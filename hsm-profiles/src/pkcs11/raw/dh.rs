//! Diffie-Hellman modulo a prime (PKCS#11 3.1, section 6.4), for which cryptoki has no names.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv};
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_FALSE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_SESSION_HANDLE,
    CK_TRUE, CK_ULONG, CKA_BASE, CKA_DERIVE, CKA_EXTRACTABLE, CKA_PRIME, CKA_PRIVATE,
    CKA_SENSITIVE, CKA_TOKEN, CKM_DH_PKCS_DERIVE, CKM_DH_PKCS_KEY_PAIR_GEN,
};

use super::{Raw, attribute};

impl Raw {
    /// `C_GenerateKeyPair` of a pair of session objects that can derive and nothing else. The public
    /// object and the private one.
    pub(crate) fn generate_dh(
        &self,
        session: CK_SESSION_HANDLE,
        prime: &[u8],
        mut base: u8,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), Error> {
        let call = self.calls.C_GenerateKeyPair.ok_or(Error::NullFunctionPointer)?;
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_DH_PKCS_KEY_PAIR_GEN,
            pParameter: ptr::null_mut(),
            ulParameterLen: 0,
        };
        let (mut yes, mut no) = (CK_TRUE, CK_FALSE);
        let mut public_template = [
            attribute(CKA_TOKEN, &raw mut no)?,
            attribute(CKA_PRIVATE, &raw mut no)?,
            bytes(CKA_PRIME, prime)?,
            attribute(CKA_BASE, &raw mut base)?,
        ];
        let mut private_template = [
            attribute(CKA_TOKEN, &raw mut no)?,
            attribute(CKA_PRIVATE, &raw mut yes)?,
            attribute(CKA_SENSITIVE, &raw mut yes)?,
            attribute(CKA_EXTRACTABLE, &raw mut no)?,
            attribute(CKA_DERIVE, &raw mut yes)?,
        ];
        let (mut public, mut private) = (0, 0);
        // SAFETY: every pointer leads to a local of this function, or to `prime`, with the length
        // that stands beside it; the module only reads what is passed as input.
        let value = unsafe {
            call(
                session,
                &raw mut mechanism,
                public_template.as_mut_ptr(),
                public_template.len().try_into()?,
                private_template.as_mut_ptr(),
                private_template.len().try_into()?,
                &raw mut public,
                &raw mut private,
            )
        };
        Rv::from(value).into_result(Function::GenerateKeyPair)?;
        Ok((public, private))
    }

    /// `C_DeriveKey` with `CKM_DH_PKCS_DERIVE`, by a key with the number of a peer, into a session
    /// object of `length` bytes that can be read.
    pub(crate) fn derive_dh(
        &self,
        session: CK_SESSION_HANDLE,
        (key, peer): (CK_OBJECT_HANDLE, &[u8]),
        length: usize,
        public: bool,
    ) -> Result<CK_OBJECT_HANDLE, Error> {
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_DH_PKCS_DERIVE,
            pParameter: peer.as_ptr().cast_mut().cast(),
            ulParameterLen: peer.len().try_into()?,
        };
        // SAFETY: the parameter of this mechanism is the peer's number, which outlives the call.
        unsafe { self.derive_secret(session, &mut mechanism, key, (length, public)) }
    }

    /// `C_GetAttributeValue` of an attribute that is a number, big-endian: `number` gets it with
    /// zeros in front, where the token leaves them out.
    pub(crate) fn read_number(
        &self,
        session: CK_SESSION_HANDLE,
        (object, type_): (CK_OBJECT_HANDLE, CK_ATTRIBUTE_TYPE),
        number: &mut [u8],
    ) -> Result<(), Error> {
        let call = self.calls.C_GetAttributeValue.ok_or(Error::NullFunctionPointer)?;
        let mut wanted = CK_ATTRIBUTE {
            type_,
            pValue: number.as_mut_ptr().cast(),
            ulValueLen: CK_ULONG::try_from(number.len())?,
        };
        // SAFETY: `wanted` leads to `number` and has its length, beyond which a module must not
        // write.
        let result = unsafe { call(session, object, &raw mut wanted, 1) };
        Rv::from(result).into_result(Function::GetAttributeValue)?;
        let written = usize::try_from(wanted.ulValueLen).map_err(|_| Error::InvalidValue)?;
        let missing = number.len().checked_sub(written).ok_or(Error::InvalidValue)?;
        number.rotate_right(missing);
        number.iter_mut().take(missing).for_each(|byte| *byte = 0);
        Ok(())
    }
}

fn bytes(type_: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Result<CK_ATTRIBUTE, Error> {
    let length = CK_ULONG::try_from(value.len())?;
    Ok(CK_ATTRIBUTE { type_, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: length })
}
