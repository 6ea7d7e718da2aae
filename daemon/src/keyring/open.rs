//! Opening the keyring: what was begun is ended, and every record verified.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use hsm_profiles::TokenFault;
use hsm_profiles::{System, Vault};
use policies::Kid;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;

use super::mender::Mender;
use super::shelf::Shelf;
use super::token::Token;
use super::{Clock, Keyring, Keys, OpenError, Wipe, verified};
use crate::store::{Backing, IntentKind, Owed, Record, Store, StoredRecord, holds};

/// What was found at the start, and what is found later. The audit log wants an entry for each.
#[derive(Debug)]
pub struct Recovery {
    /// Keys whose records were changed outside the daemon. They are refused and not listed.
    pub damaged: Vec<Kid>,
    /// Keys whose objects the token has lost, or sealed ones of which it has lost the KEK. Their
    /// records are kept.
    pub missing: Vec<Kid>,
    /// What the last run had changed and not entered, and what came of what it had begun.
    pub owed: Vec<Owed>,
    /// How many notes about unfinished work, or about entries that are owed, were changed outside
    /// the daemon. They are left alone: obeying them could destroy keys.
    pub forged_intents: usize,
    /// An order to destroy everything that is not carried out yet. It has to be before anything is
    /// served.
    pub wipe: Option<Wipe>,
    /// What breaks off while the daemon runs, as soon as it was brought to an end.
    pub later: UnboundedReceiver<Owed>,
}

impl Keyring {
    /// Opens the keyring: ends what the last run had begun, then verifies every record.
    ///
    /// # Errors
    /// [`OpenError`] where state file or token fail. Nothing is half-open then; try again.
    pub async fn open(
        store: Store,
        vault: Vault,
        system: System,
    ) -> Result<(Self, Recovery), OpenError> {
        let status = system.status().await?;
        let token = super::token::Slot::new(vault, system, status);
        Self::open_with(store, Arc::new(token), crate::clock::now).await
    }

    pub(super) async fn open_with(
        store: Store,
        token: Arc<dyn Token>,
        clock: Clock,
    ) -> Result<(Self, Recovery), OpenError> {
        let (tasks, to_do) = mpsc::unbounded_channel();
        let (done, later) = mpsc::unbounded_channel();
        let keys = Arc::new(Keys {
            sequence: AtomicU64::new(store.last_sequence().await?),
            store,
            token,
            clock,
            shelf: RwLock::new(Shelf::default()),
            turn: tokio::sync::Mutex::default(),
            mender: Mender::new(tasks),
            nonces: super::nonces::Nonces::default(),
            pairing: tokio::sync::Mutex::default(),
            standing: tokio::sync::Mutex::default(),
        });
        let (forged_intents, wipe) = keys.end_what_was_begun().await?;
        let damaged = load(&keys).await?;
        let missing = match &wipe {
            None => keys.missing().await?,
            // Those are missing that it has destroyed.
            Some(_) => Vec::new(),
        };
        let (owed, forged) = keys.owed().await?;
        let forged_intents = forged_intents + forged;
        Mender::start(&keys, to_do, done);
        Ok((Self(keys), Recovery { damaged, missing, owed, forged_intents, wipe, later }))
    }
}

impl Keys {
    /// Answers how many intents are not this daemon's, and the order to wipe, if there is one.
    pub(super) async fn end_what_was_begun(&self) -> Result<(usize, Option<Wipe>), OpenError> {
        let (mut forged, mut wipe) = (0, None);
        for stored in self.store.intents().await? {
            let intent = match stored.content {
                Some((intent, tag)) if holds(&*self.token, &intent.seal_text(), &tag).await? => {
                    intent
                }
                _ => {
                    tracing::error!(id = ?stored.id, "an intent was changed outside the daemon");
                    forged += 1;
                    continue;
                }
            };
            match intent.kind {
                IntentKind::Wipe => wipe = Some(Wipe::of(&intent)),
                IntentKind::Create | IntentKind::Delete => {
                    // What the log is owed for it is in the file.
                    let _ = self.settle(&intent).await?;
                }
            }
        }
        Ok((forged, wipe))
    }

    /// What the log is owed, and how many rows say so that are not this daemon's.
    async fn owed(&self) -> Result<(Vec<Owed>, usize), OpenError> {
        let (mut owed, mut forged) = (Vec::new(), 0);
        for stored in self.store.owed().await? {
            match stored {
                Some((row, tag)) if holds(&*self.token, &row.seal_text(), &tag).await? => {
                    owed.push(row);
                }
                _ => {
                    tracing::error!(
                        "a note of an entry that is owed was changed outside the daemon"
                    );
                    forged += 1;
                }
            }
        }
        Ok((owed, forged))
    }

    /// The keys that should be in the token and are not, and those that it should open and can't.
    async fn missing(&self) -> Result<Vec<Kid>, OpenError> {
        let objects = self.token.list().await?;
        let present: HashSet<_> = objects.into_iter().map(|object| object.id).collect();
        let shelf = self.shelf();
        let records = shelf.all().map(|entry| &entry.record);
        let opens = self.token.opens_sealed();
        let missing = records.filter(|record| match &record.backing {
            Backing::Public => false,
            Backing::Resident => !present.contains(record.kid.as_bytes().as_slice()),
            Backing::Sealed(_) => !opens,
        });
        Ok(missing.map(|record| record.kid).collect())
    }
}

/// Verifies all records, several at a time, and puts them on the shelf. Answers the damaged ones.
async fn load(keys: &Arc<Keys>) -> Result<Vec<Kid>, OpenError> {
    let mut rows = keys.store.records().await?.into_iter();
    let mut checks = JoinSet::new();
    let mut damaged = Vec::new();
    loop {
        while checks.len() < AT_ONCE
            && let Some(row) = rows.next()
        {
            checks.spawn(check(Arc::clone(&keys.token), row));
        }
        let Some(checked) = checks.join_next().await else { break };
        let checked = checked.map_err(|_| TokenFault::Down("a check broke off".to_owned()))?;
        match checked? {
            (_, Some(record)) => keys.shelf_mut().place(record),
            (kid, None) => {
                keys.shelf_mut().mark_damaged(kid);
                damaged.push(kid);
            }
        }
    }
    damaged.sort();
    Ok(damaged)
}

async fn check(
    token: Arc<dyn Token>,
    row: StoredRecord,
) -> Result<(Kid, Option<Record>), TokenFault> {
    Ok((row.kid, verified(&*token, row.content).await?))
}

const AT_ONCE: usize = 64;
