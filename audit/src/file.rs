//! One log file being written: its key, its sequence, its durable length.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use crate::disk::{Disk, DiskFile};
use crate::entry::Record;
use crate::held::Displaced;
use crate::ledger::{Ledger, Position};
use crate::line::{FileKey, Head, LINE_END, push_record};
use crate::moment;
use crate::signers::Signers;
use crate::start_error::StartError;

/// What a new file is made with.
pub(crate) struct Maker {
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) signers: Arc<Signers>,
    /// What the comment line begins with.
    pub(crate) banner: String,
    pub(crate) ledger: Arc<Ledger>,
    /// Files given up, with how much of each is in the tree: the rest goes before a new file
    /// starts, so that the tree stays that over the files.
    pub(crate) given_up: Vec<(u32, u64)>,
}

impl Maker {
    /// Starts a file: its banner and its signed key record, durable with its name.
    ///
    /// `after` is the id of the last file of this run, which may be gone from the disk.
    pub(crate) fn start(&mut self, after: Option<u32>) -> Result<LiveFile, StartError> {
        self.settle().map_err(StartError::Directory)?;
        let taken = self.disk.list().map_err(StartError::Directory)?.last().copied();
        let mut id = match taken.max(after) {
            Some(last) => last.checked_add(1).ok_or(StartError::NoIdLeft)?.max(moment::now()),
            None => moment::now(),
        };
        let file = loop {
            match self.disk.create(id) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    id = id.checked_add(1).ok_or(StartError::NoIdLeft)?;
                }
                other => break other.map_err(StartError::Directory)?,
            }
        };
        let filled = self.fill(id, file).inspect_err(|_| {
            if self.disk.remove(id).is_err() {
                self.given_up.push((id, 0));
            }
        })?;
        // What is gone is not left.
        if let Some((last, length)) = after.and_then(|id| Some((id, self.disk.length(id).ok()?))) {
            self.ledger.leave(last, length);
        }
        Ok(filled)
    }

    /// Cuts the files that were given up to what is in the tree.
    fn settle(&mut self) -> io::Result<()> {
        while let Some(&(id, length)) = self.given_up.last() {
            let done = if length == 0 { self.disk.remove(id) } else { self.disk.cut(id, length) };
            match done {
                // Someone took it away: then nothing of it is left to be cut.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            self.given_up.pop();
        }
        Ok(())
    }

    fn fill(&mut self, id: u32, file: Box<dyn DiskFile>) -> Result<LiveFile, StartError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut()).map_err(|e| StartError::Random(e.to_string()))?;
        let key = FileKey::new(&secret);
        let ledger = Arc::clone(&self.ledger);
        let mut file = LiveFile { id, file, key, next: 0, last: 0, length: 0, ledger };
        // The banner goes first so that a full disk does not cost a signature.
        let banner = comment_line(&self.banner, id);
        file.write(banner.as_bytes()).map_err(StartError::Write)?;
        let signature = self.signers.sign(secret.as_ref())?;
        let head = Head { sequence: 0, time: file.stamp(moment::now()), kind: 0, result: 0 };
        let mut text = String::new();
        let public = Base64UrlUnpadded::encode_string(secret.as_ref());
        let signed = Base64UrlUnpadded::encode_string(&signature);
        push_record(&mut text, &file.key, head, |t| t.push_str(&public), |t| t.push_str(&signed));
        file.write(text.as_bytes()).map_err(StartError::Write)?;
        file.file.sync().map_err(StartError::Write)?;
        // Named last: a crash before leaves no file without its key.
        file.file.name().map_err(StartError::Directory)?;
        self.disk.sync_directory().map_err(StartError::Directory)?;
        file.next = 1;
        file.enter(&format!("{banner}{text}"));
        Ok(file)
    }
}

/// The file that entries go to.
pub(crate) struct LiveFile {
    id: u32,
    file: Box<dyn DiskFile>,
    key: FileKey,
    /// The sequence number of the first entry that is not durable yet.
    next: u64,
    /// The latest time written: the clock may step back, the log does not.
    last: u32,
    /// How much of the file is known to be durable.
    length: u64,
    ledger: Arc<Ledger>,
}

/// What was committed: the numbers of its first record, in the file and in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed {
    pub(crate) sequence: u64,
    pub(crate) index: u64,
    /// How long the fdatasync took.
    pub(crate) synced: Duration,
}

/// What went wrong with a file, and whether it can be used again.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It can, once it is cut back to its durable length.
    Write(io::Error),
    /// It can't: nobody knows what of it is on the disk.
    Lost(io::Error),
    /// It can't: somebody else laid hands on it.
    Displaced(Displaced),
}

