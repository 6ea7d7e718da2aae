//! Bodies of requests, within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::KeyService;
use crate::fault::Fault;

/// Bodies of more than [`SMALL`] bytes, of which there are so many at once. The others wait: what
/// they have sent by then is all of them that is in memory. Cloning is shallow.
#[derive(Clone)]
pub(crate) struct LargeBodies {
    places: Arc<Semaphore>,
    longest: usize,
    time: Duration,
}

/// A place of one of them, where it needs one.
pub(crate) type LargePlace = Option<OwnedSemaphorePermit>;

impl LargeBodies {
    pub(crate) fn new(config: &KeyService) -> Self {
        let places = Arc::new(Semaphore::new(config.bodies));
        Self { places, longest: config.body_bytes, time: config.body() }
    }

    pub(super) fn bounds(&self) -> Bounds {
        let places = Some(Arc::clone(&self.places));
        Bounds { limit: self.longest, time: self.time, places }
    }

    /// A place for an answer that is as large.
    ///
    /// # Errors
    /// [`Fault::Busy`] where none gets free in time.
    pub(crate) async fn place(&self) -> Result<LargePlace, Fault> {
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.time, place).await {
            Ok(Ok(place)) => Ok(Some(place)),
            Ok(Err(_)) | Err(_) => Err(Fault::Busy),
        }
    }
}

/// What a body may be.
pub(super) struct Bounds {
    limit: usize,
    time: Duration,
    places: Option<Arc<Semaphore>>,
}

impl Bounds {
    pub(super) fn new(limit: usize, time: Duration) -> Self {
        Self { limit, time, places: None }
    }
}

/// The body, read to its end within bounds even where it is too long, so that the client gets to see
/// the answer; with the place that it takes where it is large.
pub(super) async fn receive(body: Incoming, bounds: &Bounds) -> Result<(Bytes, LargePlace), Fault> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    match tokio::time::timeout(bounds.time, collect(body, bounds)).await {
        Ok(received) => received,
        Err(_) => Err(Fault::Slow),
    }
}

async fn collect(mut body: Incoming, bounds: &Bounds) -> Result<(Bytes, LargePlace), Fault> {
    let mut received = BytesMut::new();
    let (mut length, mut place) = (0usize, None);
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let bearable = bounds.limit.max(DRAINED);
    if declared > bearable {
        return Err(Fault::TooLarge);
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault::Invalid("the body broke off".into()))?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length > bearable {
            return Err(Fault::TooLarge);
        }
        if declared.max(length) > bounds.limit {
            // Nothing of it is needed any more, its place neither.
            (received, place) = (BytesMut::new(), None);
            continue;
        }
        if let (true, None, Some(places)) = (length > SMALL, &place, &bounds.places) {
            let free = Arc::clone(places).acquire_owned().await;
            place = Some(free.map_err(|_| Fault::Internal)?);
            received.reserve(declared.saturating_sub(received.len()));
        }
        received.extend_from_slice(&data);
    }
    if length > bounds.limit { Err(Fault::TooLarge) } else { Ok((received.freeze(), place)) }
}

/// How much of a body that is too long is read before the answer.
const DRAINED: usize = 64 << 20;
/// Bodies up to so many bytes need no place.
const SMALL: usize = 64 << 10;
