//! Bytes to a device and back: TCP, TLS 1.3, and HTTP/1.1 with one request a connection, as the
//! clients of the device speak it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};

use crate::reply::{Parser, Reply};

/// A listener of a device, and how to talk to it.
pub(crate) struct Wire {
    address: SocketAddr,
    host: String,
    tls: Option<Tls>,
}

struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// A connection, by TLS or not.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Wire {
    /// The listener at `https://HOST[:PORT]`, trusted where its chain ends in a certificate of the
    /// PEM file `ca`. `connect` says where HOST is, for names that nobody resolves.
    pub(crate) fn tls(url: &str, ca: &Path, connect: Option<SocketAddr>) -> Result<Self, String> {
        let (host, name, port) = split(url, "https://", 443)?;
        let mut roots = RootCertStore::empty();
        let unreadable = |error| format!("{}: {error}: expected PEM certificates", ca.display());
        for certificate in CertificateDer::pem_file_iter(ca).map_err(unreadable)? {
            let added = roots.add(certificate.map_err(unreadable)?);
            added.map_err(|error| format!("{}: {error}", ca.display()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
        let tls = Some(Tls { config: Arc::new(config), name: server });
        Ok(Self { address: resolve(&name, port, connect)?, host, tls })
    }

    /// The listener at `http://HOST[:PORT]`.
    pub(crate) fn plain(url: &str, connect: Option<SocketAddr>) -> Result<Self, String> {
        let (host, name, port) = split(url, "http://", 80)?;
        let connect = connect.map(|address| SocketAddr::new(address.ip(), port));
        Ok(Self { address: resolve(&name, port, connect)?, host, tls: None })
    }

    /// The same listener, spoken to without TLS.
    pub(crate) fn without_tls(&self) -> Self {
        Self { address: self.address, host: self.host.clone(), tls: None }
    }

    /// What belongs into `Host`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Sends `request` on a connection of its own and reads the answer to `method`.
    pub(crate) fn exchange(&self, method: &str, request: &[u8]) -> Result<Reply, String> {
        let mut stream = self.open()?;
        // A refusal may come while the body still goes out.
        let sent = stream.write_all(request).and_then(|()| stream.flush());
        let reply = read(&mut *stream, method);
        match sent {
            Err(error) if reply.is_err() => Err(format!("sending failed: {error}")),
            _ => reply,
        }
    }

    /// Sends `head`, waits for `100 Continue`, sends `body`, reads the answer.
    pub(crate) fn exchange_in_two(&self, head: &[u8], body: &[u8]) -> Result<Reply, String> {
        let mut stream = self.open()?;
        let sent = stream.write_all(head).and_then(|()| stream.flush());
        sent.map_err(|error| error.to_string())?;
        let first = read(&mut *stream, "HEAD")?;
        if first.status != 100 {
            return Ok(first);
        }
        let sent = stream.write_all(body).and_then(|()| stream.flush());
        sent.map_err(|error| error.to_string())?;
        read(&mut *stream, "POST")
    }

    /// The protocol version that a handshake settles on.
    pub(crate) fn protocol(&self) -> Result<Option<ProtocolVersion>, String> {
        let tls = self.tls.as_ref().ok_or("not a TLS listener")?;
        let mut stream = self.handshake(tls)?;
        stream.conn.complete_io(&mut stream.sock).map_err(|error| error.to_string())?;
        Ok(stream.conn.protocol_version())
    }

    /// Sends raw bytes over TCP and reads at most `limit` bytes until the other side has no more.
    pub(crate) fn raw(&self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut stream = self.dial()?;
        stream.write_all(bytes).map_err(|error| error.to_string())?;
        let mut answer = vec![0; limit];
        let mut length = 0;
        while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        answer.truncate(length);
        Ok(answer)
    }

    fn open(&self) -> Result<Box<dyn Stream>, String> {
        match &self.tls {
            Some(tls) => Ok(Box::new(self.handshake(tls)?)),
            None => Ok(Box::new(self.dial()?)),
        }
    }

    fn handshake(&self, tls: &Tls) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
        let connection = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone());
        Ok(StreamOwned::new(connection.map_err(|error| error.to_string())?, self.dial()?))
    }

    fn dial(&self) -> Result<TcpStream, String> {
        let address = self.address;
        let failed = |error| format!("{address}: {error}");
        let stream = TcpStream::connect_timeout(&address, CONNECT).map_err(failed)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
        stream.set_write_timeout(Some(ANSWER)).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(stream)
    }
}

fn read(stream: &mut dyn Stream, method: &str) -> Result<Reply, String> {
    let mut parser = Parser::of(method);
    let mut buffer = [0; 16 * 1024];
    loop {
        let end = match stream.read(&mut buffer) {
            Ok(length) => {
                parser.take(buffer.get(..length).unwrap_or_default());
                length == 0
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => true,
            Err(error) => return Err(format!("reading the answer failed: {error}")),
        };
        if let Some(reply) = parser.reply(end)? {
            return Ok(reply);
        }
    }
}

/// `HOST[:PORT]` as it stands, HOST, and the port.
fn split(url: &str, scheme: &str, port: u16) -> Result<(String, String, u16), String> {
    let wrong = || format!("{url:?} is not {scheme}HOST[:PORT]");
    let host = url.strip_prefix(scheme).ok_or_else(wrong)?.trim_end_matches('/');
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().map_err(|_| wrong())?),
        None => (host, port),
    };
    Ok((host.to_owned(), name.to_owned(), port))
}

fn resolve(name: &str, port: u16, connect: Option<SocketAddr>) -> Result<SocketAddr, String> {
    if let Some(address) = connect {
        return Ok(address);
    }
    let hint = "give its address with --connect IP:PORT";
    let mut found = (name, port)
        .to_socket_addrs()
        .map_err(|error| format!("{name} can't be resolved: {error}; {hint}"))?;
    found.next().ok_or_else(|| format!("{name} has no address; {hint}"))
}

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
