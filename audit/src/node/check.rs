//! Line by line through all files: each file by itself, and the tree against every checkpoint.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::checkpoint::{BadCheckpoint, Checkpoint, Claim};
use crate::disk::{Directory, Shelf};
use crate::log_key::LogKey;
use crate::node::Flaw;
use crate::node::comments::Comments;
use crate::node::following::{Follow, Known, Road, Unfollowed};
use crate::node::oracle::{Oracle, tile_of};
use crate::reading::{Cause, Lines};
use crate::restore::CHECKPOINT;
use crate::tree::Hash;
use crate::verify::{Check, Summary};
use crate::window::Window;

/// What a log without a flaw holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct NodeSummary {
    /// Log files.
    pub files: u64,
    /// Lines of all kinds: the leaves of the tree.
    pub lines: u64,
    /// Records, those that bring a key too.
    pub records: u64,
    /// Checkpoints in the files.
    pub checkpoints: u64,
    /// How many lines the last checkpoint covers; those after it are only tagged.
    pub signed: u64,
    /// How many records are among the lines after it.
    pub unsigned_records: u64,
    /// Unix time of the first record.
    pub first_time: u32,
    /// Unix time of the last record.
    pub last_time: u32,
}

/// Checks all files of a node's log directory: each as [`verify`](crate::verify) does, and the
/// tree over their lines against every checkpoint in them, against the file `checkpoint`, and
/// against `since`, an earlier checkpoint from elsewhere. Memory does not grow with the log.
///
/// Other keys are trusted from where the log names them, once a checkpoint by a trusted key covers
/// that line. Where `key` has taken over from another one, what is before it is proved by its own
/// checkpoints.
///
/// # Errors
/// The first [`Flaw`].
pub fn verify_node(
    directory: &Path,
    key: &LogKey,
    since: Option<&Checkpoint>,
) -> Result<NodeSummary, Flaw> {
    let known = since.map_or(Known::Nothing, Known::Checkpoint);
    verify_node_from(directory, key, known, &mut Unfollowed)
}

/// Does what [`verify_node`] does, from what is known, and tells `follow` how it comes along.
///
/// # Errors
/// As [`verify_node`].
pub fn verify_node_from(
    directory: &Path,
    key: &LogKey,
    known: Known<'_>,
    follow: &mut dyn Follow,
) -> Result<NodeSummary, Flaw> {
    let key = &key.as_in(directory);
    let unreadable = |file: &str, error| Flaw::at(file, 0, Cause::Unreadable(error));
    // Read first: a running daemon puts the line in a file before.
    let note = Directory(directory.to_owned()).get(CHECKPOINT);
    let note = note.map_err(|error| unreadable(CHECKPOINT, error))?;
    let note = note.ok_or_else(|| Flaw::at(CHECKPOINT, 0, Cause::NoCheckpoint))?;
    let in_checkpoint = |bad| Flaw::at(CHECKPOINT, 0, bad);
    let note = Checkpoint::unchecked(&String::from_utf8_lossy(&note)).map_err(in_checkpoint)?;
    let refused = match note.clone().by(std::slice::from_ref(key)) {
        Ok(_) => None,
        // It may be by a key that the log itself names.
        Err(BadCheckpoint::WrongKey) => Some(BadCheckpoint::WrongKey),
        Err(bad) => return Err(in_checkpoint(bad)),
    };
    let mut node = Node::new(directory, key, (&note.claim, known.checkpoint()));
    let walked = node.walk(directory, known, follow);
    match refused {
        Some(bad) if node.trusted.len() == 1 => return Err(in_checkpoint(bad)),
        _ => walked?,
    }
    let (trusted, summary) = node.end()?;
    note.by(&trusted).map_err(in_checkpoint)?;
    Ok(summary)
}

/// A line, for people.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) index: u64,
}

/// The name of a log file.
pub(super) fn name_of(id: u32) -> String {
    format!("{id:08x}.log")
}

