//! The HEM API (hem.md): statuses, cross-origin rules, and the handlers by subject.

pub mod attestation;
pub mod auth;
pub mod body;
pub mod checkin;
pub mod cipher;
pub mod crypto;
pub mod derive;
pub mod envelope;
pub mod exdsa;
pub mod ext;
pub mod granted;
pub mod hmac;
pub mod init;
pub mod keymgmt;
pub mod logger;
pub mod power;
pub mod pqc;
pub mod selftest;
pub mod settings;
pub mod system;
pub mod with_key;
pub mod wrap;

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN,
    STRICT_TRANSPORT_SECURITY, VARY,
};

use crate::device::Device;
use crate::fault::Fault;
use crate::reply::{Outbound, Reply};

/// The status for `fault` (hem.md A1).
pub(crate) fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Conflict(_) | Fault::Unlogged => StatusCode::CONFLICT,
        Fault::Denied(_) | Fault::Forbidden(_) => StatusCode::FORBIDDEN,
        Fault::Failed(_) => StatusCode::NOT_ACCEPTABLE,
        Fault::ForeignOrigin => StatusCode::PRECONDITION_FAILED,
        Fault::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Fault::Invalid(_) => StatusCode::BAD_REQUEST,
        Fault::LengthRequired => StatusCode::LENGTH_REQUIRED,
        Fault::NotFound(_) => StatusCode::NOT_FOUND,
        Fault::Plain => StatusCode::IM_A_TEAPOT,
        Fault::Slow => StatusCode::REQUEST_TIMEOUT,
        Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
    }
}

/// Refuses a page whose `Origin` the configuration does not name (412).
///
/// # Errors
/// [`Fault::ForeignOrigin`].
pub(crate) fn admit(device: &Device, headers: &HeaderMap) -> Result<(), Fault> {
    match headers.get(ORIGIN) {
        None => Ok(()),
        Some(origin) => match origin.to_str() {
            Ok(origin) if device.welcomes(origin) => Ok(()),
            _ => Err(Fault::ForeignOrigin),
        },
    }
}

/// What `OPTIONS` gets, whatever the path.
pub(crate) fn preflight() -> Reply {
    Reply::bare(StatusCode::NO_CONTENT)
        .with(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"))
        .with(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Content-Type, Cache-Control, Pragma, Expires, Authorization, Content-Disposition",
            ),
        )
        .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"))
        .with(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"))
}

/// Adds the headers that every response of this API has.
pub(crate) fn dress(device: &Device, origin: Option<HeaderValue>, response: &mut Outbound) {
    if response.status() == StatusCode::IM_A_TEAPOT {
        response.extensions_mut().insert(hyper::ext::ReasonPhrase::from_static(b""));
    }
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if origin.to_str().is_ok_and(|origin| device.welcomes(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
    if device.wants_hsts() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
