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

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, HeaderValue, VARY,
};

use super::{Manners, Refusal, Surface};
use crate::device::Device;
use crate::fault::Fault;
use crate::reply::{Outbound, Reply};

/// The HEM API: errors have empty bodies, pages are let in by the configuration (hem.md A1).
pub(crate) struct Hem;

/// The surface.
pub(crate) static SURFACE: Hem = Hem;

impl Surface for Hem {
    fn name(&self) -> &'static str {
        "hem"
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/api"]
    }

    fn refuse(&self, fault: &Fault, _: &Manners) -> Refusal {
        Refusal::told(status(fault), Bytes::new(), "application/json")
    }

    fn serves_plain(&self) -> bool {
        true
    }

    fn tag(&self, path: &'static str) -> &'static str {
        path.strip_prefix("/api/").and_then(|rest| rest.split('/').next()).unwrap_or("meta")
    }

    /// Refuses a page whose `Origin` the configuration does not name (412).
    fn admit(&self, device: &Device, manners: &Manners) -> Result<(), Fault> {
        match &manners.origin {
            Some(origin) if !welcomes(device, origin) => Err(Fault::ForeignOrigin),
            _ => Ok(()),
        }
    }

    fn preflight(&self) -> Reply {
        let methods = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
        let headers = HeaderValue::from_static(
            "Content-Type, Cache-Control, Pragma, Expires, Authorization, Content-Disposition",
        );
        Reply::bare(StatusCode::NO_CONTENT)
            .with(ACCESS_CONTROL_ALLOW_METHODS, methods)
            .with(ACCESS_CONTROL_ALLOW_HEADERS, headers)
            .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"))
            .with(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"))
    }

    fn dress(&self, device: &Device, manners: &Manners, response: &mut Outbound) {
        let Some(origin) = &manners.origin else { return };
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if welcomes(device, origin) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }

    /// The device's have no such header.
    fn asks_for_tokens(&self) -> bool {
        false
    }

    fn wants_length(&self) -> bool {
        true
    }
}

fn welcomes(device: &Device, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| device.welcomes(origin))
}

/// The status for `fault` (hem.md A1).
fn status(fault: &Fault) -> StatusCode {
    match fault.plain() {
        Fault::Conflict(_) | Fault::Unlogged => StatusCode::CONFLICT,
        Fault::Failed(_) => StatusCode::NOT_ACCEPTABLE,
        Fault::ForeignOrigin => StatusCode::PRECONDITION_FAILED,
        Fault::MethodNotAllowed(_) => StatusCode::NOT_FOUND,
        Fault::Throttled(_) => StatusCode::SERVICE_UNAVAILABLE,
        other => super::status(other),
    }
}
