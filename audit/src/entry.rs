//! An entry that has been opened and must end in the log.

use crate::closing::{Closing, Receipt};
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::health::Place;
use crate::log::Log;

/// An opened entry. It ends by one of [`close`](Self::close),
/// [`close_as`](Self::close_as) and [`dismiss`](Self::dismiss); dropped
/// otherwise (a panic, a broken-off request), it is written with
/// `LOG_RESULT_ERROR` if it has a type.
///
/// It can't be closed twice:
/// ```compile_fail,E0382
/// use audit::{Entry, LogResult};
/// fn twice(entry: Entry) {
///     let _first = entry.close(LogResult::LOG_RESULT_OK);
///     let _second = entry.close(LogResult::LOG_RESULT_OK);
/// }
/// ```
#[must_use = "an entry that is dropped is written as an error"]
#[derive(Debug)]
pub struct Entry {
    log: Log,
    kind: Option<LogType>,
    subject: Subject,
    ext: Ext,
    /// Taken when the entry ends; while it is here, the entry is open.
    place: Option<Place>,
}

impl Entry {
    pub(crate) fn new(log: Log, kind: Option<LogType>, subject: Subject, place: Place) -> Self {
        Self { log, kind, subject, ext: Ext::None, place: Some(place) }
    }

    pub(crate) fn unplaced(log: Log, subject: Subject) -> Self {
        Self { log, kind: None, subject, ext: Ext::None, place: None }
    }

    /// Who the entry names so far.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Names who did it, once that is known.
    pub fn name_subject(&mut self, subject: Subject) {
        self.subject = subject;
    }

    /// Names what it is about as soon as that is known (a KID, a scope), so that
    /// a dropped entry has it too.
    pub fn name_ext(&mut self, ext: Ext) {
        self.ext = ext;
    }

    /// Names its type, where only the request tells which of several it is. Where there is no type
    /// there still is none.
    pub fn name_kind(&mut self, kind: LogType) {
        self.kind = self.kind.map(|_| kind);
    }

    /// Writes the entry under the type it was opened with and the ext named so
    /// far. Without a type nothing is written, as by [`dismiss`](Self::dismiss).
    pub fn close(mut self, result: LogResult) -> Closing {
        let ext = std::mem::take(&mut self.ext);
        match self.kind {
            Some(kind) => self.hand_over(kind, result, ext),
            None => Closing::known(Ok(self.dismiss())),
        }
    }

    /// Writes the entry under another type, with this ext.
    ///
    /// `LOG_TYPE_KEY_INIT` belongs to the log itself and comes to
    /// [`Unwritten`](crate::Unwritten).
    pub fn close_as(mut self, kind: LogType, result: LogResult, ext: Ext) -> Closing {
        self.hand_over(kind, result, ext)
    }

    /// Ends the entry without writing: the specification lists none for this outcome.
    pub fn dismiss(mut self) -> Receipt {
        self.place = None;
        Receipt::nothing()
    }

    fn hand_over(&mut self, kind: LogType, result: LogResult, ext: Ext) -> Closing {
        let subject = std::mem::take(&mut self.subject);
        match self.place.take() {
            place @ Some(_) => self.log.hand_over(Record { kind, result, subject, ext, place }),
            None => Closing::known(Err(crate::Unwritten)),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let (Some(kind), true) = (self.kind, self.place.is_some()) {
            let ext = std::mem::take(&mut self.ext);
            // Nobody is left to wait for it.
            drop(self.hand_over(kind, LogResult::LOG_RESULT_ERROR, ext));
        }
    }
}

/// What an entry says, on its way to the writer.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) kind: LogType,
    pub(crate) result: LogResult,
    pub(crate) subject: Subject,
    pub(crate) ext: Ext,
    /// `None` for entries of the log itself.
    pub(crate) place: Option<Place>,
}
