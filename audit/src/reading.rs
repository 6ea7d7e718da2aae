//! Reading a log file line by line, in bounded memory, and what can be wrong with it.

use std::io::{self, BufRead, Read};

use thiserror::Error;

use crate::checkpoint::BadCheckpoint;

/// A fault of a log file: the first one, with its line.
#[derive(Debug, Error)]
#[error("line {line}: {cause}")]
pub struct Finding {
    /// The line, counted from 1, comments too.
    pub line: u64,
    /// What is wrong there.
    pub cause: Cause,
}

/// What is wrong with a line.
#[derive(Debug, Error)]
pub enum Cause {
    /// A tile is not that of the lines, which are as they were signed.
    #[error("the tile does not have the hashes of the lines: take it away and restart the daemon")]
    BadTile,
    /// A checkpoint can't be believed.
    #[error("{0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// The tag is not that of the text before it.
    #[error("the line was edited: its tag does not belong to its text")]
    BadTag,
    /// The file ends without any record.
    #[error("the file holds no record at all")]
    Empty,
    /// Not the line that was signed, though nothing is wrong with it alone.
    #[error(
        "forged: a right line, but not the one that a checkpoint covers here; it was edited, put \
         in or moved, or one before it was taken away, by someone who made new tags"
    )]
    Forged,
    /// The signature over the file's key is not by the given logger key.
    #[error("forged or foreign: the file's key is not signed by this logger key")]
    ForgedKey,
    /// No leaf has the line ends, so they are looked at.
    #[error("the line ends in another way than the daemon ends its lines: the file was converted")]
    LineEnd,
    /// The lines before are missing at the end of a file, or a whole file is.
    #[error("lines are missing before this file: one was cut, taken away or misplaced")]
    LinesMissing,
    /// A line too long for any record.
    #[error("the line is longer than {LINE_LIMIT} bytes")]
    LongLine,
    /// Not a line of this format.
    #[error("not a log line: {0}")]
    Malformed(&'static str),
    /// A checkpoint that is not the next one.
    #[error("the checkpoint is not the next one: doubled, moved, or lines before it are missing")]
    MisplacedCheckpoint,
    /// The first line of a file names another one.
    #[error("the file was renamed or is from elsewhere: its first line does not end in its name")]
    Misnamed,
    /// The directory has no checkpoint.
    #[error("there is no file `checkpoint`, so nothing says how many lines there were")]
    NoCheckpoint,
    /// The first record does not bring the file's key.
    #[error("the first record is not LOG_TYPE_KEY_INIT: the start of the file is missing")]
    NoKey,
    /// Somewhere from here on the lines are not those that were signed.
    #[error("changed, from here on somewhere before line {0} of the node: not as it was signed")]
    NotAsSigned(u64),
    /// The line that repeats the latest checkpoint is missing or changed.
    #[error("the latest checkpoint is not repeated from here on: the line was changed or cut off")]
    NotRepeated,
    /// The lines up to the given checkpoint are not those that it was made of.
    #[error("rewritten: the first {0} lines are not those that an earlier checkpoint was made of")]
    Rewritten(u64),
    /// The file is shorter than it was at the visit that the verification went on from.
    #[error("rolled back: {read} bytes of it were read at the last visit, and {found} are here")]
    RolledBackFile {
        /// How many bytes were read.
        read: u64,
        /// How many bytes there are.
        found: u64,
    },
    /// There are fewer lines than there were at the given checkpoint.
    #[error(
        "rolled back: an earlier checkpoint covers {since} lines, and after it there was one more; \
         {found} are here"
    )]
    RolledBack {
        /// The size of the given checkpoint.
        since: u64,
        /// How many lines there are.
        found: u64,
    },
    /// A comment that the daemon does not write, or a line after those of a run that was closed.
    #[error("the daemon writes no such line here: it was put in")]
    PutIn,
    /// A record is missing, doubled or in another place.
    #[error("record {expected:x} was expected and {found:x} is here: dropped, doubled or moved")]
    SequenceGap {
        /// The number that was due.
        expected: u64,
        /// The number in the line.
        found: u64,
    },
    /// The time is before that of the record above.
    #[error("the time runs backwards, from {before:x} to {found:x}")]
    TimeBackwards {
        /// The time of the record above.
        before: u32,
        /// The time in the line.
        found: u32,
    },
    /// A name that the daemon gives to no file of the log.
    #[error("no file of this log has such a name, or it is no plain file: it was put there")]
    Stranger,
    /// The last line has no line end: the write was cut off.
    #[error("the last line is torn: the file was cut off, or its writer crashed")]
    TornTail,
    /// There are fewer lines than the latest checkpoint covers, and the one that repeats it.
    #[error(
        "truncated: the checkpoint covers {signed} lines, and after it there was one more; {found} are here"
    )]
    Truncated {
        /// The size of the checkpoint.
        signed: u64,
        /// How many lines there are.
        found: u64,
    },
    /// The result is none of 0, 1 and 2.
    #[error("unknown result code {0}")]
    UnknownResult(u8),
    /// The file could not be read further; says nothing about the log.
    #[error("can't read on: {0}")]
    Unreadable(#[source] io::Error),
}

