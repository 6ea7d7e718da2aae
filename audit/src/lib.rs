//! What happened, written down durably before anyone is told.
//!
//! [`Log::start`] begins one file in the HEM line format, signed by the logger
//! key through a [`Signer`].  [`Log::open`] starts an entry, [`Entry::close`]
//! finishes it, and only then is there a [`Receipt`], which an answer costs.
//! An entry that is dropped unfinished is written as an error.
//!
//! Every line is a leaf of a Merkle tree through all files of the node, whose root the
//! logger key signs in checkpoints.  [`verify_node`] checks all of it offline with
//! nothing but the public key, [`verify`] a single file.  The format and what it proves
//! are described in `docs/audit-format.md`.

mod anchor;
mod anew;
mod bundle;
mod checkpoint;
mod closing;
mod cosignature;
mod cursor;
mod disk;
mod entry;
mod event;
#[cfg(test)]
mod faults;
mod feed;
mod field;
mod file;
mod health;
mod held;
mod identity;
mod job;
mod ledger;
mod line;
mod log;
mod log_key;
mod moment;
mod node;
mod notary;
mod options;
mod outage;
mod proofs;
mod reading;
mod restore;
mod rotation;
mod rows;
mod saved;
mod signer;
mod signers;
mod start_error;
mod tail;
mod tree;
mod verify;
mod waiting;
mod watch;
mod window;
mod writer;

pub use anchor::{Anchor, AnchorError};
pub use anew::begin_anew;
pub use checkpoint::{BadCheckpoint, Checkpoint};
pub use closing::{Closing, Receipt, Unopened, Unwritten};
pub use cosignature::{BadCosignature, Cosignature, WitnessKey};
pub use cursor::{Cursor, NoCursor};
pub use disk::log_files;
pub use ed25519_dalek::VerifyingKey;
pub use entry::Entry;
pub use event::{LogResult, LogType};
pub use feed::{Content, Fed, Feed, Leaf};
pub use field::{Ext, Subject};
pub use log::Log;
pub use log_key::LogKey;
pub use moment::{civil, rfc3339};
pub use node::{BadVisit, Flaw, Follow, Known, NodeSummary, Visit};
pub use node::{prove, prove_consistency, verify_node, verify_node_from};
pub use options::{Acknowledge, Options};
pub use proofs::{BadProof, ProofError, check_proof};
pub use reading::{Cause, Finding};
pub use rotation::{begin_rotation, end_rotation};
pub use rows::{Row, Rows, rows};
pub use signer::{Signer, SignerError};
pub use start_error::StartError;
pub use tree::{Hash, proves_consistency, proves_inclusion};
pub use verify::{Summary, verify};
pub use watch::Watch;
