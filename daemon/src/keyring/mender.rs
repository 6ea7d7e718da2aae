//! Brings to an end what was begun and broke off: at the start after a crash, and in the background
//! as soon as token and state file can be reached again.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hsm_profiles::{Creation, TokenFault};
use policies::Kid;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;

use super::{Keys, OpenError};
use crate::owing::owe;
use crate::store::{Due, Fact, Intent, IntentKind, Owed, StoreFault};

/// What may be unfinished.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// What this intent says.
    Intent(Intent),
    /// A change of the state file alone, which may have happened.
    Change(Owed),
    /// What is known about this key.
    Row(Kid),
}

/// The way to the background task; the task ends with it.
pub(super) struct Mender {
    tasks: UnboundedSender<Task>,
    hand: OnceLock<AbortHandle>,
}

/// Something that is under way. Unless it is said to be settled, its end, a panic and a cancelled
/// request included, hands it to the background task.
pub(super) struct Unsettled {
    task: Option<Task>,
    tasks: UnboundedSender<Task>,
}

impl Mender {
    pub(super) fn new(tasks: UnboundedSender<Task>) -> Self {
        Self { tasks, hand: OnceLock::new() }
    }

    /// Starts the background task, which says what it did through `done`.
    pub(super) fn start(
        keys: &Arc<Keys>,
        tasks: UnboundedReceiver<Task>,
        done: UnboundedSender<Owed>,
    ) {
        let hand = tokio::spawn(mend(Arc::downgrade(keys), tasks, done)).abort_handle();
        keys.mender.hand.get_or_init(|| hand);
    }

    pub(super) fn unsettled(&self, task: Task) -> Unsettled {
        Unsettled { task: Some(task), tasks: self.tasks.clone() }
    }
}

impl Drop for Mender {
    fn drop(&mut self) {
        if let Some(hand) = self.hand.get() {
            hand.abort();
        }
    }
}

impl Unsettled {
    /// It has ended, and how is known.
    pub(super) fn settled(mut self) {
        self.task = None;
    }

    /// It has happened, and the log is owed an entry.
    pub(super) fn done(self, due: Due) {
        self.settled();
        owe(due.owed);
    }

    /// What is unsettled about it now is something else.
    pub(super) fn becomes(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            // Without a receiver the daemon is going down, and its next start will see to it.
            let _ = self.tasks.send(task);
        }
    }
}

impl Keys {
    /// Brings one intent to its end, and says what the log is owed for it. May be done again.
    pub(super) async fn settle(&self, intent: &Intent) -> Result<Owed, OpenError> {
        match (intent.kind, intent.kid) {
            (IntentKind::Delete, Some(kid)) => self.settle_deletion(intent, kid).await,
            // A deletion always has a KID; the store's MAC keeps it so.
            (IntentKind::Create | IntentKind::Delete, _) => self.settle_creation(intent).await,
            (IntentKind::Wipe, _) => Err(StoreFault::Malformed("a wipe of one key").into()),
        }
    }

    async fn settle_creation(&self, intent: &Intent) -> Result<Owed, OpenError> {
        let creation = Creation(intent.id.0);
        if let Some(kid) = self.store.made_by(creation).await? {
            // The record, the end of the intent and what is owed are one transaction.
            self.refresh(kid).await?;
            return Ok(self.came_of(intent, Fact::Created, Some(kid)));
        }
        // The token does slow operations in their order, so this comes after a generation that may
        // still be under way.
        self.token.destroy_creation(creation).await?;
        let due = self.came_of(intent, Fact::CreationUndone, intent.kid);
        let due = due.due(&*self.token).await?;
        if self.store.has_intent(intent.id).await? {
            self.store.settle_intent(intent.id, &due).await?;
        }
        Ok(due.owed)
    }

    async fn settle_deletion(&self, intent: &Intent, kid: Kid) -> Result<Owed, OpenError> {
        if !self.store.has_intent(intent.id).await? {
            self.refresh(kid).await?;
            let fact = match self.store.owes(&intent.id.0).await? {
                true => Fact::Deleted,
                false => Fact::DeletionUndone,
            };
            return Ok(self.came_of(intent, fact, Some(kid)));
        }
        match self.token.destroy_kid(kid).await {
            Ok(_) | Err(TokenFault::KeyMissing) => {}
            // It says no, twice now: as long as the object is there the key is in use.
            Err(TokenFault::Argument(_) | TokenFault::Unsupported(_))
                if self.is_there(kid).await? =>
            {
                return self.give_back(intent, kid).await;
            }
            Err(fault) => return Err(fault.into()),
        }
        let due = self.came_of(intent, Fact::DeletionFinished, Some(kid));
        let due = due.due(&*self.token).await?;
        let _turn = self.turn.lock().await;
        self.store.remove_record(kid, Some(intent.id), &due).await?;
        self.shelf_mut().remove(kid);
        Ok(due.owed)
    }

    /// Puts a key back into use that the token does not destroy.
    async fn give_back(&self, intent: &Intent, kid: Kid) -> Result<Owed, OpenError> {
        let due = self.came_of(intent, Fact::DeletionUndone, Some(kid));
        let due = due.due(&*self.token).await?;
        self.store.settle_intent(intent.id, &due).await?;
        self.refresh(kid).await?;
        Ok(due.owed)
    }

    /// Whether the token has an object of this key.
    async fn is_there(&self, kid: Kid) -> Result<bool, TokenFault> {
        let objects = self.token.list().await?;
        Ok(objects.iter().any(|object| object.id == kid.as_bytes()))
    }

    /// What is owed under the name of the intent.
    pub(super) fn came_of(&self, intent: &Intent, fact: Fact, kid: Option<Kid>) -> Owed {
        let at = (self.clock)();
        Owed { id: intent.id.0, fact, kid, subject: intent.subject, at }
    }
}

async fn mend(keys: Weak<Keys>, mut tasks: UnboundedReceiver<Task>, done: UnboundedSender<Owed>) {
    while let Some(task) = tasks.recv().await {
        let mut pause = SHORTEST_PAUSE;
        while let Err(fault) = try_once(&keys, &task, &done).await {
            tracing::warn!(%fault, ?task, "can't end what broke off; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn try_once(
    keys: &Weak<Keys>,
    task: &Task,
    done: &UnboundedSender<Owed>,
) -> Result<(), OpenError> {
    let Some(token) = keys.upgrade().map(|keys| Arc::clone(&keys.token)) else { return Ok(()) };
    token.ready().await;
    let Some(keys) = keys.upgrade() else { return Ok(()) };
    match task {
        Task::Intent(intent) => {
            let owed = keys.settle(intent).await?;
            tracing::info!(?owed, "ended what broke off");
            // Nobody listens any more when the daemon is going down.
            let _ = done.send(owed);
        }
        Task::Change(owed) => {
            if let Some(kid) = owed.kid {
                keys.refresh(kid).await?;
            }
            if keys.store.owes(&owed.id).await? {
                let _ = done.send(owed.clone());
            }
        }
        Task::Row(kid) => keys.refresh(*kid).await?,
    }
    Ok(())
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