pub(super) struct Node<'a> {
    /// The given key, and those that the log was found to name.
    pub(super) trusted: Vec<LogKey>,
    /// Keys that the log names, with the index of the line, which no checkpoint has proved yet.
    pub(super) named: Vec<(u64, LogKey)>,
    /// Whether others may have signed what is before: the given key took over from one of them. Its own
    /// checkpoints, of which that in `checkpoint` must be one, prove those lines all the same.
    pub(super) lenient: bool,
    pub(super) published: &'a Claim,
    since: Option<&'a Checkpoint>,
    pub(super) window: Window,
    oracle: Oracle,
    pub(super) summary: NodeSummary,
    pub(super) here: Place,
    /// Of the file that is being read.
    pub(super) comments: Comments,
    /// The files so far, each with the index of its first line.
    files: Vec<(u64, String)>,
    /// The first of them that is not what the oracle says.
    different: Option<Place>,
    /// Whether the line after that one differs too.
    all_differ: bool,
    /// A tile that was wrong about lines that were right.
    bad_tile: Option<String>,
    /// Where the first line stands that the published checkpoint does not cover.
    pub(super) after_published: Option<Place>,
    pub(super) repeated: bool,
    /// That of the line that was read last, if it had one.
    reached: Option<Checkpoint>,
}

impl<'a> Node<'a> {
    fn new(
        directory: &Path,
        key: &LogKey,
        (published, since): (&'a Claim, Option<&'a Checkpoint>),
    ) -> Self {
        Self {
            trusted: vec![key.clone()],
            named: Vec::new(),
            lenient: key.is_later(),
            published,
            since,
            window: Window::default(),
            oracle: Oracle::new(directory, key),
            summary: NodeSummary::default(),
            here: Place::default(),
            comments: Comments::default(),
            files: Vec::new(),
            different: None,
            all_differ: false,
            bad_tile: None,
            after_published: None,
            repeated: false,
            reached: None,
        }
    }

    /// Whether nothing was found so far that is told at the end only.
    pub(super) fn is_clean(&self) -> bool {
        self.different.is_none() && self.bad_tile.is_none() && self.oracle.cut.is_none()
    }

