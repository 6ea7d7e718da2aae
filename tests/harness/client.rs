//! An HTTPS client that trusts the daemon's root and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use reqwest::blocking;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::daemon::{ANSWER, Daemon, Ready};

/// A client of one daemon. Cloning is shallow.
#[derive(Clone)]
pub struct Client {
    http: blocking::Client,
    base: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client that takes HTTP/2 where it is offered.
    pub fn of(daemon: &Daemon) -> Self {
        let http = builder(daemon.ready()).build().unwrap();
        Self { http, base: daemon.ready().url.clone() }
    }

    /// A client that speaks HTTP/1.1.
    pub fn http1(daemon: &Daemon) -> Self {
        let http = builder(daemon.ready()).http1_only().build().unwrap();
        Self { http, base: daemon.ready().url.clone() }
    }

    /// A client at this address of the host's own, such as 127.0.0.2.
    pub fn from(daemon: &Daemon, address: &str) -> Self {
        let address: std::net::IpAddr = address.parse().unwrap();
        let http = builder(daemon.ready()).local_address(address).build().unwrap();
        Self { http, base: daemon.ready().url.clone() }
    }

    /// A client of the plain listener.
    pub fn plain(daemon: &Daemon) -> Self {
        Self::plain_at(daemon.plain_address())
    }

    /// A client of a plain listener at this address.
    pub fn plain_at(address: SocketAddr) -> Self {
        let http = blocking::Client::builder().no_proxy().timeout(ANSWER).build().unwrap();
        Self { http, base: format!("http://{address}") }
    }

    /// A request with `token`, if any, and `body` as JSON, if any.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Reply {
        self.send(method, path, |request| {
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
    }

    /// `GET path`.
    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, Some(token), None)
    }

    /// `POST path` with a JSON body.
    pub fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.call("POST", path, Some(token), Some(body))
    }

    /// `POST path` with these bytes as `application/json`.
    pub fn post_bytes(&self, path: &str, token: Option<&str>, body: Vec<u8>) -> Reply {
        self.send("POST", path, |request| {
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            request.header(CONTENT_TYPE, "application/json").body(body)
        })
    }

    /// A request of any shape.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        shape: impl FnOnce(blocking::RequestBuilder) -> blocking::RequestBuilder,
    ) -> Reply {
        self.try_send(method, path, shape)
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// A request of any shape, which may remain without an answer.
    ///
    /// # Errors
    /// What the HTTP client says.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        shape: impl FnOnce(blocking::RequestBuilder) -> blocking::RequestBuilder,
    ) -> reqwest::Result<Reply> {
        let method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        let response = shape(request).send()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, body: response.bytes()?.to_vec() })
    }
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    /// When the status is not 200 or the body is no JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The member `name` of the JSON body, which is text.
    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name}: {self:?}")).to_owned()
    }

    /// The member `name` of the JSON body, which is base64: standard, padded.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        Base64::decode_vec(&self.text(name))
            .unwrap_or_else(|error| panic!("{name} {error}: {self:?}"))
    }

    /// The header `name`; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn builder(ready: &Ready) -> blocking::ClientBuilder {
    let pem = std::fs::read(&ready.ca_file).unwrap();
    blocking::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .no_proxy()
        .timeout(ANSWER)
        .pool_idle_timeout(Duration::from_secs(20))
}
