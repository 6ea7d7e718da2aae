//! The lines after the last checkpoint that is kept. Nothing signed covers them, and whoever can write
//! files can make their tags, so a start looks at each of them before it has them signed.

use std::io::{self, Read};

use crate::checkpoint::Checkpoint;
use crate::disk::Disk;
use crate::ledger::Position;
use crate::line::{LINE_END, Line};
use crate::log_key::LogKey;
use crate::reading::Lines;
use crate::verify::{Check, Loggers, Summary};

/// The end of one file.
pub(crate) struct Tail<'a> {
    keys: &'a [LogKey],
    anchor: Option<&'a Checkpoint>,
    state: State,
    /// The keys of the other files: no two have the same.
    others: Vec<String>,
    /// How many lines were taken, those of checkpoints not counted.
    pub(crate) taken: u64,
}

enum State {
    /// The run that wrote the file closed it: only the line of its last checkpoint may follow.
    Closed,
    /// What goes on as the file began.
    Open(Box<Check>),
    /// The file does not begin as one of this log does.
    Foreign,
}

impl<'a> Tail<'a> {
    /// What is behind `position`, after the `anchor`, where that file was `closed` or not.
    pub(crate) fn open(
        (disk, ids): (&dyn Disk, &[u32]),
        position: Position,
        (keys, anchor): (&'a [LogKey], Option<&'a Checkpoint>),
        closed: bool,
    ) -> io::Result<Self> {
        let loggers = Loggers { keys: keys.iter().map(|key| *key.key()).collect(), lenient: false };
        let mut others = Vec::new();
        let state = match position {
            _ if closed => State::Closed,
            Position { offset: 0, file } => {
                let before = ids.iter().filter(|id| **id != file);
                let checks = before.filter_map(|id| begun(disk, *id, &loggers));
                others = checks.map(|check| key_of(&check)).collect();
                State::Open(Box::new(Check::new(loggers)))
            }
            _ => match resumed(disk, position, loggers)? {
                Some(check) => State::Open(Box::new(check)),
                None => State::Foreign,
            },
        };
        Ok(Self { keys, anchor, state, others, taken: 0 })
    }

    /// Whether the line, with its line end, is one that the daemon has written after `size` others.
    /// `noted` is the size of the last checkpoint that a line after the anchor repeats.
    pub(crate) fn takes(&mut self, line: &[u8], size: u64, noted: &mut Option<u64>) -> bool {
        let line = line.strip_suffix(LINE_END.as_bytes());
        let Some(line) = line.and_then(|line| std::str::from_utf8(line).ok()) else {
            return false;
        };
        if let Some(read) = Checkpoint::open_line(line, self.keys) {
            let next = |checkpoint: &Checkpoint| noted.is_none_or(|last| checkpoint.size() > last);
            let good = read.ok().filter(|read| next(read) && self.takes_checkpoint(read, size));
            *noted = good.as_ref().map(Checkpoint::size).or(*noted);
            return good.is_some();
        }
        let State::Open(check) = &mut self.state else { return false };
        let summary = check.summary;
        let first = summary.records == 0 && summary.comments == 0;
        let good = match Line::parse(line) {
            Ok(Line::Comment) => first || line == CLOSED,
            Ok(Line::Record(record)) => !record.is_key_init() || summary.keys == 0,
            Err(_) => false,
        };
        let taken = good && check.line(line).is_ok() && !self.others.contains(&key_of(check));
        self.taken += u64::from(taken);
        taken
    }

    fn takes_checkpoint(&self, checkpoint: &Checkpoint, size: u64) -> bool {
        match (&self.state, self.anchor) {
            (State::Closed, Some(anchor)) => anchor.says(checkpoint.claim()),
            (_, Some(anchor)) => (anchor.size()..=size).contains(&checkpoint.size()),
            (_, None) => checkpoint.size() <= size,
        }
    }
}

/// The check of a file that was right up to `position`: `None` where it has no beginning.
fn resumed(
    disk: &dyn Disk,
    Position { file, offset }: Position,
    loggers: Loggers,
) -> io::Result<Option<Check>> {
    let Some(begun) = begun(disk, file, &loggers) else { return Ok(None) };
    let start = offset.saturating_sub(LOOK_BACK);
    let mut before = Vec::new();
    disk.read(file, start)?.take(offset.saturating_sub(start)).read_to_end(&mut before)?;
    let before = String::from_utf8_lossy(&before);
    let mut last = before.lines().rev().filter_map(|line| match Line::parse(line) {
        Ok(Line::Record(record)) => Some(record.head),
        _ => None,
    });
    let Some(head) = last.next() else { return Ok(None) };
    let records = head.sequence.saturating_add(1);
    let summary =
        Summary { records, keys: 1, comments: 1, last_time: head.time, ..Summary::default() };
    Ok(Check::go_on(loggers, &begun.key_record, summary).ok())
}

/// The check of a file behind the record that brings its key, which a logger key has signed.
fn begun(disk: &dyn Disk, id: u32, loggers: &Loggers) -> Option<Check> {
    let mut lines = Lines::new(disk.read(id, 0).ok()?);
    let mut check = Check::new(loggers.clone());
    for _ in 0..2 {
        check.line(lines.next().ok()??).ok()?;
    }
    (check.summary.keys == 1).then_some(check)
}

/// The key of a file, as field 5 of its record has it.
fn key_of(check: &Check) -> String {
    check.key_record.split('|').nth(4).unwrap_or_default().to_owned()
}

/// The last line that the last checkpoint of a run covers: after it there is only its own.
pub(crate) const CLOSED: &str = "# closed";

/// Among so many bytes there is a record.
const LOOK_BACK: u64 = 1 << 16;
