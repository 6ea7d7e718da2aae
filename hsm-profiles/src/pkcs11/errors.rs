//! What went wrong at the token, and what class of error that is.

use std::collections::BTreeMap;

use cryptoki::error::{Error, RvError};

use crate::key_type::KeyType;
use crate::profile::ErrorClass;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no module, token or system key where one should be.
    #[error("{0}")]
    Absent(String),
    /// What was asked can't be.
    #[error("{0}")]
    Argument(&'static str),
    /// A call was refused.
    #[error("{}", describe(.0))]
    Call(#[from] Error),
    /// The token has no object with this `CKA_ID`, or seems so.
    #[error("no object with this CKA_ID")]
    NotFound,
    /// The PIN was refused at an earlier start, and is not tried again.
    #[error("this PIN was refused before")]
    RefusedBefore,
    /// The token makes no keys of this type.
    #[error("it makes no keys of the type {0}")]
    Type(KeyType),
    /// It may be done, or undone, and does not survive a power loss for certain.
    #[error("the token's store can't be synced to the disk: {0}")]
    Unsynced(std::io::Error),
    /// It is no sealed key of this token, KID and type.
    #[error("the sealed key can't be opened")]
    Unsealable,
    /// The token did something else than it was asked.
    #[error("{0}")]
    Wrong(String),
}

/// The classes of return values, with what a profile says about them.
pub(crate) struct Classes(Vec<(RvError, ErrorClass)>);

impl Classes {
    /// The standard ones, and `overrides` before them.
    pub(crate) fn new(overrides: &BTreeMap<String, ErrorClass>) -> Self {
        let mut classes: Vec<_> = overrides
            .iter()
            .filter_map(|(name, class)| Some((return_value(name)?, *class)))
            .collect();
        classes.extend(STANDARD.iter().map(|(_, value, class)| (*value, *class)));
        Self(classes)
    }

    /// What `failure` means. A value that is in no list is [`ErrorClass::Unclear`].
    pub(crate) fn judge(&self, failure: &Failure) -> ErrorClass {
        match failure {
            Failure::Absent(_) => ErrorClass::DeviceGone,
            Failure::Argument(_) => ErrorClass::Argument,
            Failure::Call(Error::Pkcs11(value, _)) => self
                .0
                .iter()
                .find(|(listed, _)| listed == value)
                .map_or(ErrorClass::Unclear, |(_, class)| *class),
            Failure::Call(Error::NullFunctionPointer | Error::NotSupported) => {
                ErrorClass::Unsupported
            }
            Failure::Call(Error::LibraryLoading(_) | Error::MissingSymbol(_)) => {
                ErrorClass::DeviceGone
            }
            Failure::Call(_) => ErrorClass::Unclear,
            Failure::NotFound => ErrorClass::HandleInvalid,
            Failure::RefusedBefore => ErrorClass::PinRefused,
            Failure::Type(_) | Failure::Unsealable | Failure::Unsynced(_) | Failure::Wrong(_) => {
                ErrorClass::Unsupported
            }
        }
    }
}

/// Whether `name` is one that a profile may give a class.
pub(crate) fn is_return_value(name: &str) -> bool {
    return_value(name).is_some()
}

fn return_value(name: &str) -> Option<RvError> {
    if let Some(digits) = name.strip_prefix("0x") {
        let code = u64::from_str_radix(digits, 16).ok()?;
        return (code >= VENDOR).then_some(RvError::VendorDefined(code));
    }
    STANDARD.iter().find(|(known, ..)| *known == name).map(|(_, value, _)| *value)
}

/// The call and the return value by its name in the standard.
fn describe(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => {
            match STANDARD.iter().find(|(_, listed, _)| listed == value) {
                Some((name, ..)) => format!("C_{function:?}: {name}"),
                None => format!("C_{function:?}: {value:?}"),
            }
        }
        other => other.to_string(),
    }
}

/// Return values from here on are a vendor's own (PKCS#11 3.1, section 3.6).
const VENDOR: u64 = 0x8000_0000;

