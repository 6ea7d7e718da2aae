//! How far something compressed may expand. It is counted while it expands: no length that comes with
//! it is believed.

use std::io::Read;

use zeroize::Zeroizing;

use super::FormatError;

/// How far one message may expand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes, all its files together.
    pub bytes: usize,
    /// Files in a ZIP.
    pub entries: usize,
    /// Bytes for each byte that is compressed, where they are more than [`Limits::FREE`].
    pub ratio: usize,
}

impl Limits {
    /// So many bytes may come of anything, however short.
    pub const FREE: usize = 64 << 10;

    /// What `packed` compressed bytes may expand to where `taken` bytes are there already.
    fn room(self, packed: usize, taken: usize) -> usize {
        let by_ratio = packed.saturating_mul(self.ratio).max(Self::FREE);
        by_ratio.min(self.bytes.saturating_sub(taken))
    }

    /// All that `source`, `packed` bytes compressed, expands to.
    pub(super) fn expand(
        self,
        mut source: impl Read,
        packed: usize,
        taken: usize,
    ) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let room = self.room(packed, taken);
        let mut expanded = Zeroizing::new(Vec::with_capacity(packed.saturating_mul(2).min(room)));
        let mut some = Zeroizing::new([0; 8 << 10]);
        loop {
            let read = source.read(&mut *some).map_err(|_| BROKEN)?;
            let Some(some) = some.get(..read).filter(|some| !some.is_empty()) else {
                return Ok(expanded);
            };
            if some.len() > room.saturating_sub(expanded.len()) {
                return Err(FormatError::TooLarge);
            }
            append(&mut expanded, some);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, entries: 16, ratio: 200 }
    }
}

/// Appends `more`. A vector that grows by itself leaves copies behind that are not wiped.
fn append(text: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = text.len().saturating_add(more.len());
    if needed > text.capacity() {
        let mut larger = Vec::with_capacity(needed.max(text.capacity().saturating_mul(2)));
        larger.extend_from_slice(text);
        *text = Zeroizing::new(larger);
    }
    text.extend_from_slice(more);
}

const BROKEN: FormatError = FormatError::Malformed("what is compressed is broken off or damaged");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_counted_while_it_expands() {
        let limits = Limits { bytes: 100_000, entries: 1, ratio: 10 };
        let all = |length: u64, packed, taken| {
            limits.expand(std::io::repeat(7).take(length), packed, taken).map(|all| all.len())
        };
        assert_eq!(all(65_536, 1, 0), Ok(65_536), "so much is free");
        assert_eq!(all(65_537, 1, 0), Err(FormatError::TooLarge), "the ratio");
        assert_eq!(all(70_000, 7_000, 0), Ok(70_000));
        assert_eq!(all(100_001, 20_000, 0), Err(FormatError::TooLarge), "the bytes");
        assert_eq!(all(60_001, 20_000, 40_000), Err(FormatError::TooLarge), "together");
        assert_eq!(all(u64::MAX, 20_000, 0), Err(FormatError::TooLarge), "without an end");
        assert_eq!(all(0, 0, 200_000), Ok(0));
    }
}
