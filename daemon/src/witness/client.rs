//! One request to a witness (C2SP tlog-witness), over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::{Place, Prefix};

/// How a witness is reached.
#[derive(Clone)]
pub(super) struct Client {
    url: Prefix,
    tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

/// What a witness says to a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// Signature lines.
    Cosigned(String),
    /// It has seen the log at another size than the request said.
    Knows(u64),
    /// Something else: the status, and the start of what it says.
    Refused(StatusCode, String),
}

impl Client {
    /// `tls` where the address is one of TLS.
    pub(super) fn new(url: Prefix, tls: Option<(ServerName<'static>, Arc<ClientConfig>)>) -> Self {
        Self { url, tls }
    }

    /// Sends the body of an `add-checkpoint` request.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn ask(&self, body: String) -> Result<Answer, String> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(body)).await;
        answer.map_err(|_| "it takes too long".to_owned())?
    }

    async fn exchange(&self, body: String) -> Result<Answer, String> {
        let Place { host, port } = self.url.place();
        let stream = TcpStream::connect((host, port)).await.map_err(told)?;
        match &self.tls {
            None => self.speak(stream, body).await,
            Some((name, config)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await.map_err(told)?;
                self.speak(stream, body).await
            }
        }
    }

    async fn speak<S>(&self, stream: S, body: String) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
        let connection = tokio::spawn(connection);
        let request = self.request(body)?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(told)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.map_err(told)?;
            Ok(read(head.status, &body.to_bytes()))
        };
        let answer = answer.await;
        connection.abort();
        answer
    }

    fn request(&self, body: String) -> Result<Request<Full<Bytes>>, String> {
        let url = &self.url.0;
        let authority = url.authority().map_or("", |authority| authority.as_str());
        Request::builder()
            .method(Method::POST)
            .uri(format!("{}/add-checkpoint", url.path().trim_end_matches('/')))
            .header(HOST, authority)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(told)
    }
}

fn read(status: StatusCode, body: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(body).into_owned();
    let size = text.strip_suffix('\n').and_then(|size| size.parse().ok());
    match (status, size) {
        (StatusCode::OK, _) => Answer::Cosigned(text),
        (StatusCode::CONFLICT, Some(size)) => Answer::Knows(size),
        _ => Answer::Refused(status, text.trim().escape_debug().take(200).collect()),
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of an answer, in bytes: some lines.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(read(StatusCode::OK, b"x\n"), Answer::Cosigned("x\n".to_owned()));
        assert_eq!(read(StatusCode::CONFLICT, b"17\n"), Answer::Knows(17));
        for other in [&b"17"[..], b"-1\n", b"\n", b"x"] {
            assert!(matches!(read(StatusCode::CONFLICT, other), Answer::Refused(..)));
        }
        let refused = Answer::Refused(StatusCode::NOT_FOUND, "a\\nb".to_owned());
        assert_eq!(read(StatusCode::NOT_FOUND, b"a\nb\n"), refused);
    }
}
