//! A time in which the log could not be written, and the entry about it.

use crate::entry::Record;
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};

/// A time in which nothing could be written.
#[derive(Debug)]
pub(crate) struct Outage {
    /// The file, and what befell it first.
    pub(crate) cause: String,
    /// Whether lines that were durable are gone.
    pub(crate) lines_lost: bool,
    /// Entries refused since.
    pub(crate) refused: u64,
}

impl Outage {
    /// The entry about it.
    pub(crate) fn record(&self) -> Record {
        let Self { cause, lines_lost, refused } = self;
        let result = match lines_lost {
            true => LogResult::LOG_RESULT_FAILED,
            false => LogResult::LOG_RESULT_OK,
        };
        Record {
            kind: LogType::LOG_TYPE_AUDIT_GAP,
            result,
            subject: Subject::None,
            ext: Ext::Text(format!("{cause}; {refused} entries refused")),
            place: None,
        }
    }
}
