//! Each bit of the files, the checkpoint and the tiles, and each length that they can be cut to.

use crate::node::{Node, is_long};

/// A byte of a file, by the file's name and the line that it is in.
type Byte = (String, usize, usize);

fn bytes_of(node: &Node) -> Vec<Byte> {
    let mut bytes = Vec::new();
    for name in node.files() {
        let (file, mut line) = (node.read(&name), 1);
        for (place, byte) in file.iter().enumerate() {
            bytes.push((name.clone(), place, line));
            line += usize::from(*byte == b'\n');
        }
    }
    let note = node.read("checkpoint").len();
    bytes.extend((0..note).map(|place| ("checkpoint".to_owned(), place, 0)));
    bytes
}

/// Flips every `stride`-th bit of the files, and those of the checkpoint.
fn flip(node: &Node, stride: usize) {
    let bits = bytes_of(node).into_iter().enumerate().flat_map(|(number, byte)| {
        let whole = byte.0 == "checkpoint";
        let chosen = move |bit: &usize| whole || (number * 8 + bit).is_multiple_of(stride);
        (0..8).filter(chosen).map(move |bit| (byte.clone(), bit)).collect::<Vec<_>>()
    });
    let bits: Vec<_> = bits.collect();
    node.each(&bits, |node, ((name, place, line), bit)| {
        let mut changed = node.read(name);
        changed[*place] ^= 1 << bit;
        node.found_at(name, &changed, *line, &format!("bit {bit} of byte {place} of {name}"));
    });
}

#[test]
fn every_bit_of_a_small_log() {
    flip(&Node::with_runs(&[6, 2]), 1);
}

#[test]
fn bits_of_a_log_of_300_entries() {
    flip(&Node::with_runs(&[300]), if is_long() { 1 } else { 101 });
}

/// A wrong tile is told from a wrong line.
#[test]
fn bits_of_a_tile() {
    let node = Node::with_runs(&[300]);
    let tile = node.read("tile/0/000");
    let stride = if is_long() { 1 } else { 97 };
    let bits: Vec<_> = (0..tile.len() * 8).step_by(stride).collect();
    node.each(&bits, |node, bit| {
        let mut changed = tile.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let cause = node.found_at("tile/0/000", &changed, 0, &format!("bit {bit} of the tile"));
        assert_eq!(cause.name(), "bad_tile");
    });
    for length in (0..tile.len()).step_by(stride) {
        let cause = node.found_at("tile/0/000", &tile[..length], 0, "a tile that was cut");
        assert_eq!(cause.name(), "bad_tile", "{length} bytes left");
    }
    // None is none: what it says is in the lines.
    node.remove("tile/0/000");
    node.check().unwrap();
}

/// Tiles above those of the lines, which it takes 65,536 lines to fill.
#[test]
fn bits_of_a_tile_above() {
    let node = Node::new();
    node.run_fast(1 << 16);
    node.check().unwrap();
    let name = "tile/1/000";
    let tile = node.read(name);
    for place in [0, 4000, tile.len() - 1] {
        let mut changed = tile.clone();
        changed[place] ^= 0x80;
        assert_eq!(node.found_at(name, &changed, 0, "a tile above").name(), "bad_tile");
    }
}

/// The daemon's own notes prove nothing, so nothing in them can make a good log a bad one, nor hide
/// a bad one.
#[test]
fn bits_of_the_notes_of_the_daemon() {
    let node = Node::with_runs(&[40]);
    let log = node.files().remove(0);
    let edited = node.text(&log).replacen("|26|0|U|", "|26|0|M|", 1);
    let stride = if is_long() { 1 } else { 31 };
    let places: Vec<_> = ["tree", "logger.vkey"]
        .iter()
        .flat_map(|name| {
            (0..node.read(name).len() * 8).step_by(stride).map(move |bit| (*name, bit))
        })
        .collect();
    node.each(&places, |node, (name, bit)| {
        let mut changed = node.read(name);
        changed[bit / 8] ^= 1 << (bit % 8);
        node.with(name, &changed, || {
            node.check().unwrap();
            node.flaw_with(&log, edited.as_bytes(), "an edited line");
        });
    });
}

#[test]
fn every_truncation() {
    let node = Node::with_runs(&[10, if is_long() { 300 } else { 40 }]);
    let files = node.files();
    let of = |name: &String| {
        let name = name.clone();
        (0..node.read(&name).len()).map(move |length| (name.clone(), length))
    };
    let cuts: Vec<_> = files.iter().flat_map(of).collect();
    node.each(&cuts, |node, (name, length)| {
        let file = node.read(name);
        let flaw = node.flaw_with(name, &file[..*length], &format!("{length} bytes left"));
        let whole_lines = *length == 0 || file[length - 1] == b'\n';
        let last = *name == files[1];
        let expected = match (whole_lines, last) {
            (false, _) => "torn_tail",
            (true, true) => "truncated",
            (true, false) => "lines_missing",
        };
        assert_eq!(flaw.finding.cause.name(), expected, "{length}: {flaw}");
    });
    let note = node.read("checkpoint");
    for length in 0..note.len() {
        node.found_at("checkpoint", &note[..length], 0, &format!("{length} bytes of it left"));
    }
}
