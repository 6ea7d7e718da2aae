//! Going on from an earlier visit: its place must still be there, and what was signed since must
//! agree with it.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};

use crate::checkpoint::Checkpoint;
use crate::node::check::{Node, Place, name_of};
use crate::node::comments::Comments;
use crate::node::visit::At;
use crate::node::{Flaw, Visit};
use crate::reading::{Cause, Lines};
use crate::restore::CHECKPOINT;
use crate::verify::Check;
use crate::window::Window;

impl Node<'_> {
    /// Takes over what was found up to the visit, if `ids` still are files as they were then.
    pub(super) fn go_on(&mut self, visit: &Visit, ids: &[u32]) -> Result<(), Flaw> {
        let At { file, line, .. } = visit.at;
        let before = ids.iter().position(|id| *id == file).and_then(|at| u64::try_from(at).ok());
        if before != Some(visit.node.files) {
            return Err(Flaw::at(&name_of(file), 0, Cause::LinesMissing));
        }
        let (size, signed) = (visit.checkpoint.size(), self.published.size);
        if signed < size {
            let cause = Cause::RolledBack { since: size, found: signed };
            return Err(Flaw::at(CHECKPOINT, 0, cause));
        }
        self.window = Window::over(visit.tree.clone(), visit.latest.iter().copied());
        self.summary = visit.node;
        self.trusted.extend(visit.keys.iter().cloned());
        self.here =
            Place { file: name_of(file), line, index: self.window.size().saturating_sub(1) };
        self.comments = if visit.at.ended { Comments::Ended } else { Comments::Open };
        self.repeated = visit.checkpoint.says(self.published);
        if signed < self.window.size() {
            self.after_published = Some(self.here.clone());
        }
        // A root that was signed for lines that are behind us already.
        match self.window.root_at(signed) {
            Some(root) if root != self.published.root => {
                Err(Flaw::at(CHECKPOINT, 0, Cause::Rewritten(signed)))
            }
            _ => Ok(()),
        }
    }

    /// The rest of the file that the visit ended in.
    pub(super) fn rest(
        &self,
        visit: &Visit,
        mut open: File,
    ) -> Result<(Lines<BufReader<File>>, Check), Flaw> {
        let At { file, line, offset, key_record, .. } = &visit.at;
        let fault = |cause| Flaw::at(&name_of(*file), 0, cause);
        let length = skip(&mut open, *offset).map_err(|error| fault(Cause::Unreadable(error)))?;
        if length < *offset {
            return Err(fault(Cause::RolledBackFile { read: *offset, found: length }));
        }
        let check = Check::go_on(self.loggers_then(), key_record, visit.check).map_err(fault)?;
        let lines = Lines::after(BufReader::new(open), (*line, *offset)).strict();
        Ok((lines, check))
    }

    /// Where a verification that comes after this one may go on: at the line that was read last, which
    /// has `checkpoint`. `None` where something is left that it would have to know of.
    pub(super) fn visit(
        &self,
        checkpoint: Checkpoint,
        lines: &Lines<BufReader<File>>,
        (file, check): (u32, &Check),
    ) -> Option<Visit> {
        let (tree, latest) = self.window.parts();
        let clean = self.is_clean() && self.named.is_empty() && latest.len() <= LATEST;
        let key_record = check.key_record.clone();
        let ended = self.comments == Comments::Ended;
        let at = At { file, line: lines.number(), offset: lines.offset(), key_record, ended };
        clean.then(|| Visit {
            at,
            check: check.summary,
            node: self.summary,
            tree: tree.clone(),
            latest: latest.collect(),
            keys: self.trusted.iter().skip(1).cloned().collect(),
            checkpoint,
        })
    }
}

/// Goes to a place of a file and answers its length.
fn skip(file: &mut File, offset: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(offset))?;
    Ok(file.metadata()?.len())
}

/// So many lines may stand between what a checkpoint covers and its own line in a visit; after more of
/// them the next checkpoint makes one.
const LATEST: usize = 4096;