/// Name, value, class. What is not listed does not come from the calls that are made here.
const STANDARD: [(&str, RvError, ErrorClass); 53] = {
    use ErrorClass::*;
    [
        ("CKR_ACTION_PROHIBITED", RvError::ActionProhibited, Unsupported),
        ("CKR_ARGUMENTS_BAD", RvError::ArgumentsBad, Argument),
        ("CKR_ATTRIBUTE_READ_ONLY", RvError::AttributeReadOnly, Unsupported),
        ("CKR_ATTRIBUTE_SENSITIVE", RvError::AttributeSensitive, Unsupported),
        ("CKR_ATTRIBUTE_TYPE_INVALID", RvError::AttributeTypeInvalid, Unsupported),
        ("CKR_ATTRIBUTE_VALUE_INVALID", RvError::AttributeValueInvalid, Unsupported),
        ("CKR_CRYPTOKI_NOT_INITIALIZED", RvError::CryptokiNotInitialized, DeviceGone),
        ("CKR_CURVE_NOT_SUPPORTED", RvError::CurveNotSupported, Unsupported),
        ("CKR_DATA_INVALID", RvError::DataInvalid, Argument),
        ("CKR_DATA_LEN_RANGE", RvError::DataLenRange, Argument),
        ("CKR_DEVICE_ERROR", RvError::DeviceError, DeviceGone),
        ("CKR_DEVICE_MEMORY", RvError::DeviceMemory, Exhausted),
        ("CKR_DEVICE_REMOVED", RvError::DeviceRemoved, DeviceGone),
        ("CKR_DOMAIN_PARAMS_INVALID", RvError::DomainParamsInvalid, Unsupported),
        ("CKR_ENCRYPTED_DATA_INVALID", RvError::EncryptedDataInvalid, Argument),
        ("CKR_ENCRYPTED_DATA_LEN_RANGE", RvError::EncryptedDataLenRange, Argument),
        ("CKR_FUNCTION_FAILED", RvError::FunctionFailed, Unclear),
        ("CKR_FUNCTION_NOT_SUPPORTED", RvError::FunctionNotSupported, Unsupported),
        ("CKR_FUNCTION_REJECTED", RvError::FunctionRejected, Unsupported),
        ("CKR_GENERAL_ERROR", RvError::GeneralError, Unclear),
        ("CKR_HOST_MEMORY", RvError::HostMemory, Exhausted),
        ("CKR_KEY_FUNCTION_NOT_PERMITTED", RvError::KeyFunctionNotPermitted, Unsupported),
        ("CKR_KEY_HANDLE_INVALID", RvError::KeyHandleInvalid, HandleInvalid),
        ("CKR_KEY_INDIGESTIBLE", RvError::KeyIndigestible, Argument),
        ("CKR_KEY_SIZE_RANGE", RvError::KeySizeRange, Unsupported),
        ("CKR_KEY_TYPE_INCONSISTENT", RvError::KeyTypeInconsistent, Unsupported),
        ("CKR_LIBRARY_LOAD_FAILED", RvError::LibraryLoadFailed, DeviceGone),
        ("CKR_MECHANISM_INVALID", RvError::MechanismInvalid, Unsupported),
        ("CKR_MECHANISM_PARAM_INVALID", RvError::MechanismParamInvalid, Argument),
        ("CKR_OBJECT_HANDLE_INVALID", RvError::ObjectHandleInvalid, HandleInvalid),
        ("CKR_OPERATION_ACTIVE", RvError::OperationActive, SessionGone),
        ("CKR_OPERATION_NOT_INITIALIZED", RvError::OperationNotInitialized, SessionGone),
        ("CKR_PIN_EXPIRED", RvError::PinExpired, PinRefused),
        ("CKR_PIN_INCORRECT", RvError::PinIncorrect, PinRefused),
        ("CKR_PIN_INVALID", RvError::PinInvalid, PinRefused),
        ("CKR_PIN_LEN_RANGE", RvError::PinLenRange, PinRefused),
        ("CKR_PIN_LOCKED", RvError::PinLocked, PinRefused),
        ("CKR_PUBLIC_KEY_INVALID", RvError::PublicKeyInvalid, Argument),
        ("CKR_RANDOM_NO_RNG", RvError::RandomNoRng, DeviceGone),
        ("CKR_SESSION_CLOSED", RvError::SessionClosed, SessionGone),
        ("CKR_SESSION_COUNT", RvError::SessionCount, Exhausted),
        ("CKR_SESSION_HANDLE_INVALID", RvError::SessionHandleInvalid, SessionGone),
        ("CKR_SESSION_READ_ONLY", RvError::SessionReadOnly, SessionGone),
        ("CKR_SIGNATURE_INVALID", RvError::SignatureInvalid, Unsupported),
        ("CKR_SIGNATURE_LEN_RANGE", RvError::SignatureLenRange, Unsupported),
        ("CKR_SLOT_ID_INVALID", RvError::SlotIdInvalid, DeviceGone),
        ("CKR_TEMPLATE_INCOMPLETE", RvError::TemplateIncomplete, Unsupported),
        ("CKR_TEMPLATE_INCONSISTENT", RvError::TemplateInconsistent, Unclear),
        ("CKR_TOKEN_NOT_PRESENT", RvError::TokenNotPresent, DeviceGone),
        ("CKR_TOKEN_NOT_RECOGNIZED", RvError::TokenNotRecognized, DeviceGone),
        ("CKR_TOKEN_WRITE_PROTECTED", RvError::TokenWriteProtected, Unsupported),
        ("CKR_USER_NOT_LOGGED_IN", RvError::UserNotLoggedIn, NotLoggedIn),
        ("CKR_USER_PIN_NOT_INITIALIZED", RvError::UserPinNotInitialized, PinRefused),
    ]
};

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn a_profile_changes_the_class_of_a_value() {
        let failure = |value| Failure::Call(Error::Pkcs11(value, Function::DeriveKey));
        let overrides = BTreeMap::from([
            ("CKR_DEVICE_ERROR".to_owned(), ErrorClass::Argument),
            ("0x80000007".to_owned(), ErrorClass::SessionGone),
        ]);
        let classes = Classes::new(&overrides);
        assert_eq!(classes.judge(&failure(RvError::DeviceError)), ErrorClass::Argument);
        assert_eq!(classes.judge(&failure(RvError::DeviceRemoved)), ErrorClass::DeviceGone);
        let vendor = failure(RvError::VendorDefined(0x8000_0007));
        assert_eq!(classes.judge(&vendor), ErrorClass::SessionGone);
        assert_eq!(classes.judge(&failure(RvError::NextOtp)), ErrorClass::Unclear);
    }

    #[test]
    fn failures_name_the_call_and_the_value() {
        let failure = Failure::Call(Error::Pkcs11(RvError::KeyHandleInvalid, Function::SignInit));
        assert_eq!(failure.to_string(), "C_SignInit: CKR_KEY_HANDLE_INVALID");
        assert!(!is_return_value("CKR_OK") && !is_return_value("0x07"));
    }
}
