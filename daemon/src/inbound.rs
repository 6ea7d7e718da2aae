//! A request as the surfaces see it: bounded, complete, without its socket.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// A request whose body has arrived.
pub struct Inbound {
    /// The method.
    pub method: Method,
    /// The path and the query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most as long as its row allows.
    pub body: Bytes,
    /// What the row's path leaves open, by name.
    pub arguments: Vec<(String, String)>,
    /// Whether it came without TLS.
    pub plain: bool,
}

impl Inbound {
    /// The part of the path that the row calls `name`; empty where there is none.
    pub fn argument(&self, name: &str) -> &str {
        let found = self.arguments.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON. A body of another media type is refused (hem.md A15, 27).
    ///
    /// # Errors
    /// [`Fault::Invalid`] says which member is wrong.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let media_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            return Err(Fault::Invalid("the body must be sent as application/json".into()));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::Invalid(format!("the body is not as it must be: {error}").into())
        })
    }

    /// The host that the client thinks it talks to, without its port.
    pub fn host(&self) -> Option<&str> {
        let header = self.headers.get(HOST).and_then(|value| value.to_str().ok());
        let host = header.or_else(|| self.uri.authority().map(|authority| authority.as_str()))?;
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(name),
            _ => Some(host),
        }
    }
}
