//! Proofs from the files alone, for an auditor who has no daemon: one pass over all lines, in
//! bounded memory.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::disk::{self, Directory, Shelf};
use crate::log_key::LogKey;
use crate::node::Flaw;
use crate::proofs::{consistency_text, proof_text};
use crate::reading::{Cause, Lines};
use crate::restore::CHECKPOINT;
use crate::tree::{Hash, Span, Tree, consistency_spans, inclusion_spans};

/// The tlog-proof (C2SP) that the line `index` of the node, counted from 0, is covered by the
/// directory's checkpoint. `None` if it is not.
///
/// # Errors
/// A [`Flaw`] when the checkpoint is not good or the lines are not those it covers.
pub fn prove(directory: &Path, key: &LogKey, index: u64) -> Result<Option<String>, Flaw> {
    let checkpoint = published(directory, &key.as_in(directory))?;
    if index >= checkpoint.size() {
        return Ok(None);
    }
    let mut pass = Pass::new(inclusion_spans(index, checkpoint.size()), checkpoint.size());
    pass.through(directory)?;
    let proof = pass.finish(&checkpoint)?;
    Ok(Some(proof_text(index, &proof, &checkpoint)))
}

/// The proof that the first `old` lines of the node are the start of those that the directory's
/// checkpoint covers, in the form of the daemon's `/api/logger/consistency`. `None` if it covers
/// fewer.
///
/// # Errors
/// As [`prove`].
pub fn prove_consistency(directory: &Path, key: &LogKey, old: u64) -> Result<Option<String>, Flaw> {
    let checkpoint = published(directory, &key.as_in(directory))?;
    let new = checkpoint.size();
    if old > new {
        return Ok(None);
    }
    let mut pass = Pass::new(consistency_spans(old, new), new);
    pass.through(directory)?;
    let proof = pass.finish(&checkpoint)?;
    Ok(Some(consistency_text((old, new), &proof)))
}

fn published(directory: &Path, key: &LogKey) -> Result<Checkpoint, Flaw> {
    let note = Directory(directory.to_owned()).get(CHECKPOINT);
    let note = note.map_err(|error| Flaw::at(CHECKPOINT, 0, Cause::Unreadable(error)))?;
    let note = note.ok_or_else(|| Flaw::at(CHECKPOINT, 0, Cause::NoCheckpoint))?;
    Checkpoint::open(&String::from_utf8_lossy(&note), key)
        .map_err(|bad| Flaw::at(CHECKPOINT, 0, bad))
}

/// Hashes spans of lines on the way through the files.
struct Pass {
    spans: Vec<(Span, Tree)>,
    /// Over all lines.
    whole: Tree,
    size: u64,
}

impl Pass {
    fn new(spans: Vec<Span>, size: u64) -> Self {
        let spans = spans.into_iter().map(|span| (span, Tree::default())).collect();
        Self { spans, whole: Tree::default(), size }
    }

    fn through(&mut self, directory: &Path) -> Result<(), Flaw> {
        let unreadable = |file: &str, error| Flaw::at(file, 0, Cause::Unreadable(error));
        for id in disk::list(directory).map_err(|error| unreadable("", error))? {
            let file = format!("{id:08x}.log");
            let open = File::open(disk::path_of(directory, id));
            let open = open.map_err(|error| unreadable(&file, error))?;
            let mut lines = Lines::new(BufReader::new(open));
            while self.whole.size() < self.size {
                let number = lines.number() + 1;
                match lines.next().map_err(|cause| Flaw::at(&file, number, cause))? {
                    Some(line) => self.push(Hash::of_leaf(line.as_bytes())),
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, leaf: Hash) {
        let index = self.whole.size();
        let mut of = self.spans.iter_mut();
        if let Some((_, tree)) = of.find(|(span, _)| (span.start..span.end).contains(&index)) {
            tree.push(leaf, |_, _| {});
        }
        self.whole.push(leaf, |_, _| {});
    }

    /// The hashes of the spans, if all lines together are what the checkpoint covers.
    fn finish(self, checkpoint: &Checkpoint) -> Result<Vec<Hash>, Flaw> {
        let (signed, found) = (checkpoint.size(), self.whole.size());
        if found < signed {
            return Err(Flaw::at("", 0, Cause::Truncated { signed, found }));
        }
        if self.whole.root() != *checkpoint.root() {
            return Err(Flaw::at("", 0, Cause::NotAsSigned(signed)));
        }
        Ok(self.spans.into_iter().map(|(_, tree)| tree.root()).collect())
    }
}
