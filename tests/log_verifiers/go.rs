//! By Go: `tests/go/logcheck`.

use std::path::Path;
use std::process::Command;

use tests::log;
use tests::programs::{self, Ran};

use crate::taken::Taken;

/// Has it check all, and everything edited; says what it counted.
pub(crate) fn check(taken: &Taken, program: &Path) -> String {
    let run = |vkey: &str| programs::run(Command::new(program).arg(taken.folder()).arg(vkey));
    let good = run(&taken.vkey).good();
    let (proofs, consistency) = taken.proofs;
    let size = taken.size;
    let expected = format!(
        "checkpoints 2\nlines {size}\nleaves in tiles {size}\nproof {proofs}\nconsistency {consistency}\n"
    );
    assert_eq!(good, expected);
    let refused = |name: &str, why: &str, edit: &dyn Fn(&mut Vec<u8>)| {
        let Ran { code, stderr, .. } = taken.edited(name, edit, || run(&taken.vkey));
        assert!(code == 1 && stderr.contains(why), "{name}: {code} {stderr}");
    };
    let edits = edits(taken);
    for (name, at, why) in &edits {
        refused(name, why, &|bytes| bytes[*at] = another(bytes[*at]));
    }
    let old = log::files(taken.folder()).remove(0);
    let old = old.file_name().unwrap().to_str().unwrap();
    refused(old, "do not come to the root", &|bytes| drop_line(bytes));
    refused("proof/0000.tlog-proof", "malformed note", &|bytes| {
        bytes.truncate(bytes.len() - 1);
    });
    let stranger = taken.vkey.replacen("claviger/", "claviger/x", 1);
    assert_eq!(run(&stranger).code, 1, "a key of another name");
    let count = edits.len() + 3;
    format!("Go x/mod/sumdb took {} facts and refused {count} edits", good.lines().count())
}

/// Another byte; of base64 another character of base64.
fn another(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Y' | b'a'..=b'y' => byte + 1,
        b'Z' | b'z' | b'+' | b'/' => b'A',
        _ => byte ^ 1,
    }
}

/// File, byte, and what is said of another one in its place.
fn edits(taken: &Taken) -> Vec<(String, usize, &'static str)> {
    let mut edits = Vec::new();
    for file in log::files(taken.folder()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        for at in [0, 20, 700, 4000] {
            edits.push((name.clone(), at, "do not come to the root"));
        }
    }
    let (origin, _) = taken.vkey.split_once('+').unwrap();
    for name in ["checkpoint", "old.checkpoint"] {
        edits.push((name.to_owned(), origin.len() + 1, "invalid signature"));
        edits.push((name.to_owned(), origin.len() + 8, "invalid signature"));
        edits.push((name.to_owned(), 2 * origin.len() + 80, "invalid signature"));
    }
    let tail = format!("tile/0/001.p/{}", taken.size - 256);
    for (name, at) in [("tile/0/000", 0), ("tile/0/000", 8191), (&tail, 5), ("tile/1/000.p/1", 31)]
    {
        edits.push((name.to_owned(), at, "tile"));
    }
    edits.push(("proof/0013.tlog-proof".to_owned(), 60, ""));
    edits.push((format!("consistency/0030-{:04}", taken.size), 40, ""));
    edits
}

/// Takes the third line out.
fn drop_line(bytes: &mut Vec<u8>) {
    let ends: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
    bytes.drain(ends[1] + 1..=ends[2]);
}
