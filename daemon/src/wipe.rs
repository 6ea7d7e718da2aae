//! Destroying all that the device keeps, so that it can be handed on.

use audit::{Ext, Log, LogResult, LogType, Subject, Unwritten};
use hsm_profiles::TokenFault;
use policies::Kid;

use crate::keyring::{Keyring, OpenError, Wipe};
use crate::pipeline::named;
use crate::store::{Store, StoreFault};

/// Destroys every key, in the token and in the records, each with its entry, then what was begun and
/// the settings. The settings and the order go last, in one step: a wipe that breaks off goes on at
/// the next start, and where the log takes no entries nothing more is destroyed.
///
/// # Errors
/// What the token, the log or the state file says; it can be done again then.
pub(crate) async fn wipe(
    keyring: &Keyring,
    store: &Store,
    log: &Log,
    order: &Wipe,
) -> Result<(), WipeFault> {
    let subject = named(order.subject());
    // What a start finds in the state is what has no entry yet, but for the last few.
    for kids in keyring.condemned(order).await?.chunks(AT_ONCE) {
        let mut entered = Vec::with_capacity(kids.len());
        let destroyed = destroy(keyring, (log, &subject), (order, kids), &mut entered).await;
        for entry in entered {
            let _ = entry.await?;
        }
        destroyed?;
        store.remove_records(kids).await?;
    }
    Ok(store.wipe().await?)
}

async fn destroy(
    keyring: &Keyring,
    (log, subject): (&Log, &Subject),
    (order, kids): (&Wipe, &[Kid]),
    entered: &mut Vec<audit::Closing>,
) -> Result<(), WipeFault> {
    let kind = LogType::LOG_TYPE_KEY_DELETE;
    for kid in kids {
        let entry = log.open(Some(kind), subject.clone()).map_err(Unwritten::from)?;
        let destroyed = keyring.destroy_by(order, *kid).await;
        let result = match destroyed {
            Ok(()) => LogResult::LOG_RESULT_OK,
            Err(_) => LogResult::LOG_RESULT_FAILED,
        };
        entered.push(entry.close_as(kind, result, Ext::Kid(*kid.as_bytes())));
        destroyed?;
    }
    Ok(())
}

/// Why not everything was destroyed.
#[derive(Debug, thiserror::Error)]
pub enum WipeFault {
    /// The log takes no entries.
    #[error("its entries can't be written to the audit log: look at the log's disk")]
    Log(#[from] Unwritten),
    /// The token does not destroy a key.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// What was begun can't be ended.
    #[error(transparent)]
    Keys(#[from] OpenError),
    /// The state file can't be written.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Keys that are destroyed before their entries are waited for: those share an fdatasync, and are few
/// of the places that the log has.
const AT_ONCE: usize = 64;
