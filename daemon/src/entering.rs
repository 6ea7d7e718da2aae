//! Entries for what the daemon does by itself.

use audit::{Ext, Log, LogResult, LogType, Subject};

use crate::fault::Fault;
use crate::pipeline::named;

/// Enters what somebody's request, or nobody's (`Subject::Anonymous`), has led to beside what it asked
/// for, durably.
///
/// # Errors
/// [`Fault::Unlogged`] where the log can't be written.
pub(crate) async fn enter(
    log: &Log,
    kind: LogType,
    subject: policies::Subject,
    ext: Ext,
) -> Result<(), Fault> {
    let subject: Subject = named(subject);
    let entry = log.open(Some(kind), subject).map_err(|_| Fault::Unlogged)?;
    let written = entry.close_as(kind, LogResult::LOG_RESULT_OK, ext).await;
    written.map(|_| ()).map_err(|_| Fault::Unlogged)
}
