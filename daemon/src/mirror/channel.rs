//! One connection to a collector: messages go in, and at its end the collector has shown that it
//! took them.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::config::Place;

/// Where connections lead.
#[derive(Clone, Debug)]
pub(super) enum Route {
    Unix(std::path::PathBuf),
    Tcp(Place),
    Tls(Place, ServerName<'static>, Arc<ClientConfig>),
}

/// An open connection.
pub(super) enum Channel {
    Unix(UnixDatagram),
    Tcp(BufWriter<TcpStream>),
    Tls(Box<BufWriter<StreamOwned<ClientConnection, TcpStream>>>),
}

impl Route {
    /// Blocks for some seconds at most, a slow name service apart.
    pub(super) fn connect(&self) -> io::Result<Channel> {
        match self {
            Self::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Channel::Unix(socket))
            }
            Self::Tcp(place) => Ok(Channel::Tcp(buffered(reach(place)?))),
            Self::Tls(place, name, config) => {
                let session = ClientConnection::new(Arc::clone(config), name.clone());
                let session = session.map_err(io::Error::other)?;
                let mut stream = StreamOwned::new(session, reach(place)?);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                Ok(Channel::Tls(Box::new(buffered(stream))))
            }
        }
    }
}

impl Channel {
    /// Sends a message: a datagram, or a frame with its length before it.
    pub(super) fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.send(message.as_bytes()).map(|_| ()),
            Self::Tcp(stream) => frame(stream, message),
            Self::Tls(stream) => frame(stream, message),
        }
    }

    /// Sends what is buffered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(_) => Ok(()),
            Self::Tcp(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }

    /// Ends the connection, and shows that the collector has read all of it: neither protocol has
    /// an acknowledgement, but a collector that reads to the end and then closes makes an end in
    /// good order, and one that ends with something unread makes a reset. A datagram was taken when
    /// it was sent.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Unix(_) => Ok(()),
            Self::Tcp(stream) => ended(stream.into_inner()?),
            Self::Tls(stream) => {
                let mut stream = stream.into_inner()?;
                stream.conn.send_close_notify();
                while stream.conn.wants_write() {
                    stream.conn.write_tls(&mut stream.sock)?;
                }
                stream.sock.shutdown(Shutdown::Write)?;
                stream.sock.set_read_timeout(Some(END))?;
                // An alert, such as one about our certificate, is an error here.
                match drain(&mut stream) {
                    Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
                    _ => ended(stream.sock),
                }
            }
        }
    }
}

fn reach(place: &Place) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (place.host.as_str(), place.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(END))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn buffered<W: Write>(stream: W) -> BufWriter<W> {
    BufWriter::with_capacity(BUFFER, stream)
}

fn frame(stream: &mut impl Write, message: &str) -> io::Result<()> {
    write!(stream, "{} ", message.len())?;
    stream.write_all(message.as_bytes())
}

/// Closes our side, reads to the end of theirs, and waits until they have acknowledged all that was
/// sent: only then has this socket no peer any more. An end that came before our last lines did
/// makes a reset in their place.
fn ended(mut stream: TcpStream) -> io::Result<()> {
    // Done already after TLS.
    let _ = stream.shutdown(Shutdown::Write);
    stream.set_read_timeout(Some(END)).or_else(unconnected)?;
    drain(&mut stream).or_else(unconnected)?;
    let deadline = Instant::now() + PATIENCE;
    while stream.peer_addr().is_ok() {
        if Instant::now() >= deadline {
            return Err(ErrorKind::TimedOut.into());
        }
        sleep(STEP);
    }
    stream.take_error()?.map_or(Ok(()), Err)
}

fn unconnected(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotConnected { Ok(()) } else { Err(error) }
}

fn drain(stream: &mut impl Read) -> io::Result<()> {
    let mut waste = [0; 1024];
    loop {
        match stream.read(&mut waste) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::new(ErrorKind::TimedOut, UNCLOSED));
            }
            Err(error) => return Err(error),
        }
    }
}

const UNCLOSED: &str = "the collector does not close a connection that was closed from here";

/// For a connection to come up, and for a datagram to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// For the collector to read what it was sent.
const END: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(1);
const BUFFER: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Sends messages to a collector that does `deed` to its connection, after `before`.
    fn sent_to(deed: fn(TcpStream), before: fn()) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = thread::spawn(move || deed(listener.accept().unwrap().0));
        let mut channel = Route::Tcp(Place { host: "127.0.0.1".to_owned(), port }).connect()?;
        before();
        channel.send("one")?;
        channel.send("number two")?;
        let finished = channel.finish();
        peer.join().unwrap();
        finished
    }

    fn pause() {
        sleep(Duration::from_millis(50));
    }

    #[test]
    fn whoever_reads_to_the_end_has_all_of_it() {
        let reads = |mut stream: TcpStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text, "3 one10 number two");
        };
        sent_to(reads, || ()).unwrap();
    }

    #[test]
    fn whoever_leaves_before_has_not() {
        let half = |mut stream: TcpStream| {
            stream.read_exact(&mut [0; 4]).unwrap();
            pause();
        };
        assert!(sent_to(half, || ()).is_err());
        assert!(sent_to(drop, pause).is_err(), "closed before anything was sent");
        let late = |stream: TcpStream| {
            pause();
            drop(stream);
        };
        assert!(sent_to(late, || ()).is_err(), "closed with all unread");
    }
}