impl LiveFile {
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// How much of the file is known to be durable.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Writes the entries with one write and one fdatasync.
    /// Returns the numbers of the first, which the others follow, when all are durable.
    pub(crate) fn commit<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Record>,
        text: &mut String,
    ) -> Result<Committed, Fault> {
        text.clear();
        let (first, time) = (self.next, self.stamp(moment::now()));
        let mut sequence = first;
        for record in records {
            let (kind, result) = (record.kind.code(), record.result.code());
            let head = Head { sequence, time, kind, result };
            let (subject, ext) = (&record.subject, &record.ext);
            push_record(text, &self.key, head, |t| subject.push_to(t), |t| ext.push_to(t));
            sequence += 1;
        }
        let (index, synced) = self.make_durable(text)?;
        self.next = sequence;
        Ok(Committed { sequence: first, index, synced })
    }

    /// Writes a comment line and returns its index in the tree.
    pub(crate) fn annotate(&mut self, line: &str) -> Result<u64, Fault> {
        self.make_durable(&format!("{line}{LINE_END}")).map(|(index, _)| index)
    }

    /// Goes on after a failed write: cuts off what is not durable. Whether the file works again is
    /// for the next fdatasync to show.
    pub(crate) fn mend(&mut self) -> Result<(), Fault> {
        self.file.truncate(self.length).map_err(Fault::Lost)
    }

    /// Whether it is still where it was, as long as it was. A look that fails is no answer.
    pub(crate) fn look(&self) -> Result<(), Fault> {
        match self.file.look(self.length) {
            Ok(Some(displaced)) => Err(Fault::Displaced(displaced)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Puts what is durable of it back under its name, as far as it still is there.
    pub(crate) fn rescue(&mut self) -> io::Result<()> {
        self.file.rescue(self.length)
    }

    /// Returns the index of the first line, and how long the fdatasync took.
    fn make_durable(&mut self, text: &str) -> Result<(u64, Duration), Fault> {
        if let Err(error) = self.write(text.as_bytes()) {
            // Tried again when it is mended; now, so that a crash leaves no torn line.
            let _ = self.file.truncate(self.length);
            return Err(Fault::Write(error));
        }
        let began = Instant::now();
        self.file.sync().map_err(Fault::Lost)?;
        let synced = began.elapsed();
        // Durable is what can be found: in a file that was deleted meanwhile nothing is.
        match self.file.look(self.length + length_of(text)).map_err(Fault::Write)? {
            None => Ok((self.enter(text), synced)),
            Some(displaced) => Err(Fault::Displaced(displaced)),
        }
    }

    /// Counts in what is durable now.
    fn enter(&mut self, text: &str) -> u64 {
        self.length += length_of(text);
        self.ledger.enter(text, Position { file: self.id, offset: self.length })
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn stamp(&mut self, now: u32) -> u32 {
        self.last = self.last.max(now);
        self.last
    }
}

/// The banner as a comment line: one line, no `|` (which could make it a record),
/// printable ASCII only, at most 200 characters; then the id of the file, so that a file that is
/// renamed shows.
fn comment_line(banner: &str, id: u32) -> String {
    let plain = |c: char| if (c.is_ascii_graphic() && c != '|') || c == ' ' { c } else { '?' };
    let text: String = banner.chars().take(200).map(plain).collect();
    format!("# {text} {id:08x}{LINE_END}")
}

fn length_of(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Directory;
    use crate::held::HeldFile;

    #[test]
    fn a_banner_stays_one_comment_line() {
        let line = comment_line("Claviger 1|2|3|4|5|6|7\r\n0|0\u{e9}", 0x6231_0b2b);
        assert_eq!(line, "# Claviger 1?2?3?4?5?6?7??0?0? 62310b2b\r\n");
        assert!(comment_line(&"x".repeat(5000), 1).len() < 220);
    }

    #[test]
    fn a_clock_that_steps_back_does_not_show() {
        let folder = tempfile::tempdir().unwrap();
        let file = Box::new(HeldFile::create(folder.path().join("1.log")).unwrap());
        let key = FileKey::new(&[0; 32]);
        let shelf = Arc::new(Directory("/nonexistent".into()));
        let ledger = Arc::new(Ledger::new(shelf, Default::default(), None));
        let mut file = LiveFile { id: 1, file, key, next: 0, last: 0, length: 0, ledger };
        let stamps = [100, 90, 100, 101].map(|now| file.stamp(now));
        assert_eq!(stamps, [100, 100, 100, 101]);
    }
}
