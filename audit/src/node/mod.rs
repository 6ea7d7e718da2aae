//! The offline check of all files of a node, against the logger's public key alone.

mod check;
mod comments;
mod following;
mod oracle;
mod proving;
mod resuming;
mod trusting;
mod visit;
mod walking;

pub use check::{NodeSummary, verify_node, verify_node_from};
pub use following::{Follow, Known};
pub use proving::{prove, prove_consistency};
pub use visit::{BadVisit, Visit};

use thiserror::Error;

use crate::reading::{Cause, Finding};

/// A fault of a node's log: the first one, with its file.
#[derive(Debug, Error)]
#[error("{file}: {finding}")]
pub struct Flaw {
    /// The name of the file in the directory; empty if it is about the directory itself.
    pub file: String,
    /// What is wrong in it; line 0 means the file as a whole.
    pub finding: Finding,
}

impl Flaw {
    fn at(file: &str, line: u64, cause: impl Into<Cause>) -> Self {
        Self { file: file.to_owned(), finding: Finding { line, cause: cause.into() } }
    }
}
