//! Proofs from the log of a daemon that runs, as texts (C2SP tlog-proof).

use std::io;

use thiserror::Error;

use crate::checkpoint::{BadCheckpoint, Checkpoint};
use crate::ledger::Ledger;
use crate::log_key::LogKey;
use crate::tree::{Hash, Span, TILE, TileId, Tiles, consistency_spans, hash_of};
use crate::tree::{inclusion_spans, proves_consistency, proves_inclusion};

/// That line `index` is covered by the latest checkpoint.
pub(crate) fn inclusion(ledger: &Ledger, index: u64) -> Result<String, ProofError> {
    let checkpoint = ledger.published().ok_or(ProofError::NotYet { size: 0 })?;
    let (size, root) = (checkpoint.size(), checkpoint.root());
    if index >= size {
        return Err(ProofError::NotYet { size });
    }
    let leaf = ledger.tile(TileId { level: 0, index: index / TILE })?;
    let leaf = usize::try_from(index % TILE).ok().and_then(|place| leaf.get(place).copied());
    let proof = hashes(ledger, inclusion_spans(index, size))?;
    // Tiles are only files: nothing wrong in them may leave as a proof.
    match leaf {
        Some(leaf) if proves_inclusion(&leaf, index, size, root, &proof) => {
            Ok(proof_text(index, &proof, &checkpoint))
        }
        _ => Err(damaged()),
    }
}

/// That the tree of `old` lines is the start of that of `new`: a line for each size, and the
/// hashes, one a line.
pub(crate) fn consistency(ledger: &Ledger, old: u64, new: u64) -> Result<String, ProofError> {
    let checkpoint = ledger.published().ok_or(ProofError::NotYet { size: 0 })?;
    let size = checkpoint.size();
    if old > new {
        return Err(ProofError::Backwards);
    }
    if new > size {
        return Err(ProofError::NotYet { size });
    }
    let proof = hashes(ledger, consistency_spans(old, new))?;
    let root_at = |end| hash_of(ledger, Span { start: 0, end });
    let (old_root, new_root) = (root_at(old)?, root_at(new)?);
    let known = new != size || new_root == *checkpoint.root();
    if !known || !proves_consistency((old, &old_root), (new, &new_root), &proof) {
        return Err(damaged());
    }
    Ok(consistency_text((old, new), &proof))
}

/// The hashes of a tile one after another, if the latest checkpoint covers them; `None` for what is
/// no path of a tile.
pub(crate) fn tile(ledger: &Ledger, path: &str) -> Option<Result<Vec<u8>, ProofError>> {
    let (id, count) = TileId::parse(path)?;
    let size = ledger.published().map_or(0, |checkpoint| checkpoint.size());
    let known = size.checked_shr(8 * u32::from(id.level)).unwrap_or(0);
    let end = id.index.checked_mul(TILE).and_then(|start| start.checked_add(count));
    if end.is_none_or(|end| end > known) {
        return Some(Err(ProofError::NotYet { size }));
    }
    Some(ledger.tile(id).map_err(ProofError::Damaged).and_then(|hashes| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let hashes = hashes.get(..count).ok_or_else(damaged)?;
        Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }))
}

/// A tlog-proof: index, hashes, checkpoint.
pub(crate) fn proof_text(index: u64, proof: &[Hash], checkpoint: &Checkpoint) -> String {
    format!("{FIRST}\nindex {index}\n{}\n{checkpoint}", lines(proof))
}

/// Checks a tlog-proof for a line of the log, given without its line end. Returns the index of
/// the line and the checkpoint that covers it.
///
/// # Errors
/// [`BadProof`] says what is wrong.
pub fn check_proof(text: &str, line: &[u8], key: &LogKey) -> Result<(u64, Checkpoint), BadProof> {
    let malformed = || BadProof::Malformed;
    let (head, note) = text.split_once("\n\n").ok_or_else(malformed)?;
    let mut lines = head.split('\n').peekable();
    if lines.next() != Some(FIRST) {
        return Err(BadProof::Malformed);
    }
    lines.next_if(|line| line.starts_with("extra "));
    let index = lines.next().and_then(|line| line.strip_prefix("index "));
    let index: u64 = index.and_then(|index| index.parse().ok()).ok_or_else(malformed)?;
    let proof: Vec<_> = lines.map(Hash::parse).collect::<Option<_>>().ok_or_else(malformed)?;
    let checkpoint = Checkpoint::open(note, key)?;
    let (leaf, size) = (Hash::of_leaf(line), checkpoint.size());
    if !proves_inclusion(&leaf, index, size, checkpoint.root(), &proof) {
        return Err(BadProof::Wrong);
    }
    Ok((index, checkpoint))
}

/// Why a proof is none.
#[derive(Debug, Error)]
pub enum BadProof {
    /// Its checkpoint can't be believed.
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// Not a proof.
    #[error("not a tlog-proof: it takes its first line, an index, hashes, and a checkpoint")]
    Malformed,
    /// It does not lead from the line to the root.
    #[error("the proof does not lead from this line to the root of the checkpoint")]
    Wrong,
}

/// Two sizes and the hashes, each on a line.
pub(crate) fn consistency_text((old, new): (u64, u64), proof: &[Hash]) -> String {
    format!("old {old}\nnew {new}\n{}", lines(proof))
}

/// Why there is no proof.
#[derive(Debug, Error)]
pub enum ProofError {
    /// The first of the two sizes is the larger one.
    #[error("the old size is larger than the new one")]
    Backwards,
    /// The tiles can't be read, or do not come to the signed root.
    #[error("the tiles of the audit log can't be used: {0}; a restart without them rebuilds them")]
    Damaged(#[from] io::Error),
    /// The latest checkpoint does not cover that much yet.
    #[error("the latest checkpoint covers {size} lines: ask again after the next one")]
    NotYet {
        /// How many lines it covers.
        size: u64,
    },
}

fn hashes(ledger: &Ledger, spans: Vec<Span>) -> io::Result<Vec<Hash>> {
    spans.into_iter().map(|span| hash_of(ledger, span)).collect()
}

fn lines(proof: &[Hash]) -> String {
    proof.iter().map(|hash| format!("{hash}\n")).collect()
}

fn damaged() -> ProofError {
    ProofError::Damaged(io::Error::new(
        io::ErrorKind::InvalidData,
        "they do not come to the root of the checkpoint",
    ))
}

/// The first line of a tlog-proof.
pub(crate) const FIRST: &str = "c2sp.org/tlog-proof@v1";
