//! The device that is killed: its folder, its runs, and tokens for each run.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::{Daemon, Home, USER};
use tests::login::bearer;

use crate::ledger::{Deed, Ledger};

/// A device with a few keys that stay.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) client: Client,
    pub(crate) home: Home,
    pub(crate) anchors: Vec<Anchor>,
    /// By scope; they die with the daemon.
    tokens: BTreeMap<String, String>,
}

/// A key that stays, and what it has to answer for ever.
#[derive(Clone)]
pub(crate) struct Anchor {
    pub(crate) kid: String,
    pub(crate) secret: Vec<u8>,
}

impl Site {
    /// A fresh one.
    pub(crate) fn build(ledger: &Ledger) -> Self {
        let home = Home::new();
        let daemon = home.start();
        let client = Client::of(&daemon);
        let mut site = Self { daemon, client, home, anchors: Vec::new(), tokens: BTreeMap::new() };
        site.log_in();
        for number in 0..ANCHORS {
            let body = json!({"label": format!("anchor {number}"), "type": "SECP256R1"});
            let kid =
                site.client.post("/api/keymgmt/create", site.token(CREATE), &body).text("kid");
            ledger.acknowledge_creation(&kid);
            site.anchors.push(Anchor { kid, secret: Vec::new() });
        }
        site.log_in();
        for at in 0..ANCHORS {
            let kid = site.anchors[at].kid.clone();
            ledger.ask(Deed::Agree, &kid);
            let (token, body) = (site.token(&usage(&kid)), agreement(&kid));
            let reply = site.client.post("/api/crypto/ecdh", token, &body);
            site.anchors[at].secret = reply.bytes("ecdh");
            ledger.acknowledge(Deed::Agree, &kid);
        }
        site
    }

    /// The token for `scope` of this run.
    pub(crate) fn token(&self, scope: &str) -> &str {
        &self.tokens[scope]
    }

    /// `kill -9`.
    pub(crate) fn kill_daemon(&self) {
        self.daemon.signal(Signal::SIGKILL);
    }

    /// The next run, in the same folder, after one that is killed while it starts, so much later.
    /// Tokens of the last one are worth nothing in it.
    pub(crate) fn start_again(&mut self, life: Duration) {
        self.daemon.wait();
        self.home.start_in_vain(life);
        self.daemon = self.home.start();
        self.client = Client::of(&self.daemon);
        let stale = self.client.get("/api/keymgmt/list", self.token(LIST));
        assert_eq!(stale.status, 401, "a token outlived the daemon that issued it");
        self.log_in();
    }

    /// All at once, for each login takes half a second.
    fn log_in(&mut self) {
        let scopes = [CREATE, DELETE, IMPORT, LIST, LOG].map(str::to_owned);
        let uses = self.anchors.iter().map(|anchor| usage(&anchor.kid));
        let scopes: Vec<String> = scopes.into_iter().chain(uses).collect();
        let client = &self.client;
        self.tokens = std::thread::scope(|threads| {
            let logins: Vec<_> = scopes
                .into_iter()
                .map(|scope| threads.spawn(move || (bearer(client, USER, &scope), scope)))
                .collect();
            let done = logins.into_iter().map(|login| login.join().unwrap());
            done.map(|(token, scope)| (scope, token)).collect()
        });
    }
}

/// The scope to use `kid`.
pub(crate) fn usage(kid: &str) -> String {
    format!("keymgmt:use:{kid}")
}

/// The body of an agreement of `kid` with the same peer each time.
pub(crate) fn agreement(kid: &str) -> Value {
    json!({"kid": kid, "pubkey": PEER})
}

pub(crate) const CREATE: &str = "keymgmt:gen";
pub(crate) const DELETE: &str = "keymgmt:del";
pub(crate) const IMPORT: &str = "keymgmt:imp";
pub(crate) const LIST: &str = "keymgmt:list";
pub(crate) const LOG: &str = "logger:get";
/// The generator of P-256, compressed.
const PEER: &str = "A2sX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW";
const ANCHORS: usize = 3;
