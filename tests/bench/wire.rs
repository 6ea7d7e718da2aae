//! The least HTTP/1.1 client over TLS 1.3 that can ask the same thing again and again, so that the
//! machine's time goes to the daemon.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trouble::Trouble;

/// Where the daemon listens, and whom it has to be.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) hostname: String,
    pub(crate) trust: Arc<rustls::ClientConfig>,
}

/// A connection that is kept.
pub(crate) struct Wire {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn connect(place: &Place) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(place.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(place.hostname.clone())?;
        let stream = TlsConnector::from(Arc::clone(&place.trust)).connect(name, stream).await?;
        Ok(Self { stream, received: Vec::with_capacity(ROOM) })
    }

    /// Sends `request` and reads the answer to its end. Anything but 200 and 201 is an error.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<(), Trouble> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the daemon closed the connection".into());
            }
            if let Some(length) = answer_length(&self.received)? {
                match self.received.len().cmp(&length) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => return Ok(()),
                    std::cmp::Ordering::Greater => return Err("more than an answer came".into()),
                }
            }
        }
    }
}

/// The bytes of `POST path` with a bearer token and a JSON body.
pub(crate) fn post(place: &Place, path: &str, token: &str, body: &str) -> Vec<u8> {
    post_with(place, path, &[("Authorization", &format!("Bearer {token}"))], body)
}

/// The bytes of `POST path` with these headers and a JSON body.
pub(crate) fn post_with(
    place: &Place,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<u8> {
    let headers = [headers, &[("Content-Type", "application/json")]].concat();
    request(place, &format!("POST {path}"), &headers, body)
}

/// The bytes of a request, whose method and path are `what`.
pub(crate) fn request(place: &Place, what: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (host, length) = (&place.hostname, body.len());
    format!("{what} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The bytes of `GET path`.
pub(crate) fn get(place: &Place, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", place.hostname).into_bytes()
}

/// Head and body together, once the head is there.
fn answer_length(received: &[u8]) -> Result<Option<usize>, Trouble> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(received.get(..end).unwrap_or_default())?;
    if !["HTTP/1.1 200 ", "HTTP/1.1 201 "].iter().any(|good| head.starts_with(good)) {
        let status = head.lines().next().unwrap_or_default();
        let body = String::from_utf8_lossy(received.get(end + 4..).unwrap_or_default());
        return Err(format!("the daemon answered {status:?}: {body}").into());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.ok_or("the answer has no Content-Length")?.parse()?;
    Ok(Some(end + 4 + length))
}

/// More than an answer takes.
const ROOM: usize = 8192;
