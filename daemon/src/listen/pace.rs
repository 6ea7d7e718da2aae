//! How long a connection may wait: between requests, and from the first byte of a head to its end.
//!
//! Nothing is set or reset while requests come and go, but a few numbers are stored; whoever waits
//! in [`Pace::expired`] wakes up now and then to look at them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use crate::config::Limits;
use crate::metrics::Cut;

/// What happens on a connection, seen by its clock.
#[derive(Debug)]
pub(super) struct Pace {
    opened: Instant,
    header: Duration,
    idle: Duration,
    protocol: Protocol,
    /// Requests whose head is complete and whose answer is not.
    under_way: AtomicU64,
    /// Whether a part of a head has come.
    in_head: AtomicBool,
    /// Microseconds after the opening: when the current wait began.
    since: AtomicU64,
}

/// What the bytes mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    /// A byte that comes while no request is under way is one of a head.
    Http1,
    /// Bytes may be of anything: only a complete head counts.
    Http2,
}

/// A request that is under way until this is dropped.
pub(super) struct UnderWay(Arc<Pace>);

/// A stream whose bytes its clock sees.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl Pace {
    pub(super) fn new(limits: &Limits, protocol: Protocol) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            header: limits.header(),
            idle: limits.idle(),
            protocol,
            under_way: AtomicU64::new(0),
            in_head: AtomicBool::new(false),
            since: AtomicU64::new(0),
        })
    }

    /// A head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.in_head.store(false, Ordering::Release);
        UnderWay(Arc::clone(self))
    }

    /// Returns when a limit is passed, and says which.
    pub(super) async fn expired(&self) -> Cut {
        // No wait that begins later can end before this.
        let shortest = self.header.min(self.idle);
        loop {
            let now = Instant::now();
            let wake = match self.deadline() {
                Some((deadline, cut)) if deadline <= now => return cut,
                Some((deadline, _)) => deadline.min(now + shortest),
                None => now + shortest,
            };
            sleep_until(wake).await;
        }
    }

    /// When the current wait is over; `None` while a request is under way.
    fn deadline(&self) -> Option<(Instant, Cut)> {
        if self.is_busy() {
            return None;
        }
        let since = self.opened + Duration::from_micros(self.since.load(Ordering::Acquire));
        Some(match self.in_head.load(Ordering::Acquire) {
            true => (since + self.header, Cut::Header),
            false => (since + self.idle, Cut::Idle),
        })
    }

    fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    fn has_read(&self) {
        if self.protocol == Protocol::Http1
            && !self.is_busy()
            && !self.in_head.load(Ordering::Acquire)
        {
            self.start_waiting();
            self.in_head.store(true, Ordering::Release);
        }
    }

    /// An answer that still goes out is no idleness; what keeps a connection of HTTP/2 alive is.
    fn has_written(&self, count: usize) {
        let counts = count > 0 && (self.protocol == Protocol::Http1 || count > CONTROL);
        if counts && !self.is_busy() && !self.in_head.load(Ordering::Acquire) {
            self.start_waiting();
        }
    }

    fn start_waiting(&self) {
        let since = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Release);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.start_waiting();
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }

    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &outcome {
            self.pace.has_written(*count);
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if outcome.is_ready() && buffer.filled().len() > before {
            self.pace.has_read();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Longer than a few frames of HTTP/2 that answer a ping or move a window.
const CONTROL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    fn pace(protocol: Protocol) -> Arc<Pace> {
        let limits = Limits { header_ms: 1_000, idle_ms: 5_000, ..Limits::default() };
        Pace::new(&limits, protocol)
    }

    /// What ends `pace` and after how many milliseconds from now.
    async fn end(pace: &Pace) -> (Cut, u128) {
        let now = Instant::now();
        let cut = pace.expired().await;
        (cut, now.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_has_the_time_of_a_head() {
        let pace = pace(Protocol::Http1);
        sleep(Duration::from_millis(4_000)).await;
        pace.has_read();
        let dripping = async {
            loop {
                sleep(Duration::from_millis(100)).await;
                pace.has_read();
            }
        };
        let ended = tokio::select! { ended = end(&pace) => ended, () = dripping => unreachable!() };
        assert_eq!(ended, (Cut::Header, 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn idleness_begins_with_the_end_of_the_last_answer() {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let pace = pace(protocol);
            let request = pace.begin();
            let watch = tokio::spawn({
                let pace = Arc::clone(&pace);
                async move { end(&pace).await }
            });
            sleep(Duration::from_millis(60_000)).await;
            drop(request);
            sleep(Duration::from_millis(3_000)).await;
            // A large answer that goes out slowly.
            pace.has_written(1_000);
            assert_eq!(watch.await.unwrap(), (Cut::Idle, 68_000), "{protocol:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn over_http2_neither_pings_nor_parts_of_heads_put_off_the_end() {
        let pace = pace(Protocol::Http2);
        let pinging = async {
            loop {
                sleep(Duration::from_millis(100)).await;
                pace.has_read();
                pace.has_written(17);
            }
        };
        let ended = tokio::select! { ended = end(&pace) => ended, () = pinging => unreachable!() };
        assert_eq!(ended, (Cut::Idle, 5_000));
    }
}
