//! How far a verification came, written down so that another one can go on from there.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::checkpoint::{BadCheckpoint, Checkpoint};
use crate::log_key::LogKey;
use crate::node::NodeSummary;
use crate::tree::{Hash, Tree};
use crate::verify::Summary;

/// The end of a verification, or a rest on its way: the line of a checkpoint, up to which everything
/// was read, and which proved everything but the last few lines. Whoever goes on from it does not read
/// again what is before. As a text ([`to_text`](Self::to_text)) it is an auditor's own, like a pinned
/// key: the tree in it is checked against the signed checkpoint, the rest is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    pub(super) at: At,
    /// What the current file has shown so far.
    pub(super) check: Summary,
    /// What all files before it have, and the checkpoints of all.
    pub(super) node: NodeSummary,
    /// The tree of the checkpoint.
    pub(super) tree: Tree,
    /// The lines after it.
    pub(super) latest: Vec<Hash>,
    pub(super) checkpoint: Checkpoint,
    /// Further keys of the log, which it was found to name.
    pub(super) keys: Vec<LogKey>,
}

/// Where reading goes on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    /// The number of the file: its name in hex.
    pub(super) file: u32,
    /// How many lines of it were read.
    pub(super) line: u64,
    /// How many bytes of it these are.
    pub(super) offset: u64,
    /// The line that brought the key of those that follow.
    pub(super) key_record: String,
    /// Whether its run was closed: nothing may follow there.
    pub(super) ended: bool,
}

impl Visit {
    /// The checkpoint that everything before it was proved by.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// As JSON, on several lines.
    pub fn to_text(&self) -> String {
        let texts = |hashes: &[Hash]| hashes.iter().map(ToString::to_string).collect();
        let text = Text {
            format: FORMAT.to_owned(),
            at: self.at.clone(),
            check: self.check,
            node: self.node,
            edge: self.tree.edge().iter().map(|tile| texts(tile)).collect(),
            latest: texts(&self.latest),
            checkpoint: self.checkpoint.to_string(),
            keys: self.keys.iter().map(ToString::to_string).collect(),
        };
        // There is nothing in it that JSON has no form for.
        serde_json::to_string_pretty(&text).unwrap_or_default() + "\n"
    }

    /// Reads what [`to_text`](Self::to_text) wrote about the log of `key`.
    ///
    /// # Errors
    /// [`BadVisit`] says what is wrong with it.
    pub fn read(text: &str, key: &LogKey) -> Result<Self, BadVisit> {
        let text: Text = serde_json::from_str(text).map_err(|_| BadVisit::Malformed)?;
        let Text { format, at, check, node, edge, latest, checkpoint, keys } = text;
        if format != FORMAT {
            return Err(BadVisit::Malformed);
        }
        let keys = keys.iter().map(|key| LogKey::parse(key)).collect::<Option<Vec<_>>>();
        let keys = keys.ok_or(BadVisit::Malformed)?;
        let all = [std::slice::from_ref(key), &keys].concat();
        let checkpoint = Checkpoint::open_by(&checkpoint, &all)?;
        let hashes = |texts: &Vec<String>| texts.iter().map(|text| Hash::parse(text)).collect();
        let edge: Option<_> = edge.iter().map(hashes).collect();
        let latest = hashes(&latest).ok_or(BadVisit::Malformed)?;
        let tree = edge.and_then(|edge| Tree::from_edge(checkpoint.size(), edge));
        let tree = tree.filter(|tree| tree.root() == *checkpoint.root()).ok_or(BadVisit::Tree)?;
        Ok(Self { at, check, node, tree, latest, checkpoint, keys })
    }
}

/// Why a text is no visit to go on from.
#[derive(Debug, Error)]
pub enum BadVisit {
    /// Its checkpoint can't be believed, or is by another key.
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// Not what a verification writes.
    #[error("it is not what `--resume` writes: take it away, and everything is read again")]
    Malformed,
    /// Its tree is not the one that was signed.
    #[error("its tree is not that of its checkpoint: take it away, and everything is read again")]
    Tree,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    at: At,
    check: Summary,
    node: NodeSummary,
    edge: Vec<Vec<String>>,
    latest: Vec<String>,
    checkpoint: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
}

const FORMAT: &str = "claviger-audit visit 2";