impl Cause {
    /// A stable name for programs, such as `sequence_gap`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadTile => "bad_tile",
            Self::Checkpoint(BadCheckpoint::Forged) => "forged_checkpoint",
            Self::Checkpoint(BadCheckpoint::Malformed(_)) => "malformed_checkpoint",
            Self::Checkpoint(BadCheckpoint::WrongKey) => "wrong_key",
            Self::Checkpoint(BadCheckpoint::WrongOrigin(_)) => "wrong_origin",
            Self::BadTag => "bad_tag",
            Self::Empty => "empty",
            Self::Forged => "forged_tag",
            Self::ForgedKey => "forged_key",
            Self::LineEnd => "line_end",
            Self::LinesMissing => "lines_missing",
            Self::LongLine => "long_line",
            Self::Malformed(_) => "malformed",
            Self::Misnamed => "misnamed",
            Self::MisplacedCheckpoint => "misplaced_checkpoint",
            Self::NoCheckpoint => "no_checkpoint",
            Self::NoKey => "no_key",
            Self::NotAsSigned(_) => "not_as_signed",
            Self::NotRepeated => "not_repeated",
            Self::PutIn => "put_in",
            Self::Rewritten(_) => "rewritten",
            Self::RolledBack { .. } | Self::RolledBackFile { .. } => "rolled_back",
            Self::SequenceGap { .. } => "sequence_gap",
            Self::TimeBackwards { .. } => "time_backwards",
            Self::Stranger => "stranger",
            Self::TornTail => "torn_tail",
            Self::Truncated { .. } => "truncated",
            Self::UnknownResult(_) => "unknown_result",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// The lines of a file; one is in memory at a time.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
    /// Whether lines must end as the daemon ends them.
    strict: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self::after(reader, (0, 0))
    }

    /// The lines of a reader that is behind so many lines and bytes of its file.
    pub(crate) fn after(reader: R, (number, offset): (u64, u64)) -> Self {
        Self { reader, buffer: Vec::new(), number, offset, strict: false }
    }

    /// The same, with CRLF after each line.
    pub(crate) fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// The number of the line read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes of the file are behind that line.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line without its line end (LF or CRLF), or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<&str>, Cause> {
        self.buffer.clear();
        let mut limited = self.reader.by_ref().take(LINE_LIMIT);
        limited.read_until(b'\n', &mut self.buffer).map_err(Cause::Unreadable)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let length = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(length);
        let full = length >= LINE_LIMIT;
        let Some(line) = self.buffer.strip_suffix(b"\n") else {
            return Err(if full { Cause::LongLine } else { Cause::TornTail });
        };
        let line = match line.strip_suffix(b"\r") {
            None if self.strict => return Err(Cause::LineEnd),
            plain => plain.unwrap_or(line),
        };
        std::str::from_utf8(line).map(Some).map_err(|_| Cause::Malformed("it is not text"))
    }
}

/// The longest record has a text of 1024 bytes in base64url and small fields.
pub(crate) const LINE_LIMIT: u64 = 8192;
