//! End-to-end key exchanges (docs/e2e.md): a native client sends a session key that is encrypted to
//! the device, a browser fetches the key to encrypt to; every success hands out the event that the
//! next payload must name.

pub mod ask;
pub mod browser;
pub mod data;
pub mod native;

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::{Manners, Refusal, Surface};
use crate::device::Device;
use crate::fault::{Coded, Fault};
use crate::reply::Outbound;

/// The API for end-to-end key exchanges: errors have a type, a code and a place, and nothing is to be
/// kept by caches.
pub(crate) struct E2e;

/// The surface.
pub(crate) static SURFACE: E2e = E2e;

impl Surface for E2e {
    fn name(&self) -> &'static str {
        "e2e"
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/v1/security", "/security"]
    }

    fn refuse(&self, fault: &Fault, _: &Manners) -> Refusal {
        let (status, kind, code) = named(fault);
        let more = match status {
            StatusCode::FORBIDDEN => "channel, country or business not supported",
            _ => "/docs",
        };
        let mut body = json!({
            "type": kind, "code": code, "details": fault.detail(), "moreInfo": more,
        });
        if let (Some(Coded { place, .. }), Some(body)) = (fault.code(), body.as_object_mut())
            && !place.is_empty()
        {
            body.insert("location".to_owned(), place.as_ref().into());
        }
        Refusal::told(status, body.to_string().into(), "application/json")
    }

    fn refused(&self, _: u16, _: &mut SchemaGenerator) -> Option<Schema> {
        let text = json!({ "type": "string" });
        Some(json_schema!({
            "type": "object",
            "required": ["type", "code"],
            "properties": {
                "type": { "enum": ["error", "warn", "invalid", "fatal"] },
                "code": text, "details": text, "location": text, "moreInfo": text,
            },
        }))
    }

    fn dress(&self, _: &Device, _: &Manners, response: &mut Outbound) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The status, type and code of a fault.
fn named(fault: &Fault) -> (StatusCode, &'static str, &'static str) {
    let code = fault.code().map_or("invalidRequest", |coded| coded.code);
    match fault.plain() {
        Fault::Busy | Fault::Conflict(_) | Fault::Internal | Fault::Unlogged => {
            (StatusCode::INTERNAL_SERVER_ERROR, "fatal", "serverUnavailable")
        }
        Fault::Invalid(_) if code == "invalidRequest" => (StatusCode::BAD_REQUEST, "invalid", code),
        Fault::Invalid(_) => (StatusCode::BAD_REQUEST, "error", code),
        Fault::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "error", "unAuthorized"),
        Fault::Denied(_) | Fault::Forbidden(_) | Fault::ForeignOrigin => {
            (StatusCode::FORBIDDEN, "invalid", "accessNotConfigured")
        }
        Fault::NotFound(_) => (StatusCode::NOT_FOUND, "error", "resourceNotFound"),
        Fault::Failed(_) => (StatusCode::UNPROCESSABLE_ENTITY, "error", "businessValidationFailed"),
        Fault::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "error", "businessValidationFailed"),
        other => (super::status(other), "invalid", "invalidRequest"),
    }
}
