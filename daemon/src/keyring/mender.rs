//! Brings to an end what was begun and broke off: at the start after a crash, and in the background
//! as soon as token and state file can be reached again.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hsm_profiles::{Creation, TokenFault};
use policies::{Kid, Subject};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;

use super::{Keys, OpenError};
use crate::store::{Intent, IntentKind};

/// Something that broke off and was brought to an end; the audit log wants to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recovered {
    /// What had been begun.
    pub kind: IntentKind,
    /// The key; `None` for a key pair that never got its name.
    pub kid: Option<Kid>,
    /// Who had asked for it.
    pub subject: Subject,
    /// What came of it.
    pub outcome: Outcome,
}

/// How something that broke off ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A deletion: the key is destroyed.
    Finished,
    /// The key is there and in use: its creation had been completed, or its deletion never begun.
    Kept,
    /// A creation: whatever the token had made is destroyed.
    Undone,
}

/// What may be unfinished.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// What this intent says.
    Intent(Intent),
    /// A change of this key's record, without the token.
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
        done: UnboundedSender<Recovered>,
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
    /// Brings one intent to its end. May be done again.
    pub(super) async fn settle(&self, intent: &Intent) -> Result<Recovered, OpenError> {
        let (kid, outcome) = match (intent.kind, intent.kid) {
            (IntentKind::Delete, Some(kid)) => {
                (Some(kid), self.settle_deletion(intent, kid).await?)
            }
            // A deletion always has a KID; the store's MAC keeps it so.
            (IntentKind::Create | IntentKind::Delete, _) => self.settle_creation(intent).await?,
        };
        Ok(Recovered { kind: intent.kind, kid, subject: intent.subject, outcome })
    }

    async fn settle_creation(&self, intent: &Intent) -> Result<(Option<Kid>, Outcome), OpenError> {
        let creation = Creation(intent.id.0);
        if let Some(kid) = self.store.made_by(creation).await? {
            self.store.remove_intent(intent.id).await?;
            self.refresh(kid).await?;
            return Ok((Some(kid), Outcome::Kept));
        }
        // The token does slow operations in their order, so this comes after a generation that may
        // still be under way.
        self.token.destroy_creation(creation).await?;
        self.store.remove_intent(intent.id).await?;
        Ok((intent.kid, Outcome::Undone))
    }

    async fn settle_deletion(&self, intent: &Intent, kid: Kid) -> Result<Outcome, OpenError> {
        if !self.store.has_intent(intent.id).await? {
            self.refresh(kid).await?;
            return Ok(match self.shelf().has(kid) {
                true => Outcome::Kept,
                false => Outcome::Finished,
            });
        }
        match self.token.destroy_kid(kid).await {
            Ok(_) | Err(TokenFault::KeyMissing) => {}
            Err(fault) => return Err(fault.into()),
        }
        let _turn = self.turn.lock().await;
        self.store.remove_record(kid, Some(intent.id)).await?;
        self.shelf_mut().remove(kid);
        Ok(Outcome::Finished)
    }
}

async fn mend(
    keys: Weak<Keys>,
    mut tasks: UnboundedReceiver<Task>,
    done: UnboundedSender<Recovered>,
) {
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
    done: &UnboundedSender<Recovered>,
) -> Result<(), OpenError> {
    let Some(token) = keys.upgrade().map(|keys| Arc::clone(&keys.token)) else { return Ok(()) };
    token.ready().await;
    let Some(keys) = keys.upgrade() else { return Ok(()) };
    match task {
        Task::Intent(intent) => {
            let recovered = keys.settle(intent).await?;
            tracing::info!(?recovered, "ended what broke off");
            // Nobody listens any more when the daemon is going down.
            let _ = done.send(recovered);
        }
        Task::Row(kid) => keys.refresh(*kid).await?,
    }
    Ok(())
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
