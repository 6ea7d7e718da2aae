//! The records of a file in words, for people; nothing is verified here.

use std::io::BufRead;

use serde::Serialize;

use crate::event::{LogResult, LogType};
use crate::field::{ExtForm, describe_subject};
use crate::line::{Line, Record};
use crate::moment::rfc3339;
use crate::reading::{Finding, Lines};

/// A record in words.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Row {
    /// The line, counted from 1.
    pub line: u64,
    /// Field 1.
    pub sequence: u64,
    /// Field 2 as RFC 3339 in UTC.
    pub time: String,
    /// Field 3: the documented name, or `LOG_TYPE_` and the number.
    #[serde(rename = "type")]
    pub kind: String,
    /// Field 4: the documented name, or `LOG_RESULT_` and the number.
    pub result: String,
    /// Field 5: `user`, `master`, a KID in hex, or empty; a key record's HMAC key in hex.
    pub subject: String,
    /// Field 6 decoded by type: KID and bytes in hex, time as RFC 3339, text escaped.
    pub ext: String,
}

/// The rows of a file, ending at the first line that can't be read.
pub fn rows<R: BufRead>(reader: R) -> Rows<R> {
    Rows { lines: Lines::new(reader), done: false }
}

/// An iterator of [`Row`]s; see [`rows`].
pub struct Rows<R> {
    lines: Lines<R>,
    done: bool,
}

impl<R: BufRead> Rows<R> {
    /// How many lines have been read so far, comments too.
    pub fn lines(&self) -> u64 {
        self.lines.number()
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, Finding>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let line = self.lines.number() + 1;
            let parsed = match self.lines.next() {
                Ok(Some(text)) => Line::parse(text).map_err(crate::Cause::Malformed),
                Ok(None) => break,
                Err(cause) => Err(cause),
            };
            match parsed {
                Ok(Line::Comment) => {}
                Ok(Line::Record(record)) => return Some(Ok(row(line, &record))),
                Err(cause) => {
                    self.done = true;
                    return Some(Err(Finding { line, cause }));
                }
            }
        }
        None
    }
}

pub(crate) fn row(line: u64, record: &Record<'_>) -> Row {
    let head = record.head;
    let kind = LogType::from_code(head.kind);
    let result = LogResult::from_code(head.result);
    Row {
        line,
        sequence: head.sequence,
        time: rfc3339(head.time),
        kind: kind.map_or_else(|| format!("LOG_TYPE_{}", head.kind), |k| k.name().to_owned()),
        result: result
            .map_or_else(|| format!("LOG_RESULT_{}", head.result), |r| r.name().to_owned()),
        subject: describe_subject(record.subject),
        ext: kind.map_or(ExtForm::Raw, LogType::ext_form).describe(record.ext),
    }
}
