//! One connection, from its first byte to its last answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::inbound::Peer;
use crate::listen::pace::{Pace, Paced, Protocol};
use crate::listen::sniff::{Tongue, listen_to};
use crate::listen::{Entrance, Reception, teapot};
use crate::metrics::Cut;

/// Serves a connection until it ends.
pub(super) async fn serve(reception: Reception, stream: TcpStream, entrance: Entrance) {
    let Ok(tongue) = listen_to(&stream, reception.limits.handshake()).await else { return };
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip().to_canonical()));
    match (tongue, entrance) {
        (Tongue::Tls, Entrance::Tls) => shake_hands(reception, stream, peer).await,
        (Tongue::PlainHttp, Entrance::Plain) if reception.pipeline.serves_plain() => {
            http1(reception, stream, (true, peer)).await;
        }
        (Tongue::PlainHttp, _) => {
            reception.connections.pour(entrance);
            teapot::pour(stream).await;
        }
        (Tongue::Garbage, _) | (Tongue::Tls, Entrance::Plain) => {
            reception.connections.cut(Cut::Garbage);
        }
    }
}

async fn shake_hands(reception: Reception, stream: TcpStream, peer: Option<Peer>) {
    let shaking = reception.acceptor().accept(stream);
    match timeout(reception.limits.handshake(), shaking).await {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            match session.alpn_protocol() {
                Some(b"h2") => http2(reception, stream, peer).await,
                _ => http1(reception, stream, (false, peer)).await,
            }
            return;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
    reception.connections.cut(Cut::Handshake);
}

async fn http1<S>(reception: Reception, stream: S, (plain, peer): (bool, Option<Peer>))
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pace = Pace::new(&reception.limits, Protocol::Http1);
    let (pipeline, clock) = (reception.pipeline.clone(), pace.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (pipeline, under_way) = (pipeline.clone(), clock.begin());
        async move {
            let response = pipeline.serve(request, plain, peer).await;
            drop(under_way);
            Ok::<_, Infallible>(response)
        }
    });
    // hyper's own limit for heads starts with the connection and with each answer, so it would
    // bound idle connections as well; the pace tells the two apart.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .title_case_headers(true)
        .max_headers(64)
        .max_buf_size(32 << 10)
        .serve_connection(TokioIo::new(Paced::new(stream, pace.clone())), service);
    attend(reception, connection, &pace, |it| it.graceful_shutdown()).await;
}

async fn http2<S>(reception: Reception, stream: S, peer: Option<Peer>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pace = Pace::new(&reception.limits, Protocol::Http2);
    let idle = reception.limits.idle();
    let (pipeline, clock) = (reception.pipeline.clone(), pace.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (pipeline, under_way) = (pipeline.clone(), clock.begin());
        async move {
            let response = pipeline.serve(request, false, peer).await;
            drop(under_way);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(idle)
        .keep_alive_timeout(idle)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(UNSENT)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(128)
        .serve_connection(TokioIo::new(Paced::new(stream, pace.clone())), service);
    attend(reception, connection, &pace, |it| it.graceful_shutdown()).await;
}

/// Lets a connection go on until it ends by itself, passes a limit, or has answered what it was
/// asked before the daemon stopped.
async fn attend<C: Future>(
    reception: Reception,
    connection: C,
    pace: &Pace,
    wind_up: impl Fn(Pin<&mut C>),
) {
    let mut stopping = reception.stopping.clone();
    tokio::pin!(connection);
    let expired = pace.expired();
    tokio::pin!(expired);
    let mut is_stopping = false;
    let cut = loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            cut = expired.as_mut() => break cut,
            _ = stopping.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                wind_up(connection.as_mut());
            }
        }
    };
    reception.connections.cut(cut);
    if cut == Cut::Idle {
        // Nothing is under way, so it closes in order, and at once if the other side listens.
        wind_up(connection.as_mut());
        let _ = timeout(FAREWELL, connection).await;
    }
}

// What a connection of HTTP/2 may have in memory is what follows, about 400 KiB in all.

/// Requests at once.
const STREAMS: u32 = 16;
/// A head, in bytes as HTTP/2 counts them: a bearer token of some KiB fits.
const HEAD: u32 = 8 << 10;
/// Bytes of a body that have come and are not read yet: enough for 24 MiB within a minute from afar.
const STREAM_WINDOW: u32 = 128 << 10;
/// The same of all bodies together.
const CONNECTION_WINDOW: u32 = 256 << 10;
/// Bytes of an answer that the client does not take.
const UNSENT: usize = 128 << 10;

/// For the last bytes of a connection that had nothing more to say.
const FAREWELL: Duration = Duration::from_secs(1);
