//! What the last run left behind: entered, and a wipe that was ordered carried out.

use audit::{Closing, Ext, Log, LogResult, LogType, Subject, Unwritten};

use super::StartFault;
use crate::clerk::Clerk;
use crate::keyring::{Keyring, Recovery, Wipe};
use crate::store::Store;
use crate::wipe::wipe;

/// Enters what the last run left behind, and carries out its order to destroy everything, if there is
/// one. Whether there was: the settings are gone then, too.
///
/// # Errors
/// [`StartFault::Wipe`]; the next start goes on with it.
pub(super) async fn recover(
    (keyring, store): (&Keyring, &Store),
    (log, clerk): (&Log, &Clerk),
    mut recovery: Recovery,
) -> Result<bool, StartFault> {
    let order = recovery.wipe.take();
    enter_recovery(log, clerk, recovery).await;
    if let Some(order) = &order {
        finish_wipe((keyring, store, log), order).await?;
    }
    Ok(order.is_some())
}

/// Carries out an order of the last run to destroy everything.
async fn finish_wipe(
    (keyring, store, log): (&Keyring, &Store, &Log),
    order: &Wipe,
) -> Result<(), StartFault> {
    wipe(keyring, store, log, order).await?;
    tracing::warn!("everything was destroyed, as a caller of the last run asked");
    Ok(())
}

/// Enters what the last run left behind, now and whenever more comes to light.
async fn enter_recovery(log: &Log, clerk: &Clerk, recovery: Recovery) {
    let Recovery { damaged, missing, owed, forged_intents, mut later, .. } = recovery;
    for kid in &damaged {
        tracing::error!(%kid, "this key's record was changed outside the daemon: it is refused");
    }
    for kid in &missing {
        tracing::error!(%kid, "the token has lost this key: restore it from the token's backup");
    }
    let kids = damaged.iter().chain(&missing).map(|kid| Ext::Kid(*kid.as_bytes()));
    let forged = (forged_intents > 0).then(|| Ext::Text("intent".to_owned()));
    enter_flaws(log, kids.chain(forged).collect()).await;
    owed.into_iter().for_each(|owed| clerk.enter(owed));
    clerk.flush().await;
    let clerk = clerk.clone();
    tokio::spawn(async move {
        while let Some(owed) = later.recv().await {
            clerk.enter(owed);
        }
    });
}

/// Enters what was changed outside the daemon. What can't be entered now is found again at each start.
pub(super) async fn enter_flaws(log: &Log, flaws: Vec<Ext>) {
    let (kind, result) = (LogType::LOG_TYPE_KEY_INTEGRITY_ERROR, LogResult::LOG_RESULT_FAILED);
    for some in flaws.chunks(AT_ONCE) {
        let entered: Result<Vec<Closing>, Unwritten> = some
            .iter()
            .map(|ext| {
                let entry = log.open(Some(kind), Subject::None)?;
                Ok(entry.close_as(kind, result, ext.clone()))
            })
            .collect();
        if let Err(error) = durable(entered).await {
            tracing::error!(%error, ?kind, "entries are missing from the log");
            return;
        }
    }
}

async fn durable(entries: Result<Vec<Closing>, Unwritten>) -> Result<(), Unwritten> {
    for entry in entries? {
        let _ = entry.await?;
    }
    Ok(())
}

/// Entries that are waited for together: few of the places that the log has.
const AT_ONCE: usize = 64;
