//! Finding, listing and destroying objects. Searches name one attribute only: tokens that keep an
//! index use it then, and the class is looked at here.

use std::time::SystemTime;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki_sys::{CK_ULONG, CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE_LEN, CKK_AES, CKO_SECRET_KEY};
use policies::Kid;

use super::errors::Failure;
use super::session::TokenSession;
use super::system_keys;
use crate::algorithm::Width;
use crate::protocol::Object;

/// A key by its name; of an AES key, which has an object for each width, this one.
pub(crate) type Slot = (Kid, Option<Width>);

/// The private key of `kid`.
///
/// # Errors
/// [`Failure::NotFound`] also where the token has lost its storage or the login.
pub(crate) fn find_private(session: &TokenSession, kid: &Kid) -> Result<ObjectHandle, Failure> {
    find_one(session, kid.as_bytes(), ObjectClass::PRIVATE_KEY)?.ok_or(Failure::NotFound)
}

/// The symmetric key `kid`; of an AES key the object of this width.
///
/// # Errors
/// [`Failure::NotFound`] also where the token has lost its storage or the login.
pub(crate) fn find_secret(
    session: &TokenSession,
    kid: &Kid,
    width: Option<Width>,
) -> Result<ObjectHandle, Failure> {
    for handle in session.inner.find_objects(&[Attribute::Id(kid.as_bytes().to_vec())])? {
        let is_secret = class_of(session, handle)? == Some(CKO_SECRET_KEY);
        if is_secret && (width.is_none() || width_of(session, handle)? == width) {
            return Ok(handle);
        }
    }
    Err(Failure::NotFound)
}

/// Whether the token has a private or symmetric key `kid`.
pub(crate) fn is_there(session: &TokenSession, kid: &Kid) -> Result<bool, Failure> {
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
        if find_one(session, kid.as_bytes(), class)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is on the token.
#[derive(Default)]
pub(crate) struct Contents {
    /// Every private and secret key whose `CKA_ID` may be a KID, AES keys by their width.
    pub(crate) keys: Vec<(Slot, ObjectHandle)>,
    /// The private and secret key objects, but for the system keys.
    pub(crate) objects: Vec<Object>,
}

/// Goes through all keys on the token.
pub(crate) fn sweep(session: &TokenSession) -> Result<Contents, Failure> {
    let mut contents = Contents::default();
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
        for handle in on_token(session, class)? {
            let Some((id, label)) = describe(session, handle)? else { continue };
            if let Ok(bytes) = <[u8; 16]>::try_from(id.as_slice()) {
                let width = match class {
                    ObjectClass::SECRET_KEY => width_of(session, handle)?,
                    _ => None,
                };
                contents.keys.push(((Kid::from_bytes(bytes), width), handle));
            }
            if !system_keys::is_system_id(&id) {
                let label = String::from_utf8_lossy(&label).into_owned();
                contents.objects.push(Object { id, label });
            }
        }
    }
    Ok(contents)
}

/// Destroys the objects of `kid`, and answers how many there were.
pub(crate) fn destroy(session: &TokenSession, kid: &Kid) -> Result<u32, Failure> {
    destroy_all(session, &[Attribute::Id(kid.as_bytes().to_vec())])
}

/// Destroys the objects with this label, and answers how many there were.
pub(crate) fn destroy_labelled(session: &TokenSession, label: &str) -> Result<u32, Failure> {
    destroy_all(session, &[Attribute::Label(label.as_bytes().to_vec())])
}

/// Destroys what a generation that failed has left: its label, and not yet the name of a key.
pub(super) fn destroy_unfinished(
    session: &TokenSession,
    id: &[u8],
    label: &str,
) -> Result<u32, Failure> {
    let label = Attribute::Label(label.as_bytes().to_vec());
    destroy_all(session, &[Attribute::Id(id.to_vec()), label])
}

