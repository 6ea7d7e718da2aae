//! The listener for those who watch the daemon: metrics and health, in plain HTTP, from this host.
//! Nothing of the API is served here, and nothing of this over the API.

mod health;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::metrics::{Metrics, OPENMETRICS};
use crate::monitor::health::Doctor;
use crate::reply::Outbound;
use crate::startup::Opened;

/// Answers who watches. Cloning is shallow.
#[derive(Clone)]
pub(crate) struct Monitor(Arc<Parts>);

struct Parts {
    doctor: Doctor,
    metrics: Metrics,
    places: Arc<Semaphore>,
}

impl Monitor {
    /// Watches this run of the daemon.
    pub(crate) fn new(opened: &Opened, metrics: Metrics) -> Self {
        let doctor = Doctor {
            examiner: opened.appliance.examiner().clone(),
            log: opened.log.clone(),
            store: opened.store.clone(),
            system: opened.system.clone(),
            last: Mutex::default(),
        };
        Self(Arc::new(Parts { doctor, metrics, places: Arc::new(Semaphore::new(PLACES)) }))
    }

    /// Accepts connections until `stopping` becomes true.
    pub(crate) async fn receive(
        self,
        listener: Arc<TcpListener>,
        mut stopping: watch::Receiver<bool>,
    ) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, _)) => self.clone().welcome(stream),
                Err(error) => {
                    tracing::warn!(%error, "accept, for metrics");
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn welcome(self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let monitor = self.clone();
                async move { Ok::<_, Infallible>(monitor.answer(&request).await) }
            });
            // A connection is for one question, and has so long for it.
            let connection = http1::Builder::new()
                .keep_alive(false)
                .max_headers(64)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            let _ = timeout(IN_ALL, connection).await;
            drop(place);
        });
    }

    async fn answer(&self, request: &Request<Incoming>) -> Outbound {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                let (log, system) = (&self.0.doctor.log, &self.0.doctor.system);
                say(StatusCode::OK, OPENMETRICS, self.0.metrics.text(log, system).into())
            }
            (&Method::GET, "/health/live") => {
                say(StatusCode::OK, JSON, Bytes::from_static(b"{\"live\":true}"))
            }
            (&Method::GET, "/health/ready") => {
                let finding = self.0.doctor.find().await;
                let status = match finding.ready {
                    true => StatusCode::OK,
                    false => StatusCode::SERVICE_UNAVAILABLE,
                };
                say(status, JSON, serde_json::to_vec(&finding).unwrap_or_default().into())
            }
            _ => say(StatusCode::NOT_FOUND, JSON, Bytes::new()),
        }
    }
}

fn say(status: StatusCode, media_type: &'static str, body: Bytes) -> Outbound {
    let mut response = Outbound::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const IN_ALL: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";
/// Connections at once.
const PLACES: usize = 32;
