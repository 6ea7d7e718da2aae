//! Clients that work with keys while something is killed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::client::{Client, Reply};
use tests::login::now;
use tests::patience::{LONG, until};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::ledger::{Deed, Fate, Ledger};
use crate::site::{Anchor, CREATE, DELETE, IMPORT, Site, agreement, usage};

/// Which process is killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Victim {
    Daemon,
    Worker,
}

/// The clients, at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    ledger: Arc<Ledger>,
    victim: Victim,
    enough: AtomicBool,
    /// How often each client was answered with 200.
    served: Vec<AtomicU64>,
    /// Keys that may be deleted.
    spare: Mutex<VecDeque<String>>,
}

/// One client.
struct Worker {
    client: Client,
    shared: Arc<Shared>,
    number: usize,
}

/// Its daemon is gone.
struct Lost;

impl Load {
    /// Starts one client an anchor for agreements, and one each that creates, imports and deletes.
    pub(crate) fn start(site: &Site, ledger: &Arc<Ledger>, victim: Victim) -> Self {
        let count = site.anchors.len() + OTHERS;
        let shared = Arc::new(Shared {
            ledger: Arc::clone(ledger),
            victim,
            enough: AtomicBool::new(false),
            served: (0..count).map(|_| AtomicU64::new(0)).collect(),
            spare: Mutex::new(leftovers(site, ledger)),
        });
        let mut load = Self { shared, clients: Vec::new() };
        for anchor in site.anchors.clone() {
            let token = site.token(&usage(&anchor.kid)).to_owned();
            load.add(site, move |worker| worker.agree(&token, &anchor));
        }
        let token = |scope| site.token(scope).to_owned();
        let (create, import, delete) = (token(CREATE), token(IMPORT), token(DELETE));
        load.add(site, move |worker| worker.create(&create));
        load.add(site, move |worker| worker.import(&import));
        load.add(site, move |worker| worker.delete(&delete));
        load
    }

    /// Waits until every client was served twice more: the second time it asked after this call.
    pub(crate) fn wait_until_served_again(&self) {
        let counts = || self.shared.served.iter().map(|count| count.load(Ordering::Relaxed));
        let before: Vec<u64> = counts().collect();
        until("every client is served again", LONG, || {
            let all = counts().zip(&before).all(|(now, before)| now > before + 1);
            (all || self.clients.iter().any(JoinHandle::is_finished)).then_some(())
        });
    }

    /// Lets every client finish what it does, or lose the daemon over it.
    ///
    /// # Panics
    /// When a client got an answer that it must not get.
    pub(crate) fn stop(self) {
        self.shared.enough.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }

    fn add(
        &mut self,
        site: &Site,
        mut step: impl FnMut(&Worker) -> Result<(), Lost> + Send + 'static,
    ) {
        let number = self.clients.len();
        // Both protocols, in turns.
        let client = if number.is_multiple_of(2) {
            Client::http1(&site.daemon)
        } else {
            Client::of(&site.daemon)
        };
        let worker = Worker { client, shared: Arc::clone(&self.shared), number };
        self.clients.push(std::thread::spawn(move || {
            while !worker.shared.enough.load(Ordering::Relaxed) {
                if step(&worker).is_err() {
                    return;
                }
            }
        }));
    }
}

impl Worker {
    fn agree(&self, token: &str, anchor: &Anchor) -> Result<(), Lost> {
        let ledger = &self.shared.ledger;
        ledger.ask(Deed::Agree, &anchor.kid);
        let body = agreement(&anchor.kid);
        let reply = self.ask("POST", "/api/crypto/ecdh", token, Some(&body))?;
        if self.is_done(&reply) {
            assert_eq!(reply.bytes("ecdh"), anchor.secret, "another secret than before");
            ledger.acknowledge(Deed::Agree, &anchor.kid);
        } else {
            ledger.refuse(Deed::Agree, &anchor.kid);
        }
        Ok(())
    }

