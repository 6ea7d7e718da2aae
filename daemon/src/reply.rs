//! What goes back to the client.
//!
//! The outcome of an operation leaves only in exchange for the receipt of its log entry:
//!
//! ```compile_fail,E0624
//! use clavigerd::reply::{Outbound, Reply};
//! fn leak(reply: Reply) -> Outbound {
//!     reply.into_outbound()
//! }
//! ```
//!
//! ```compile_fail,E0061
//! use clavigerd::reply::{Outbound, Reply, answer};
//! fn leak(reply: Reply) -> Outbound {
//!     answer(reply)
//! }
//! ```

use audit::Receipt;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::payload::{Payload, Stored};
use crate::surface::Refusal;

/// The response that the connection sends.
pub type Outbound = Response<Payload>;

/// Sends what an operation came to; the price is the receipt of its log entry.
pub fn answer(_: Receipt, reply: Reply) -> Outbound {
    reply.into_outbound()
}

/// Turns away a request that never became an operation: nothing was done and nothing is told.
pub(crate) fn turn_away(refusal: Refusal) -> Outbound {
    let mut reply = match refusal.body {
        Some((body, media_type)) => Reply::typed(refusal.status, body, media_type),
        None => Reply::bare(refusal.status),
    };
    reply.headers.extend(refusal.headers);
    reply.into_outbound()
}

/// A status, headers and a body.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Payload,
    /// Whether it says that what was asked does not hold, which the log has as failed.
    refuted: bool,
}

impl Reply {
    /// `status` with an empty body that says `application/json`, as the device does.
    pub fn empty(status: StatusCode) -> Self {
        Self::typed(status, Bytes::new(), JSON)
    }

    /// `status` alone, without body or media type.
    pub fn bare(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new().into(), refuted: false }
    }

    /// 200 with `body` as JSON.
    pub fn json(body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::typed(StatusCode::OK, body.into(), JSON),
            Err(_) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// 200 with `body`, which holds a secret, as JSON; it is wiped when it has been sent.
    pub fn secret_json(body: &impl Serialize) -> Self {
        match wiped(body) {
            Ok(json) => Self::typed(StatusCode::OK, Bytes::from_owner(json), JSON),
            Err(_) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// 400 with a JSON text.
    pub(crate) fn bad_request(json: &'static str) -> Self {
        Self::typed(StatusCode::BAD_REQUEST, Bytes::from_static(json.as_bytes()), JSON)
    }

    /// `status` with `body` of a media type.
    pub fn typed(status: StatusCode, body: Bytes, media_type: &'static str) -> Self {
        Self::with_payload(status, body.into(), media_type)
    }

    /// 200 with a file of a media type.
    pub fn stored(file: Stored, media_type: &'static str) -> Self {
        Self::with_payload(StatusCode::OK, file.into(), media_type)
    }

    /// The same, which says that what was asked does not hold: the log has it as failed.
    pub fn refuting(self) -> Self {
        Self { refuted: true, ..self }
    }

    pub(crate) fn is_refuting(&self) -> bool {
        self.refuted
    }

    /// The same with one more header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn with_payload(status: StatusCode, body: Payload, media_type: &'static str) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Self { status, headers, body, refuted: false }
    }

    fn into_outbound(self) -> Outbound {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// `body` as JSON. The text is measured first: a buffer that grows leaves unwiped copies behind.
fn wiped(body: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body)?;
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, body)?;
    Ok(json)
}

struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(text.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const JSON: &str = "application/json";
/// RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_in_one_piece() {
        let body = serde_json::json!({ "secret": "a\"b\n".repeat(300) });
        let json = wiped(&body).unwrap();
        assert_eq!(json.capacity(), json.len());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), body);
    }
}
