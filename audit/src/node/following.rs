//! What a verification starts from, and who is told how it comes along.

use std::collections::HashMap;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::disk::path_of;
use crate::node::Visit;

/// What is known of a log before it is verified.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Nothing but its key.
    Nothing,
    /// An earlier checkpoint from elsewhere: the log must go on from it. All of it is read.
    Checkpoint(&'a Checkpoint),
    /// An earlier verification: the log must go on from it. What is after it is read.
    Visit(&'a Visit),
}

impl<'a> Known<'a> {
    pub(super) fn checkpoint(self) -> Option<&'a Checkpoint> {
        match self {
            Known::Checkpoint(checkpoint) => Some(checkpoint),
            _ => None,
        }
    }

    pub(super) fn visit(self) -> Option<&'a Visit> {
        match self {
            Known::Visit(visit) => Some(visit),
            _ => None,
        }
    }
}

/// Is told how a verification comes along.
pub trait Follow {
    /// So many bytes of so many are behind it.
    fn read(&mut self, bytes: u64, of: u64);

    /// Everything up to here was found to be good: another verification may go on from it.
    fn reached(&mut self, visit: Visit);
}

/// Nobody.
pub(super) struct Unfollowed;

impl Follow for Unfollowed {
    fn read(&mut self, _: u64, _: u64) {}

    fn reached(&mut self, _: Visit) {}
}

/// How much of all files is behind a verification.
pub(super) struct Road<'a> {
    lengths: HashMap<u32, u64>,
    behind: u64,
    of: u64,
    follow: &'a mut dyn Follow,
}

impl<'a> Road<'a> {
    pub(super) fn over(directory: &Path, ids: &[u32], follow: &'a mut dyn Follow) -> Self {
        let length = |id: &u32| path_of(directory, *id).metadata().map_or(0, |file| file.len());
        let lengths: HashMap<_, _> = ids.iter().map(|id| (*id, length(id))).collect();
        let of = lengths.values().sum();
        Self { lengths, behind: 0, of, follow }
    }

    /// So many lines and bytes of the current file were read.
    pub(super) fn at(&mut self, line: u64, offset: u64) {
        if line.is_multiple_of(STEP) {
            self.follow.read(self.behind + offset, self.of);
        }
    }

    pub(super) fn reached(&mut self, visit: Visit) {
        self.follow.reached(visit);
    }

    pub(super) fn leave(&mut self, id: u32) {
        self.behind += self.lengths.get(&id).unwrap_or(&0);
        self.follow.read(self.behind, self.of);
    }
}

/// Whoever follows is told after so many lines.
const STEP: u64 = 4096;
