//! Key agreement and login (docs/key-agreement.md).

pub mod accounts;
pub mod agreement;
mod language;
pub mod login;
mod password;

use http::StatusCode;
use http::header::{CONTENT_LANGUAGE, HeaderName, HeaderValue, RETRY_AFTER};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Manners, Refusal, Surface};
use crate::clock::host_milliseconds;
use crate::device::Device;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::reply::Outbound;

/// Key agreement and login: errors are in the vendor's envelope, but for those of an agreement.
pub(crate) struct Rest;

/// The surface.
pub(crate) static SURFACE: Rest = Rest;

impl Surface for Rest {
    fn name(&self) -> &'static str {
        "key-agreement"
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/rest"]
    }

    fn refuse(&self, fault: &Fault, manners: &Manners) -> Refusal {
        let status = status(fault, manners.uri.path());
        if status == StatusCode::BAD_REQUEST && manners.uri.path() == agreement::PATH {
            return Refusal::told(status, Vec::new().into(), "application/json");
        }
        let (name, key) = names(status);
        let spoken = match manners.uri.path() {
            LOGIN => language::sentence(manners.language.as_ref(), key),
            _ => None,
        };
        let (language, message) = match spoken {
            Some((language, sentence)) => (language, sentence.into()),
            None => ("en", fault.detail()),
        };
        let body = json!({
            "status": name,
            "timestamp": host_milliseconds(),
            "errors": [{ "error_key": key, "error_message": message }],
        });
        Refusal::told(status, body.to_string().into(), "application/json")
            .with(CONTENT_LANGUAGE, HeaderValue::from_static(language))
    }

    /// `Retry-After` also has the vendor's name.
    fn dress(&self, _: &Device, _: &Manners, response: &mut Outbound) {
        let headers = response.headers_mut();
        if let Some(seconds) = headers.get(RETRY_AFTER).cloned() {
            headers.insert(VENDORS_RETRY_AFTER, seconds);
        }
    }

    /// Clients send the token that they have, also where it has ended and they ask for another.
    fn minds_needless_tokens(&self) -> bool {
        false
    }

    fn refused(&self, status: u16, _: &mut SchemaGenerator) -> Option<Schema> {
        (status != 400).then(|| {
            json_schema!({
                "type": "object",
                "required": ["status", "timestamp", "errors"],
                "properties": {
                    "status": { "type": "string" },
                    "timestamp": { "type": "integer", "description": "Milliseconds since 1970." },
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["error_key", "error_message"],
                            "properties": {
                                "error_key": { "type": "string" },
                                "error_message": { "type": "string" },
                            },
                        },
                    },
                },
            })
        })
    }
}

/// A JSON body. What is wrong with it may be a password: only the place is told.
fn body<T: DeserializeOwned>(inbound: &Inbound) -> Result<T, Fault> {
    serde_json::from_slice(inbound.json_text()?).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Fault::Invalid(format!("the body is not as it must be: {place}").into())
    })
}

/// The status of a fault. The vendor's operations know no 503; the accounts are Claviger's own.
fn status(fault: &Fault, path: &str) -> StatusCode {
    match fault.plain() {
        _ if path.starts_with(accounts::PATH) => super::status(fault),
        Fault::Busy => StatusCode::TOO_MANY_REQUESTS,
        Fault::Conflict(_) | Fault::Unlogged => StatusCode::INTERNAL_SERVER_ERROR,
        _ => super::status(fault),
    }
}

/// How the envelope calls a status, and the key of the error.
fn names(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        400 => ("BAD_REQUEST", "common.bad.request"),
        401 => ("UNAUTHORIZED", "common.unauthorized"),
        403 => ("FORBIDDEN", "common.forbidden"),
        404 => ("NOT_FOUND", "common.not.found"),
        405 => ("METHOD_NOT_ALLOWED", "common.method.not.allowed"),
        408 => ("REQUEST_TIMEOUT", "common.request.timeout"),
        413 => ("PAYLOAD_TOO_LARGE", "common.payload.too.large"),
        418 => ("I_AM_A_TEAPOT", "common.tls.required"),
        429 => ("TOO_MANY_REQUESTS", "common.api-throttle-limit.exceeded.error"),
        503 => ("SERVICE_UNAVAILABLE", "common.service.unavailable"),
        _ => ("INTERNAL_SERVER_ERROR", "common.internal.error"),
    }
}

/// Whose errors are told in the language of the client.
const LOGIN: &str = "/rest/login";
const VENDORS_RETRY_AFTER: HeaderName = HeaderName::from_static("x-rate-limit-retry-after-seconds");