    pub(super) fn file(
        &mut self,
        id: u32,
        (mut lines, mut check): (Lines<BufReader<File>>, Check),
        road: &mut Road<'_>,
    ) -> Result<(), Flaw> {
        let name = &name_of(id);
        self.files.push((self.window.size().saturating_sub(lines.number()), name.clone()));
        loop {
            let number = lines.number() + 1;
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(cause) => return Err(self.fault(name, number, cause)),
            };
            if number == 1 && !line.ends_with(&format!(" {id:08x}")) {
                return Err(self.fault(name, number, Cause::Misnamed));
            }
            let Summary { records: before, comments, .. } = check.summary;
            let seen = check.line(line).and_then(|()| {
                let comment = check.summary.comments > comments;
                self.comments.line(line, (number, self.window.size()), comment)
            });
            if let Err(cause) = seen {
                return Err(self.fault(name, number, cause));
            }
            self.here = Place { file: name.to_owned(), line: number, index: self.window.size() };
            self.summary.unsigned_records += check.summary.records - before;
            if let Some(changed) = check.key_changed.take() {
                self.take_in(&changed);
            }
            self.line(line)?;
            if let Some(checkpoint) = self.reached.take() {
                let visit = self.visit(checkpoint, &lines, (id, &check));
                visit.into_iter().for_each(|visit| road.reached(visit));
            }
            road.at(number, lines.offset());
        }
        let found = check.summary;
        if self.summary.records == 0 {
            self.summary.first_time = found.first_time;
        }
        if found.records > 0 {
            self.summary.last_time = found.last_time;
        }
        self.summary.records += found.records;
        self.summary.files += 1;
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), Flaw> {
        let (leaf, index) = (Hash::of_leaf(line.as_bytes()), self.here.index);
        self.consult(leaf);
        if index == self.published.size {
            self.after_published = Some(self.here.clone());
        }
        self.window.push(leaf);
        self.summary.lines = self.window.size();
        if let Some(read) = Checkpoint::of_line(line) {
            let read = read.map_err(|bad| self.flaw_here(bad))?;
            let signed = self.signed(read.clone())?;
            self.checkpoint(&read.claim)?;
            if signed.is_some() {
                self.trust(read.claim.size);
            }
            self.reached = signed;
        }
        if self.window.size() == self.published.size {
            self.compare(self.published)?;
        }
        match self.since {
            Some(since) if since.size() == self.window.size() => self.compare_since(since),
            _ => Ok(()),
        }
    }

    /// Compares the line with what it should be.
    fn consult(&mut self, leaf: Hash) {
        let index = self.here.index;
        let after = self.different.as_ref().map(|place| place.index + 1);
        if after.is_some_and(|after| after != index) {
            return;
        }
        let differs = self.oracle.leaf(index).is_some_and(|known| known != leaf);
        if after.is_some() {
            self.all_differ = differs;
        } else if differs {
            self.different = Some(self.here.clone());
        }
    }

    /// A checkpoint among the lines: it covers lines before itself, and more than the last one.
    fn checkpoint(&mut self, checkpoint: &Claim) -> Result<(), Flaw> {
        let size = checkpoint.size;
        if size <= self.summary.signed || size > self.here.index {
            return Err(self.flaw_before(size, Cause::MisplacedCheckpoint));
        }
        self.compare(checkpoint)?;
        self.repeated |= checkpoint == self.published;
        self.window.settle(size);
        for (id, tile) in self.window.take_above() {
            if !self.oracle.agrees(id, &tile) {
                self.bad_tile.get_or_insert(id.path());
            }
        }
        self.summary.checkpoints += 1;
        self.summary.signed = size;
        self.summary.unsigned_records = 0;
        if let Some(place) = self.different.take_if(|place| place.index < size) {
            self.bad_tile.get_or_insert(tile_of(place.index));
        }
        Ok(())
    }

    fn compare(&self, checkpoint: &Claim) -> Result<(), Flaw> {
        let size = checkpoint.size;
        match self.window.root_at(size) {
            Some(root) if root == checkpoint.root => Ok(()),
            Some(_) => Err(self.changed(size)),
            None => Err(self.flaw_here(Cause::MisplacedCheckpoint)),
        }
    }

    fn compare_since(&self, since: &Checkpoint) -> Result<(), Flaw> {
        let size = since.size();
        if self.window.root_at(size).as_ref() == Some(since.root()) {
            return Ok(());
        }
        Err(self.flaw_here(Cause::Rewritten(size)))
    }

    /// A fault of a single line. If one before it is not what it should be, that is the first.
    fn fault(&self, file: &str, line: u64, cause: Cause) -> Flaw {
        match &self.different {
            Some(_) => self.changed(u64::MAX),
            None => Flaw::at(file, line, cause),
        }
    }

    /// The lines do not come to the root over `size` of them.
    fn changed(&self, size: u64) -> Flaw {
        match &self.different {
            // Files begin alike: the banner is the same where its place is another.
            Some(place) if self.starts_elsewhere(place) => {
                Flaw::at(&place.file, place.line, Cause::LinesMissing)
            }
            Some(place) if place.index < size => Flaw::at(&place.file, place.line, Cause::Forged),
            _ => {
                let (file, line) = self.first_unproved();
                Flaw::at(file, line, Cause::NotAsSigned(size))
            }
        }
    }

    /// The first line that no checkpoint has proved: that after the last one covered. The line of
    /// the checkpoint may stand after others that it does not cover.
    fn first_unproved(&self) -> (&str, u64) {
        let index = self.summary.signed;
        let of = self.files.iter().rev().find(|(first, _)| *first <= index);
        let of = of.or(self.files.first());
        of.map_or(("", 0), |(first, file)| (file, index.saturating_sub(*first) + 1))
    }

    /// Whether the difference is that of a whole file. Files begin alike: the banner may be the
    /// same where its place is another.
    fn starts_elsewhere(&self, place: &Place) -> bool {
        let not_first = place.index >= place.line || self.summary.files > 0;
        self.all_differ && place.line <= 2 && not_first
    }

    /// A checkpoint that comes too early may do so because lines before it are missing.
    fn flaw_before(&self, size: u64, cause: Cause) -> Flaw {
        match &self.different {
            Some(place) if size > self.here.index && place.index < self.here.index => {
                self.changed(size)
            }
            _ => self.flaw_here(cause),
        }
    }

    pub(super) fn flaw_here(&self, cause: impl Into<Cause>) -> Flaw {
        Flaw::at(&self.here.file, self.here.line, cause)
    }

    /// The keys that are trusted now, and what was found.
    fn end(self) -> Result<(Vec<LogKey>, NodeSummary), Flaw> {
        let (found, signed) = (self.window.size(), self.published.size);
        if found <= signed {
            return Err(self.flaw_here(Cause::Truncated { signed, found }));
        }
        if let Some(since) = self.since.map(Checkpoint::size).filter(|since| found <= *since) {
            return Err(self.flaw_here(Cause::RolledBack { since, found }));
        }
        if !self.repeated {
            let place = self.after_published.as_ref().unwrap_or(&self.here);
            return Err(Flaw::at(&place.file, place.line, Cause::NotRepeated));
        }
        let different = self.different.map(|place| tile_of(place.index));
        match self.bad_tile.or(different).or(self.oracle.cut) {
            Some(tile) => Err(Flaw::at(&tile, 0, Cause::BadTile)),
            None => Ok((self.trusted, self.summary)),
        }
    }
}
