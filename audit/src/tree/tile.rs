//! Hashes by tiles of 256 (C2SP tlog-tiles): where they lie, and what is computed from them.

use std::io;

use crate::tree::{Hash, Span, fold};

/// Hashes in a full tile.
pub(crate) const TILE: u64 = 256;

/// Which tile: level 0 has the leaves, and each level the roots of the tiles below.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct TileId {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

impl TileId {
    /// Its path, such as `tile/0/x001/234`.
    pub(crate) fn path(self) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        format!("tile/{}/{path}", self.level)
    }

    /// Reads a path below `tile/` (C2SP tlog-tiles), such as `0/x001/234` or `0/x001/234.p/17`: which
    /// tile, and how many of its hashes. `None` for what is no such path.
    pub(crate) fn parse(path: &str) -> Option<(Self, u64)> {
        let (full, width) = match path.split_once(".p/") {
            Some((full, width)) => (full, Some(width)),
            None => (path, None),
        };
        let (level, number) = full.split_once('/')?;
        let digits = |element: &str| element.trim_start_matches('x').parse::<u64>().ok();
        let index = number.split('/').try_fold(0u64, |index, element| {
            index.checked_mul(1000)?.checked_add(digits(element)?)
        })?;
        let id = Self { level: level.parse().ok()?, index };
        let count = width.map_or(Some(TILE), |width| width.parse().ok())?;
        let written = match width {
            Some(_) => format!("{}.p/{count}", id.path()),
            None => id.path(),
        };
        let good = written.strip_prefix("tile/") == Some(path);
        let partial = width.is_none() || (1..TILE).contains(&count);
        (good && partial).then_some((id, count))
    }
}

/// Where tiles are found.
pub(crate) trait Tiles {
    /// The hashes of a tile, as many as there are.
    ///
    /// # Errors
    /// `NotFound` for a tile that is nowhere, and whatever else reading it comes to.
    fn tile(&self, id: TileId) -> io::Result<Vec<Hash>>;
}

/// The hash over the leaves of `span`, which must be one of those that a proof is made of.
///
/// # Errors
/// When a tile can't be read or is too short.
pub(crate) fn hash_of(tiles: &dyn Tiles, span: Span) -> io::Result<Hash> {
    let Span { mut start, end } = span;
    let mut peaks = Vec::new();
    while start < end {
        let level = (end - start).ilog2();
        peaks.push(node(tiles, level, start >> level)?);
        start += 1 << level;
    }
    let hash = peaks.into_iter().rev().reduce(|right, left| Hash::of_node(&left, &right));
    Ok(hash.unwrap_or_else(Hash::of_nothing))
}

/// The root of a perfect subtree of 2^`height` leaves.
fn node(tiles: &dyn Tiles, height: u32, index: u64) -> io::Result<Hash> {
    let (level, within) = (height / 8, height % 8);
    let first = index << within;
    let id = TileId { level: u8::try_from(level).unwrap_or(u8::MAX), index: first / TILE };
    let tile = tiles.tile(id)?;
    let start = usize::try_from(first % TILE).unwrap_or(usize::MAX);
    let hashes = tile.get(start..).and_then(|rest| rest.get(..1 << within));
    hashes.and_then(fold).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is too short", id.path()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_of_a_path_is_read() {
        let tile = |level, index, count| Some((TileId { level, index }, count));
        assert_eq!(TileId::parse("0/000"), tile(0, 0, 256));
        assert_eq!(TileId::parse("1/x001/x234/067"), tile(1, 1_234_067, 256));
        assert_eq!(TileId::parse("0/x001/067.p/255"), tile(0, 1067, 255));
        for bad in ["", "0", "0/", "0/1", "00/001", "0/x000/001", "0/001/002", "0/x001", "256/001"]
        {
            assert_eq!(TileId::parse(bad), None, "{bad}");
        }
        for bad in ["0/001.p/0", "0/001.p/256", "0/001.p/01", "0/001.p/", "0/+01", "0/001/"] {
            assert_eq!(TileId::parse(bad), None, "{bad}");
        }
    }
}
