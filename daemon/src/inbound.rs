//! A request as the surfaces see it: bounded, complete, without its socket.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::fault::Fault;
use crate::hold::Hold;

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
    /// When its answer may go out.
    pub hold: Hold,
    /// The place that a large body takes.
    pub place: Option<OwnedSemaphorePermit>,
    /// Where it comes from.
    pub peer: Option<Peer>,
    /// What the row's path leaves open, by name.
    pub arguments: Vec<(String, String)>,
    /// Whether it came without TLS.
    pub plain: bool,
}

/// The address of the other side of a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The address as far as it is counted: one host of IPv6 has a /64 to itself, and IPv4 that is
    /// written as IPv6 is IPv4.
    pub fn household(self) -> IpAddr {
        match self.0 {
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => IpAddr::V4(v4),
                None => {
                    let [a, b, c, d, ..] = v6.segments();
                    IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
                }
            },
            v4 => v4,
        }
    }
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
        serde_json::from_slice(self.json_text()?).map_err(|error| {
            Fault::Invalid(format!("the body is not as it must be: {error}").into())
        })
    }

    /// The body where it is said to be JSON; whether it is was not looked at.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for another media type.
    pub fn json_text(&self) -> Result<&[u8], Fault> {
        let media_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            return Err(Fault::Invalid("the body must be sent as application/json".into()));
        }
        Ok(&self.body)
    }

    /// The parameters of the query in their order, decoded.
    pub fn query(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_64_count_as_one() {
        let household = |text: &str| Peer(text.parse().unwrap()).household();
        assert_eq!(household("2001:db8::1"), household("2001:db8::2:3"));
        assert_ne!(household("2001:db8::1"), household("2001:db8:0:1::1"));
        assert_eq!(household("::ffff:10.0.0.1"), IpAddr::from([10, 0, 0, 1]));
    }
}