/// The object of this class with this `CKA_ID`.
pub(super) fn find_one(
    session: &TokenSession,
    id: &[u8],
    class: ObjectClass,
) -> Result<Option<ObjectHandle>, Failure> {
    for handle in session.inner.find_objects(&[Attribute::Id(id.to_vec())])? {
        if class_of(session, handle)? == Some(class.into()) {
            return Ok(Some(handle));
        }
    }
    Ok(None)
}

/// `CKA_TOKEN` keeps the derived objects of other threads out, which are gone before we look.
fn on_token(session: &TokenSession, class: ObjectClass) -> Result<Vec<ObjectHandle>, Failure> {
    Ok(session.inner.find_objects(&[Attribute::Token(true), Attribute::Class(class)])?)
}

/// The width of an AES key; `None` for another one, and for one that is gone.
fn width_of(session: &TokenSession, handle: ObjectHandle) -> Result<Option<Width>, Failure> {
    let wanted = [CKA_KEY_TYPE, CKA_VALUE_LEN];
    let raw = &session.module.raw;
    let found = match raw.read_numbers(session.inner.handle(), handle.handle(), wanted) {
        Ok(found) => found,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let [Some(CKK_AES), Some(length)] = found else { return Ok(None) };
    let mut widths = [Width::Aes128, Width::Aes192, Width::Aes256].into_iter();
    Ok(widths.find(|width| usize::try_from(length) == Ok(width.bytes())))
}

/// `CKA_CLASS`.
fn class_of(session: &TokenSession, handle: ObjectHandle) -> Result<Option<CK_ULONG>, Error> {
    let raw = &session.module.raw;
    let [class] = raw.read_numbers(session.inner.handle(), handle.handle(), [CKA_CLASS])?;
    Ok(class)
}

/// `CKA_ID` and `CKA_LABEL`; `None` where the object was destroyed in the meantime, or has names that
/// are none of ours.
fn describe(session: &TokenSession, handle: ObjectHandle) -> Result<Option<Name>, Failure> {
    match session.module.raw.read_name(session.inner.handle(), handle.handle()) {
        Ok(name) => Ok(Some(name)),
        Err(error) if is_gone(&error) || is_too_long(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

type Name = (Vec<u8>, Vec<u8>);

/// A handle that is void is that of an object which another thread has destroyed, or one that the
/// token is mistaken about: a second look tells.
fn destroy_all(session: &TokenSession, template: &[Attribute]) -> Result<u32, Failure> {
    let start = SystemTime::now();
    let (mut count, void) = destroy_found(session, template)?;
    let doubtful = void.is_some();
    if doubtful {
        let (more, void) = destroy_found(session, template)?;
        count += more;
        if let Some(error) = void {
            return Err(error.into());
        }
    }
    if count > 0 || doubtful {
        session.module.sync_store(start)?;
    } else {
        // They may have been destroyed a while ago, and that could not be synced then.
        session.module.sync_names()?;
    }
    Ok(count)
}

/// Answers how many objects were destroyed, and the error of the last one whose handle is void.
/// Whether an object is on the token is looked at here: with `CKA_TOKEN` in the search, a token that
/// keeps an index would go through all its objects.
fn destroy_found(
    session: &TokenSession,
    template: &[Attribute],
) -> Result<(u32, Option<Error>), Failure> {
    let (mut count, mut void) = (0, None);
    for handle in session.inner.find_objects(template)? {
        let destroyed = match session.inner.get_attributes(handle, &[AttributeType::Token]) {
            Ok(kept) if !kept.contains(&Attribute::Token(true)) => continue,
            Ok(_) => session.inner.destroy_object(handle),
            Err(error) => Err(error),
        };
        match destroyed {
            Ok(()) => count += 1,
            Err(error) if is_gone(&error) => void = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((count, void))
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::ObjectHandleInvalid, _))
}

fn is_too_long(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::BufferTooSmall, _))
}
