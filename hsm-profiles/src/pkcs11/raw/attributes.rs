//! Reading attributes in one call each. cryptoki asks for the length of every attribute first, one
//! by one, and a token that keeps its objects in files may look at the file for each question.

use std::ptr;

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv, RvError};
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_ULONG,
    CK_UNAVAILABLE_INFORMATION, CKA_ID, CKA_LABEL,
};

use super::{Raw, attribute};

impl Raw {
    /// `CKA_ID` and `CKA_LABEL`, empty where the object has none.
    ///
    /// # Errors
    /// `CKR_BUFFER_TOO_SMALL` for one of more than 256 bytes, which is none of ours.
    pub(crate) fn read_name(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let (mut id, mut label) = ([0; LONGEST], [0; LONGEST]);
        let mut wanted = [attribute(CKA_ID, &raw mut id)?, attribute(CKA_LABEL, &raw mut label)?];
        self.read(session, object, &mut wanted)?;
        let [id_read, label_read] = wanted.map(|read| length(&read));
        let bytes = |buffer: &[u8], read: Option<usize>| -> Vec<u8> {
            buffer.get(..read.unwrap_or(0)).unwrap_or_default().to_vec()
        };
        Ok((bytes(&id, id_read), bytes(&label, label_read)))
    }

    /// Attributes that are numbers; `None` for one that the object does not have.
    pub(crate) fn read_numbers<const N: usize>(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        kinds: [CK_ATTRIBUTE_TYPE; N],
    ) -> Result<[Option<CK_ULONG>; N], Error> {
        let mut numbers: [CK_ULONG; N] = [0; N];
        let mut wanted = [attribute::<CK_ULONG>(0, ptr::null_mut())?; N];
        for ((wanted, kind), number) in wanted.iter_mut().zip(kinds).zip(numbers.iter_mut()) {
            *wanted = attribute(kind, ptr::from_mut(number))?;
        }
        self.read(session, object, &mut wanted)?;
        let mut found = [None; N];
        for ((found, read), number) in found.iter_mut().zip(&wanted).zip(numbers) {
            *found = (length(read) == Some(size_of::<CK_ULONG>())).then_some(number);
        }
        Ok(found)
    }

    /// `C_GetAttributeValue` into buffers that `wanted` leads to. What the object does not have or
    /// does not show is no error.
    fn read(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        wanted: &mut [CK_ATTRIBUTE],
    ) -> Result<(), Error> {
        let call = self.calls.C_GetAttributeValue.ok_or(Error::NullFunctionPointer)?;
        let count = wanted.len().try_into()?;
        // SAFETY: each element leads to a buffer that the caller has made, with its length, beyond
        // which a module must not write.
        let value = unsafe { call(session, object, wanted.as_mut_ptr(), count) };
        match Rv::from(value).into_result(Function::GetAttributeValue) {
            Err(Error::Pkcs11(
                RvError::AttributeTypeInvalid | RvError::AttributeSensitive,
                Function::GetAttributeValue,
            )) => Ok(()),
            other => other,
        }
    }
}

/// How many bytes were read.
fn length(read: &CK_ATTRIBUTE) -> Option<usize> {
    let there = read.ulValueLen != CK_UNAVAILABLE_INFORMATION;
    there.then(|| usize::try_from(read.ulValueLen).ok()).flatten()
}

const LONGEST: usize = 256;
