//! The key service (docs/key-service.md): one path, whose parameters say what is wanted.

pub mod ask;
pub mod create;
mod fields;
pub mod read;
pub mod remove;
pub mod send;
pub mod told;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{StatusCode, Uri};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{Manners, Refusal, Surface};
use crate::device::Device;
use crate::fault::Fault;
use crate::keyservice::format::answer::Answer;
use crate::keyservice::format::choice::Format;
use crate::reply::{Outbound, Reply};

/// The key service: errors are a text, in JSON or in XML, and any page may ask.
pub(crate) struct KeyService;

/// The surface.
pub(crate) static SURFACE: KeyService = KeyService;

impl Surface for KeyService {
    fn name(&self) -> &'static str {
        "key-service"
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/Service"]
    }

    fn refuse(&self, fault: &Fault, manners: &Manners) -> Refusal {
        let accept = manners.accept.as_deref();
        let format = Format::choose(in_query(&manners.uri, "format").as_deref(), accept);
        let format = format.unwrap_or_default();
        match Answer::Text(&fault.detail()).write(format) {
            Ok(body) => Refusal::told(status(fault), body.to_vec().into(), format.media_type()),
            Err(_) => Refusal::bare(status(fault)),
        }
    }

    fn refused(&self, _: u16, _: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({ "type": "string" }))
    }

    fn refused_in(&self) -> &'static [&'static str] {
        &["application/xml", "text/xml"]
    }

    fn knows_form(&self, uri: &Uri) -> bool {
        in_query(uri, "format").is_some()
    }

    fn preflight(&self) -> Reply {
        let methods = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
        let headers = HeaderValue::from_static(
            "Accept, Authorization, Content-Type, passphrase, privatekeyhash, token",
        );
        Reply::bare(StatusCode::NO_CONTENT)
            .with(ACCESS_CONTROL_ALLOW_METHODS, methods)
            .with(ACCESS_CONTROL_ALLOW_HEADERS, headers)
            .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"))
    }

    fn dress(&self, _: &Device, _: &Manners, response: &mut Outbound) {
        let exposed = "Audit-Index, Retry-After";
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (ACCESS_CONTROL_EXPOSE_HEADERS, exposed),
            (CACHE_CONTROL, "no-store"),
            (VARY, "Accept"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The parameter `name`, in any case, in a query.
fn in_query(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let found = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}

fn status(fault: &Fault) -> StatusCode {
    match fault.plain() {
        Fault::Busy | Fault::Conflict(_) | Fault::Failed(_) | Fault::Unlogged => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        other => super::status(other),
    }
}
