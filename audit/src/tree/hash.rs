//! The hashes of leaves and of what is above them.

use std::fmt;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// A hash in the tree: 32 bytes, shown as base64 (RFC 4648, section 4), as C2SP writes hashes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// A hash that was read.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash in strict base64, if that is what `text` is.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let length = Base64::decode(text, &mut bytes).ok()?.len();
        (length == 32).then_some(Self(bytes))
    }

    /// The root of the tree without leaves: SHA-256 of nothing.
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The leaf for a line: SHA-256 of a zero byte and the line's bytes without its line end.
    pub fn of_leaf(line: &[u8]) -> Self {
        Self(Sha256::new_with_prefix([0]).chain_update(line).finalize().into())
    }

    /// The node above two others: SHA-256 of a one byte and both.
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let both = Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0);
        Self(both.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64::encode_string(&self.0))
    }
}

/// The root of a perfect subtree over `hashes`, whose number is a power of two;
/// `None` for any other number.
pub(crate) fn fold(hashes: &[Hash]) -> Option<Hash> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        if !level.len().is_multiple_of(2) {
            return None;
        }
        let pairs = level.as_chunks::<2>().0;
        level = pairs.iter().map(|[left, right]| Hash::of_node(left, right)).collect();
    }
    level.first().copied()
}
