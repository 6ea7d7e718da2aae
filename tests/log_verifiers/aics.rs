//! By `aics-tlog`, through its command line.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tests::daemon::write;
use tests::programs;

use crate::taken::Taken;

/// Has it check the checkpoint, lines against the tiles, and that the log only grew, and then the same
/// edited; says what it counted.
pub(crate) fn check(taken: &Taken, program: &Path) -> String {
    let aside = TempDir::new().unwrap();
    let aics = Aics { taken, program, aside: aside.path() };
    let size = taken.size;
    let told = aics.run("verify-checkpoint", &[]).unwrap();
    assert_eq!(told["size"], size, "{told}");
    let indices = [0, 255, 256, size - 1];
    indices.iter().for_each(|index| assert!(aics.includes(*index, taken.line(*index)).is_ok()));
    let old = taken.path("old.checkpoint");
    let since = ["--old-checkpoint", old.to_str().unwrap()];
    let grown = aics.run("verify-consistency", &since).unwrap();
    assert_eq!(grown["new_size"], size, "{grown}");
    let mut refused = 0;
    let mut no = |what: &str, answer: Result<Value, Value>| {
        assert!(answer.is_err(), "{what}: {answer:?}");
        refused += 1;
    };
    no("another line", aics.includes(7, "another line"));
    no("a line elsewhere", aics.includes(8, taken.line(7)));
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let checkpoint = || aics.run("verify-checkpoint", &[]);
    for at in [30, 45, 150] {
        no("a checkpoint", taken.edited("checkpoint", flip(at), checkpoint));
    }
    let first = || aics.includes(0, taken.line(0));
    for at in [0, 8191] {
        no("a tile", taken.edited("tile/0/000", flip(at), first));
    }
    let consistency = || aics.run("verify-consistency", &since);
    no("an old checkpoint", taken.edited("old.checkpoint", flip(45), consistency));
    no("a tile above", taken.edited("tile/1/000.p/1", flip(3), consistency));
    format!("aics-tlog took {} facts and refused {refused} edits", indices.len() + 2)
}

struct Aics<'a> {
    taken: &'a Taken,
    program: &'a Path,
    /// Keys and lines: it takes no key from a folder that it checks.
    aside: &'a Path,
}

impl Aics<'_> {
    fn includes(&self, index: u64, line: &str) -> Result<Value, Value> {
        let leaf = self.aside.join("leaf");
        write(&leaf, line);
        let index = index.to_string();
        self.run("verify-inclusion", &["--leaf", leaf.to_str().unwrap(), "--index", &index])
    }

    /// What it says: one JSON object, good or not.
    fn run(&self, command: &str, arguments: &[&str]) -> Result<Value, Value> {
        let key = self.aside.join("logger.vkey");
        write(&key, &self.taken.vkey);
        let (origin, _) = self.taken.vkey.split_once('+').unwrap();
        let mut run = Command::new(self.program);
        run.arg(command).arg("--tiles").arg(self.taken.folder()).arg("--vkey-file").arg(key);
        let ran = programs::run(run.args(["--origin", origin]).args(arguments));
        let told: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no answer: {ran:?}"));
        assert_eq!(told["ok"] == true, ran.code == 0, "{ran:?}");
        if ran.code == 0 { Ok(told) } else { Err(told) }
    }
}
