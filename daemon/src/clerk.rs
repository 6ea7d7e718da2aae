//! Enters what was changed without an entry, and strikes off what has one.

use std::time::Duration;

use audit::{Closing, Ext, Log, LogResult, LogType, Unwritten, rfc3339};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::pipeline::named;
use crate::store::{Fact, Owed, Store};

/// The way to the clerk, a task of its own. Cloning is shallow; with the last one the task ends.
#[derive(Clone)]
pub struct Clerk(UnboundedSender<Errand>);

enum Errand {
    Enter(Owed),
    Strike(Vec<[u8; 16]>),
    Flush(oneshot::Sender<()>),
}

impl Clerk {
    /// Starts the task.
    pub(crate) fn start(store: Store, log: Log) -> Self {
        let (errands, inbox) = mpsc::unbounded_channel();
        tokio::spawn(Desk { store, log, to_enter: Vec::new(), to_strike: Vec::new() }.work(inbox));
        Self(errands)
    }

    /// Has a change entered, as soon as the log takes entries, and struck off.
    pub(crate) fn enter(&self, owed: Owed) {
        // Without a receiver the daemon is going down, and its next start will see to it.
        let _ = self.0.send(Errand::Enter(owed));
    }

    /// Has changes struck off whose entries are durable.
    pub(crate) fn strike(&self, ids: Vec<[u8; 16]>) {
        let _ = self.0.send(Errand::Strike(ids));
    }

    /// Waits until everything so far was tried.
    pub(crate) async fn flush(&self) {
        let (done, tried) = oneshot::channel();
        let _ = self.0.send(Errand::Flush(done));
        // A clerk who is gone has nothing left to do.
        let _ = tried.await;
    }
}

struct Desk {
    store: Store,
    log: Log,
    to_enter: Vec<Owed>,
    to_strike: Vec<[u8; 16]>,
}

impl Desk {
    async fn work(mut self, mut inbox: UnboundedReceiver<Errand>) {
        loop {
            let idle = self.to_enter.is_empty() && self.to_strike.is_empty();
            let errand = match idle {
                true => inbox.recv().await,
                false => match timeout(PAUSE, inbox.recv()).await {
                    Ok(errand) => errand,
                    Err(_) => {
                        self.attempt().await;
                        continue;
                    }
                },
            };
            let Some(errand) = errand else { return };
            let mut waiting = Vec::new();
            let mut next = Some(errand);
            while let Some(errand) = next {
                match errand {
                    Errand::Enter(owed) => self.to_enter.push(owed),
                    Errand::Strike(ids) => self.to_strike.extend(ids),
                    Errand::Flush(done) => waiting.push(done),
                }
                next = inbox.try_recv().ok();
            }
            self.attempt().await;
            for done in waiting {
                let _ = done.send(());
            }
        }
    }

    async fn attempt(&mut self) {
        let mut left = std::mem::take(&mut self.to_enter).into_iter();
        loop {
            // Several at a time share an fdatasync.
            let some: Vec<_> = left.by_ref().take(AT_ONCE).collect();
            let entries: Vec<_> = some.iter().map(|owed| enter(&self.log, owed)).collect();
            if entries.is_empty() {
                break;
            }
            for (owed, entries) in some.into_iter().zip(entries) {
                match durable(entries).await {
                    Ok(()) => self.to_strike.push(owed.id),
                    Err(Unwritten) => self.to_enter.push(owed),
                }
            }
        }
        if self.to_strike.is_empty() {
            return;
        }
        match self.store.strike(&self.to_strike).await {
            Ok(()) => self.to_strike.clear(),
            Err(fault) => tracing::warn!(%fault, "what is entered can't be struck off yet"),
        }
    }
}

/// The entry that the request would have had, and one that says why it comes now.
fn enter(log: &Log, owed: &Owed) -> Result<(Closing, Closing), Unwritten> {
    let (kind, result, found) = telling(owed.fact);
    let ext = owed.kid.map_or(Ext::None, |kid| Ext::Kid(*kid.as_bytes()));
    let subject = named(owed.subject);
    let first = log.open(Some(kind), subject.clone())?;
    let second = log.open(Some(LogType::LOG_TYPE_AUDIT_RECONCILED), subject)?;
    let key = owed.kid.map_or_else(|| "-".to_owned(), |kid| kid.to_string());
    let time = rfc3339(u32::try_from(owed.at).unwrap_or(u32::MAX));
    let text = Ext::Text(format!("{} {key} {time}: {found}", kind.name()));
    tracing::info!(?owed, "a change without an entry is entered");
    let first = first.close_as(kind, result, ext);
    let ok = LogResult::LOG_RESULT_OK;
    let second = second.close_as(LogType::LOG_TYPE_AUDIT_RECONCILED, ok, text);
    Ok((first, second))
}

async fn durable(entries: Result<(Closing, Closing), Unwritten>) -> Result<(), Unwritten> {
    let (first, second) = entries?;
    let _ = (first.await?, second.await?);
    Ok(())
}

/// Type and result of the entry, and what was found and done.
fn telling(fact: Fact) -> (LogType, LogResult, &'static str) {
    use LogResult::{LOG_RESULT_FAILED, LOG_RESULT_OK};
    let kind = match fact {
        Fact::AccountChanged => LogType::LOG_TYPE_ACCOUNT_CHANGED,
        Fact::Adopted | Fact::Imported => LogType::LOG_TYPE_KEY_IMPORT,
        Fact::Certificate | Fact::Configured => LogType::LOG_TYPE_CONFIG_UPDATED,
        Fact::Created | Fact::CreationUndone => LogType::LOG_TYPE_KEY_GENERATION,
        Fact::Deleted | Fact::DeletionFinished | Fact::DeletionUndone => {
            LogType::LOG_TYPE_KEY_DELETE
        }
        Fact::Derived => LogType::LOG_TYPE_KEY_DERIVE,
        Fact::Initialised => LogType::LOG_TYPE_DEVICE_INITED,
        Fact::Paired => LogType::LOG_TYPE_AUTH_PAIRED_EXTERNAL,
        Fact::Updated => LogType::LOG_TYPE_KEY_ATTRIBUTES_CHANGED,
    };
    match fact {
        Fact::Certificate => {
            (kind, LOG_RESULT_OK, "a TLS certificate was being put in place; entered")
        }
        Fact::CreationUndone => (kind, LOG_RESULT_FAILED, "broke off; undone"),
        Fact::DeletionUndone => (kind, LOG_RESULT_FAILED, "not done; the key is in use"),
        Fact::DeletionFinished => (kind, LOG_RESULT_OK, "broke off; finished"),
        Fact::Adopted => (kind, LOG_RESULT_OK, "done by clavigerd adopt; entered"),
        _ => (kind, LOG_RESULT_OK, "done, its entry not known; entered"),
    }
}

/// Changes that are entered at a time, two entries each: few of the places that there are.
const AT_ONCE: usize = 64;

/// Between attempts while the log or the state file can't be written.
const PAUSE: Duration = Duration::from_millis(100);