    fn create(&self, token: &str) -> Result<(), Lost> {
        let turn = self.shared.served[self.number].load(Ordering::Relaxed);
        let kind = TYPES[usize::try_from(turn).unwrap() % TYPES.len()];
        let body = json!({"label": format!("made {turn}"), "type": kind});
        let reply = self.ask("POST", "/api/keymgmt/create", token, Some(&body))?;
        if self.is_done(&reply) {
            let kid = reply.text("kid");
            self.shared.ledger.acknowledge_creation(&kid);
            self.shared.spare().push_back(kid);
        }
        Ok(())
    }

    fn import(&self, token: &str) -> Result<(), Lost> {
        let public = fresh_public_key();
        let kid = kid_of(&public);
        let ledger = &self.shared.ledger;
        let public = Base64::encode_string(&public);
        let body = json!({"label": "imported", "type": "CURVE25519", "pubkey": public});
        ledger.ask(Deed::Import, &kid);
        let reply = self.ask("POST", "/api/keymgmt/import", token, Some(&body))?;
        if self.is_done(&reply) {
            assert_eq!(reply.text("kid"), kid);
            ledger.acknowledge(Deed::Import, &kid);
            self.shared.spare().push_back(kid);
        } else {
            ledger.refuse(Deed::Import, &kid);
        }
        // Imports are quick; without a pause they would be most of what there is.
        std::thread::sleep(BREATH);
        Ok(())
    }

    fn delete(&self, token: &str) -> Result<(), Lost> {
        let spare = self.shared.spare().pop_front();
        let Some(kid) = spare else {
            std::thread::sleep(BREATH);
            return Ok(());
        };
        let ledger = &self.shared.ledger;
        ledger.ask(Deed::Delete, &kid);
        let reply = self.ask("DELETE", &format!("/api/keymgmt/delete/{kid}"), token, None)?;
        match self.is_done(&reply) {
            true => ledger.acknowledge(Deed::Delete, &kid),
            false => ledger.refuse(Deed::Delete, &kid),
        }
        Ok(())
    }

    /// The answer. None may be missing while the daemon lives, or take long.
    fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Reply, Lost> {
        let reply = self.client.try_send(method, path, |request| {
            let request = request.bearer_auth(token).timeout(LONG);
            let request = request.header("Accept", "application/problem+json");
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        });
        match reply {
            Ok(reply) => Ok(reply),
            Err(error) if error.is_timeout() => panic!("{method} {path} hangs"),
            Err(_) if self.shared.victim == Victim::Daemon => Err(Lost),
            Err(error) => panic!("{method} {path}: no answer from a daemon that lives: {error:?}"),
        }
    }

    /// Whether it was done, and not refused because the token is away.
    fn is_done(&self, reply: &Reply) -> bool {
        match reply.status {
            200 => {
                self.shared.served[self.number].fetch_add(1, Ordering::Relaxed);
                true
            }
            409 | 503 if self.shared.victim == Victim::Worker => {
                std::thread::sleep(BREATH);
                false
            }
            status => {
                let why = String::from_utf8_lossy(&reply.body);
                panic!("an answer that nothing explains: {status} {why}")
            }
        }
    }
}

impl Shared {
    fn spare(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What earlier loads left, so that keys do not pile up.
fn leftovers(site: &Site, ledger: &Ledger) -> VecDeque<String> {
    let stays = |kid: &String| site.anchors.iter().any(|anchor| anchor.kid == *kid);
    let there =
        ledger.fates().into_iter().filter(|(kid, fate)| *fate == Fate::There && !stays(kid));
    there.map(|(kid, _)| kid).collect()
}

/// X25519, never the same twice.
fn fresh_public_key() -> [u8; 32] {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let seed = Sha256::digest(format!("{} {number} {}", std::process::id(), now()));
    PublicKey::from(&StaticSecret::from(<[u8; 32]>::from(seed))).to_bytes()
}

/// The first 16 bytes of SHA-1, in hexadecimal (hem.md A9).
fn kid_of(public: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, public);
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One that creates, one that imports, one that deletes.
const OTHERS: usize = 3;
const BREATH: Duration = Duration::from_millis(5);
const TYPES: [&str; 5] = ["SECP256R1", "CURVE25519", "AES256", "ED25519", "SECP384R1"];
