//! The post-quantum API (docs/pqc.md): ML-KEM, ML-DSA and AES for texts, by keys of one's own, and
//! tokens for a number of calls.

pub mod aes;
pub mod ask;
pub mod fields;
pub mod hex;
pub mod kem;
pub mod signature;
pub mod token;

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::{Manners, Refusal, Surface, after_scheme};
use crate::device::Device;
use crate::fault::{Coded, Fault};
use crate::reply::Outbound;

/// The post-quantum API: errors are `{"detail": ...}`, and nothing is to be kept by caches.
pub(crate) struct Pqc;

/// The surface.
pub(crate) static SURFACE: Pqc = Pqc;

impl Surface for Pqc {
    fn name(&self) -> &'static str {
        "pqc"
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/api/kc", "/api/kem", "/api/signature", "/api/aes", "/api/token"]
    }

    fn refuse(&self, fault: &Fault, _: &Manners) -> Refusal {
        let detail = match fault.plain() {
            Fault::Invalid(_) => json!([flaw(fault)]),
            _ => json!(fault.detail()),
        };
        let body = json!({ "detail": detail }).to_string();
        Refusal::told(status(fault), body.into(), "application/json")
    }

    fn refused(&self, status: u16, _: &mut SchemaGenerator) -> Option<Schema> {
        let detail = match status {
            422 => json!({
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["loc", "msg", "type"],
                    "properties": {
                        "loc": { "type": "array", "items": { "type": "string" } },
                        "msg": { "type": "string" },
                        "type": { "type": "string" },
                    },
                },
            }),
            _ => json!({ "type": "string" }),
        };
        Some(json_schema!({
            "type": "object", "required": ["detail"], "properties": { "detail": detail },
        }))
    }

    fn dress(&self, _: &Device, _: &Manners, response: &mut Outbound) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }

    fn bearer<'a>(&self, authorization: &'a str) -> Option<&'a str> {
        after_scheme(authorization, "bearer").or_else(|| after_scheme(authorization, "auth_token"))
    }
}

/// One flaw of a request: where, what, and a word for programs.
fn flaw(fault: &Fault) -> serde_json::Value {
    let coded = fault.code().map(|Coded { code, place, .. }| (*code, place.as_ref()));
    let (code, place) = coded.unwrap_or(("value_error", "body"));
    let place: Vec<_> = place.split('/').collect();
    json!({ "loc": place, "msg": fault.detail(), "type": code })
}

fn status(fault: &Fault) -> StatusCode {
    match fault.plain() {
        Fault::Failed(_) => StatusCode::CONFLICT,
        Fault::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        other => super::status(other),
    }
}
