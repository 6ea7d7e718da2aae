//! Keys that are too old go, with their messages.

use std::time::Duration;

use audit::{Ext, Log, LogType};
use policies::Subject;

use super::proof::of_bytes;
use super::today;
use crate::entering::enter;
use crate::store::{Store, StoreFault};

/// Removes them every hour, until the state file is closed.
pub(super) async fn sweep(store: Store, log: Log, days: u64) {
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hours.tick().await;
        let age = days.saturating_mul(86_400_000);
        let before = today().milliseconds().saturating_sub(age);
        match remove(&store, &log, before).await {
            Ok(()) => {}
            Err(StoreFault::Database(sqlx::Error::PoolClosed)) => return,
            Err(fault) => {
                tracing::warn!(%fault, "keys of the key service that are too old can't be removed now")
            }
        }
    }
}

/// Each is entered and then removed: after a crash between the two it is entered once more.
async fn remove(store: &Store, log: &Log, before: u64) -> Result<(), StoreFault> {
    for (id, token) in store.outdated_mailboxes(before).await? {
        let digits: String = of_bytes(&token).chars().take(8).collect();
        let ext = Ext::Text(format!("keyservice {digits}"));
        let expired = LogType::LOG_TYPE_KEY_EXPIRED;
        if enter(log, expired, Subject::Anonymous, ext).await.is_err() {
            tracing::warn!("keys that are too old stay until the audit log can be written");
            return Ok(());
        }
        store.delete_mailbox(id).await?;
    }
    Ok(())
}
