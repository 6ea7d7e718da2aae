//! `[listen.limits]`: bounds on connections and patience.

use std::time::Duration;

use serde::Deserialize;

/// `[listen.limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time to send a request's body, in milliseconds.
    pub body_ms: u64,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Time that requests under way get to finish when the daemon stops, in milliseconds.
    pub drain_ms: u64,
    /// Time for the first byte and the TLS handshake, in milliseconds.
    pub handshake_ms: u64,
    /// Time from the first byte of a request's head (HTTP/1.1) to its end, in milliseconds.
    pub header_ms: u64,
    /// Time for which nothing may happen on a connection without a request under way, in
    /// milliseconds. With HTTP/2 a request begins when its head is complete.
    pub idle_ms: u64,
    /// Refusals with an entry in the log that one address without a token may have at once.
    pub refusals: u32,
    /// How many of them are forgiven in a minute.
    pub refusals_per_minute: u32,
    /// Requests with a body at once, from their head to their answer.
    pub requests: usize,
    /// The same from one address.
    pub requests_per_address: usize,
}

impl Limits {
    /// `body_ms`
    pub fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    /// `drain_ms`
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    /// `handshake_ms`
    pub fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    /// `header_ms`
    pub fn header(&self) -> Duration {
        Duration::from_millis(self.header_ms)
    }

    /// `idle_ms`
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_ms: 10_000,
            connections: 4096,
            connections_per_address: 512,
            drain_ms: 10_000,
            handshake_ms: 5_000,
            header_ms: 10_000,
            idle_ms: 30_000,
            refusals: 20_000,
            refusals_per_minute: 60,
            requests: 2048,
            requests_per_address: 512,
        }
    }
}
