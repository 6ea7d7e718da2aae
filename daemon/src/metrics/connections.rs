//! Connections: how many there are, and why those that are not any more were ended by us.

use std::sync::Arc;

use crate::listen::Entrance;
use crate::metrics::figure::Counter;
use crate::metrics::page::{Kind, Page};

/// The tallies of all connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    accepted: Counter,
    ended: Counter,
    /// By [`Turned`].
    refused: [Counter; 2],
    /// By [`Cut`].
    cut: [Counter; 4],
    /// 418, by the listener they came to.
    plain: [Counter; 2],
}

/// Why a connection was closed as soon as it was accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turned {
    /// Too many from its address.
    Address,
    /// Too many in all.
    Full,
}

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// It spoke neither TLS nor HTTP, or nothing.
    Garbage,
    /// No handshake, or none in time.
    Handshake,
    /// The head of a request took longer than `header_ms`.
    Header,
    /// Nothing happened for `idle_ms`.
    Idle,
}

/// A connection that counts as open until this is dropped.
pub(crate) struct Inside(Arc<Connections>);

impl Connections {
    pub(crate) fn enter(self: &Arc<Self>) -> Inside {
        self.accepted.increase();
        Inside(Arc::clone(self))
    }

    pub(crate) fn refuse(&self, why: Turned) {
        let [address, full] = &self.refused;
        match why {
            Turned::Address => address.increase(),
            Turned::Full => full.increase(),
        }
    }

    pub(crate) fn cut(&self, why: Cut) {
        let [garbage, handshake, header, idle] = &self.cut;
        match why {
            Cut::Garbage => garbage.increase(),
            Cut::Handshake => handshake.increase(),
            Cut::Header => header.increase(),
            Cut::Idle => idle.increase(),
        }
    }

    /// A plain request got its 418 before any routing.
    pub(crate) fn pour(&self, entrance: Entrance) {
        let [plain, tls] = &self.plain;
        match entrance {
            Entrance::Plain => plain.increase(),
            Entrance::Tls => tls.increase(),
        }
    }

    /// `routed` is how many plain requests were refused after routing.
    pub(crate) fn show(&self, page: &mut Page, routed: u64) {
        let (accepted, ended) = (self.accepted.get(), self.ended.get());
        page.family("claviger_connections", Kind::Counter, "Connections that were let in.");
        page.total(&[], accepted);
        page.family("claviger_connections_open", Kind::Gauge, "Connections that are open.");
        page.gauge(&[], accepted.saturating_sub(ended));
        page.family(
            "claviger_connections_refused",
            Kind::Counter,
            "Connections closed at once: too many in all, or from one address.",
        );
        for (reason, counter) in ["address", "full"].iter().zip(&self.refused) {
            page.total(&[("reason", reason)], counter.get());
        }
        page.family(
            "claviger_connections_cut",
            Kind::Counter,
            "Connections closed for what came, or for how long nothing came.",
        );
        let reasons = ["garbage", "handshake", "header", "idle"];
        for (reason, counter) in reasons.iter().zip(&self.cut) {
            page.total(&[("reason", reason)], counter.get());
        }
        page.family(
            "claviger_plain_requests_refused",
            Kind::Counter,
            "Requests over plain HTTP, answered 418; not in the log.",
        );
        let [plain, tls] = &self.plain;
        page.total(&[("listener", "plain")], plain.get().saturating_add(routed));
        page.total(&[("listener", "tls")], tls.get());
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.ended.increase();
    }
}
