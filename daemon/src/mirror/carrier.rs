//! The thread that carries lines to the collector, from the last one that it is known to have.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use audit::{Cursor, Ext, Fed, Feed, Log, LogResult, LogType, Subject};

use crate::metrics::Mirrored;
use crate::mirror::channel::{Channel, Route};
use crate::mirror::message::Sender;

/// Owned by its thread.
pub(super) struct Carrier {
    log: Log,
    route: Route,
    /// The address, for messages and entries.
    collector: String,
    sender: Sender,
    /// Something, or the end of the other side, is the wish to stop.
    stop: Receiver<()>,
    stopping: bool,
    feed: Feed,
    /// The collector has everything before it.
    arrived: Cursor,
    figures: Arc<Mirrored>,
    away: Option<Away>,
    /// Lines that can't be sent any more, and are not entered yet.
    lost: Option<Lost>,
}

/// The collector does not take lines.
struct Away {
    since: Instant,
    /// The first line that it may lack.
    first: u64,
    pause: Duration,
}

/// Lines that the log has lost.
#[derive(Clone, Debug, Default)]
struct Lost {
    count: u64,
    /// The first of them, and the one after the last.
    first: u64,
    end: u64,
}

impl Lost {
    fn add(&mut self, range: &Range<u64>) {
        if self.count == 0 {
            self.first = range.start;
        }
        self.end = range.end;
        self.count = self.count.saturating_add(range.end.saturating_sub(range.start));
    }
}

impl Carrier {
    pub(super) fn new(
        log: Log,
        (route, collector): (Route, String),
        sender: Sender,
        stop: Receiver<()>,
        figures: Arc<Mirrored>,
    ) -> Self {
        let kept = log.cursor(NAME).unwrap_or_else(|error| {
            tracing::warn!(%error, "the log is sent to the collector from its beginning");
            None
        });
        let feed = log.feed(kept.as_ref());
        let arrived = feed.cursor();
        figures.arrived(arrived.index());
        let (stopping, away, lost) = (false, None, None);
        Self { log, route, collector, sender, stop, stopping, feed, arrived, figures, away, lost }
    }

    /// Until it shall stop. What is in the log then is carried still, if the collector takes it at
    /// once.
    pub(super) fn run(mut self) {
        loop {
            let last = self.stopping;
            let pause = match self.turn() {
                Ok(true) => {
                    self.is_back();
                    Duration::ZERO
                }
                Ok(false) => IDLE,
                Err(error) => {
                    self.feed.rewind(&self.arrived);
                    self.is_away(&error)
                }
            };
            if last {
                return;
            }
            self.wait(pause);
        }
    }

    /// Carries what there is over one connection, and what comes while it is open. Says whether
    /// there was anything.
    fn turn(&mut self) -> io::Result<bool> {
        let mut next = self.next()?;
        if next.is_none() {
            return Ok(false);
        }
        let mut channel = self.route.connect()?;
        let end = Instant::now() + TURN;
        let mut lost = self.lost.clone().unwrap_or_default();
        loop {
            match next {
                Some(fed) => self.carry(&fed, &mut channel, &mut lost)?,
                // After an outage it is soon known, and entered, that all has arrived.
                None if self.stopping || self.away.is_some() => break,
                None => {
                    channel.flush()?;
                    self.wait(IDLE);
                }
            }
            if Instant::now() >= end {
                break;
            }
            next = self.next()?;
        }
        channel.finish()?;
        self.has_arrived();
        self.lost = Some(lost).filter(|lost| lost.count > 0);
        Ok(true)
    }

    fn carry(&self, fed: &Fed, channel: &mut Channel, lost: &mut Lost) -> io::Result<()> {
        match fed {
            Fed::Leaf(leaf) => channel.send(&self.sender.message(leaf, &self.log.content(leaf))),
            Fed::Lost(range) => {
                lost.add(range);
                Ok(())
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<Fed>> {
        let unread = |error: io::Error| {
            io::Error::new(error.kind(), format!("the log can't be read: {error}"))
        };
        self.feed.advance().map_err(unread)
    }

    fn has_arrived(&mut self) {
        let cursor = self.feed.cursor();
        if let Err(error) = self.log.keep_cursor(NAME, &cursor) {
            tracing::warn!(%error, "what the collector has can't be kept: lines may be sent twice");
        }
        self.figures.arrived(cursor.index());
        self.arrived = cursor;
    }

    /// Enters the outage, if there was one. While the log can't be written it is kept.
    fn is_back(&mut self) {
        let now = self.arrived.index();
        self.figures.up(true);
        if let Some(Away { since, first, .. }) = &self.away {
            let (seconds, to) = (since.elapsed().as_secs(), &self.collector);
            let text = format!("{to} away for {seconds} s: lines {first} to {now} sent late");
            tracing::info!("{text}");
            if self.enter(LogResult::LOG_RESULT_OK, text) {
                self.away = None;
            }
        }
        if let Some(Lost { count, first, end }) = &self.lost {
            let to = &self.collector;
            let text = format!("{to} lacks {count} lines of {first} to {end}: the log lost them");
            tracing::error!("{text}");
            if self.enter(LogResult::LOG_RESULT_FAILED, text) {
                self.lost = None;
            }
        }
    }

    fn enter(&self, result: LogResult, text: String) -> bool {
        let kind = LogType::LOG_TYPE_SYSLOG_GAP;
        self.log.append(kind, result, Subject::None, Ext::Text(text)).is_ok()
    }

    /// How long to wait before the next attempt.
    fn is_away(&mut self, error: &io::Error) -> Duration {
        self.figures.up(false);
        let (first, collector) = (self.arrived.index(), &self.collector);
        match &mut self.away {
            Some(away) => {
                tracing::debug!(%error, "{collector} still takes no lines");
                away.pause = (away.pause * 2).min(LONGEST);
                away.pause
            }
            none => {
                tracing::warn!(%error, "{collector} takes no lines: they are sent when it does");
                *none = Some(Away { since: Instant::now(), first, pause: SHORTEST });
                SHORTEST
            }
        }
    }

    /// Waits, unless it shall stop.
    fn wait(&mut self, pause: Duration) {
        match self.stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => self.stopping = true,
        }
    }
}

/// Of the cursor.
const NAME: &str = "syslog";

/// How long a connection is used: so much at most is sent twice where it breaks.
const TURN: Duration = Duration::from_secs(5);

/// Between looks at the log while nothing happens.
const IDLE: Duration = Duration::from_millis(100);

/// Between attempts to reach the collector.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
