//! The Merkle tree over the lines of the log (RFC 6962, section 2.1, with SHA-256).

mod growing;
mod hash;
mod proof;
mod tile;

pub(crate) use growing::Tree;
pub use hash::Hash;
pub(crate) use hash::fold;
pub(crate) use proof::{Span, consistency_spans, inclusion_spans};
pub use proof::{proves_consistency, proves_inclusion};
pub(crate) use tile::{TILE, TileId, Tiles, hash_of};
