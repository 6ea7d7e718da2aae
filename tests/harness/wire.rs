//! Bytes on the wire, for what no well-behaved client sends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::daemon::{ANSWER, Daemon};

/// A TLS connection.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// An answer of HTTP/1.1, taken apart.
#[derive(Debug)]
pub struct Raw {
    /// The status line, without its end.
    pub status_line: String,
    /// The header lines as they were sent.
    pub headers: Vec<String>,
    /// What came after the header.
    pub body: Vec<u8>,
}

/// A TCP connection that gives up after a while.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ANSWER)).unwrap();
    stream.set_write_timeout(Some(ANSWER)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A TLS connection that offers these protocols; the handshake is done.
pub fn tls(daemon: &Daemon, protocols: &[&str]) -> io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&daemon.ready().ca_file).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(daemon.ready().hostname.clone()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = connect(daemon.address());
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Sends `request` over TLS and reads until the daemon closes. A `Connection: close` belongs into
/// the request.
pub fn over_tls(daemon: &Daemon, request: &[u8]) -> Raw {
    let mut stream = tls(daemon, &["http/1.1"]).unwrap();
    stream.write_all(request).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&answer)),
    }
    Raw::parse(&answer)
}

/// Reads until the other side closes.
///
/// # Errors
/// Such as a reset of the connection.
pub fn read_all(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

impl Raw {
    /// Takes an answer apart.
    ///
    /// # Panics
    /// When it is none.
    pub fn parse(answer: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(answer).into_owned();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("not a whole header: {:?}", text()));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n").map(str::to_owned);
        let status_line = lines.next().unwrap();
        Self { status_line, headers: lines.collect(), body: answer[end + 4..].to_vec() }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Whether it has this header line, to the letter.
    pub fn has(&self, line: &str) -> bool {
        self.headers.iter().any(|header| header == line)
    }
}
