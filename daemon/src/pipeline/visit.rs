//! What every answer to a request has, whatever becomes of it.

use std::sync::Arc;

use http::header::{ALLOW, CONNECTION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::device::Device;
use crate::fault::{Fault, whole_seconds};
use crate::problem;
use crate::reply::{Outbound, PROBLEM_JSON, turn_away};
use crate::surface::{Manners, Surface};

/// Whose manners a request gets, and what it said that matters for any answer.
#[derive(Clone)]
pub(super) struct Visit(pub(super) Arc<(&'static dyn Surface, Manners)>);

impl Visit {
    pub(super) fn of(&self) -> (&'static dyn Surface, &Manners) {
        let (surface, manners) = &*self.0;
        (*surface, manners)
    }

    pub(super) fn refuse(&self, fault: &Fault, audit_index: Option<u64>) -> Outbound {
        let (surface, manners) = self.of();
        let mut refusal = surface.refuse(fault, manners);
        if manners.wants_problem {
            let body = problem::body(refusal.status, fault, audit_index);
            refusal.body = Some((body, PROBLEM_JSON));
        }
        let mut response = turn_away(refusal);
        let hint = hint(fault, response.status())
            .filter(|(name, _)| *name != WWW_AUTHENTICATE || surface.asks_for_tokens());
        response.headers_mut().extend(hint);
        if let Fault::Dressed(dressed) = fault {
            response.headers_mut().extend(dressed.headers.clone());
        }
        response
    }

    /// Adds the headers that every response has.
    pub(super) fn dress(&self, device: &Device, plain: bool, response: &mut Outbound) {
        if response.status() == StatusCode::IM_A_TEAPOT {
            response.extensions_mut().insert(hyper::ext::ReasonPhrase::from_static(b""));
        }
        // Over TLS only (RFC 6797, 7.2).
        if device.wants_hsts() && !plain {
            let year = HeaderValue::from_static("max-age=31536000");
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, year);
        }
        let (surface, manners) = self.of();
        surface.dress(device, manners, response);
    }
}

/// What a client has to do for another answer, in a header: to show a token, to wait, to take another
/// method, or to open another connection.
fn hint(fault: &Fault, status: StatusCode) -> Option<(HeaderName, HeaderValue)> {
    match fault.plain() {
        Fault::Busy => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
        Fault::MethodNotAllowed(allow) if status == StatusCode::METHOD_NOT_ALLOWED => {
            Some((ALLOW, allow.parse().ok()?))
        }
        Fault::Slow | Fault::TooLarge => Some((CONNECTION, HeaderValue::from_static("close"))),
        Fault::Throttled(wait) => Some((RETRY_AFTER, whole_seconds(*wait).into())),
        Fault::Unauthenticated(_) => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        _ => None,
    }
}
