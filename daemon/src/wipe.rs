//! Destroying all that the device keeps, so that it can be handed on.

use audit::{Ext, Log, LogResult, LogType, Subject};
use policies::{Permit, WriteConfig};

use crate::keyring::{Keyring, OpenError};
use crate::pipeline::named;
use crate::store::Store;

/// Destroys every key, in the token and in the records, then what was begun and the settings. The
/// settings go last: a wipe that breaks off leaves a device that its owner can wipe again.
///
/// # Errors
/// What the token or the state file says; the settings are there then.
pub(crate) async fn wipe(
    keyring: &Keyring,
    store: &Store,
    log: &Log,
    leave: Permit<WriteConfig>,
) -> Result<(), OpenError> {
    let subject = named(leave.subject());
    for kid in keyring.destroy_all(&leave).await? {
        let kid = Ext::Kid(*kid.as_bytes());
        enter(log, LogType::LOG_TYPE_KEY_DELETE, &subject, kid);
    }
    store.wipe().await?;
    Ok(())
}

fn enter(log: &Log, kind: LogType, subject: &Subject, ext: Ext) {
    match log.open(Some(kind), subject.clone()) {
        // Nobody waits for it; the log keeps it in order.
        Ok(entry) => drop(entry.close_as(kind, LogResult::LOG_RESULT_OK, ext)),
        Err(error) => tracing::error!(%error, ?kind, "an entry is missing from the log"),
    }
}
