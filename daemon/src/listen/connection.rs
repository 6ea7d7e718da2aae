//! One connection, from its first byte to its last answer.

use std::convert::Infallible;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::listen::sniff::{Tongue, listen_to};
use crate::listen::{Entrance, Reception, teapot};

/// Serves a connection until it ends.
pub(super) async fn serve(reception: Reception, stream: TcpStream, entrance: Entrance) {
    let Ok(tongue) = listen_to(&stream, reception.limits.handshake()).await else { return };
    match (tongue, entrance) {
        (Tongue::Tls, Entrance::Tls) => shake_hands(reception, stream).await,
        (Tongue::PlainHttp, Entrance::Plain) if reception.pipeline.serves_plain() => {
            http1(reception, stream, true).await;
        }
        (Tongue::PlainHttp, _) => teapot::pour(stream).await,
        (Tongue::Garbage, _) | (Tongue::Tls, Entrance::Plain) => {}
    }
}

async fn shake_hands(reception: Reception, stream: TcpStream) {
    let shaking = reception.acceptor().accept(stream);
    match timeout(reception.limits.handshake(), shaking).await {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            match session.alpn_protocol() {
                Some(b"h2") => http2(reception, stream).await,
                _ => http1(reception, stream, false).await,
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn http1<S>(reception: Reception, stream: S, plain: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stopping = reception.stopping.clone();
    let idle = reception.limits.idle();
    let pipeline = reception.pipeline;
    let service = service_fn(move |request: Request<Incoming>| {
        let pipeline = pipeline.clone();
        async move { Ok::<_, Infallible>(pipeline.serve(request, plain).await) }
    });
    // hyper starts this clock after each answer, so it bounds idle connections and slow headers.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .title_case_headers(true)
        .max_headers(64)
        .max_buf_size(32 << 10)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn http2<S>(reception: Reception, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stopping = reception.stopping.clone();
    let idle = reception.limits.idle();
    let pipeline = reception.pipeline;
    let service = service_fn(move |request: Request<Incoming>| {
        let pipeline = pipeline.clone();
        async move { Ok::<_, Infallible>(pipeline.serve(request, false).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(idle)
        .keep_alive_timeout(idle)
        .max_concurrent_streams(64)
        .max_header_list_size(16 << 10)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(128)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
