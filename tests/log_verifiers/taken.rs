//! What somebody can take away of a daemon's log: its files, and what the API says about them.

use std::fs;
use std::path::{Path, PathBuf};

use audit::{Checkpoint, LogKey};
use tempfile::TempDir;
use tests::daemon::write;
use tests::log;
use tests::patience::{LONG, until};
use tests::scene::Scene;

/// A folder with `*.log`, `checkpoint`, `old.checkpoint`, `tile/`, `proof/` and `consistency/`.
pub(crate) struct Taken {
    folder: TempDir,
    /// The text of the logger's key.
    pub(crate) vkey: String,
    /// All of them, in order.
    lines: Vec<String>,
    /// How many the checkpoint covers: more than a tile.
    pub(crate) size: u64,
    /// How many proofs and consistency proofs there are.
    pub(crate) proofs: (usize, usize),
}

impl Taken {
    /// Two runs of a daemon and what it says then.
    pub(crate) fn new() -> Self {
        let scene = Scene::new();
        let vkey = fs::read_to_string(scene.home.at("audit/logger.vkey")).unwrap();
        let key = LogKey::parse(&vkey).unwrap();
        enter(&scene, 120);
        let old = checkpoint(&scene, 100);
        let scene = Scene::at(scene.stop());
        enter(&scene, 190);
        let note = checkpoint(&scene, 300);
        let size = Checkpoint::open(&note, &key).unwrap().size();
        let mut taken = Self {
            folder: TempDir::new().unwrap(),
            vkey: vkey.trim().to_owned(),
            lines: Vec::new(),
            size,
            proofs: (0, 0),
        };
        write(&taken.path("checkpoint"), &note);
        write(&taken.path("old.checkpoint"), &old);
        taken.tiles(&scene);
        let earlier = Checkpoint::open(&old, &key).unwrap().size();
        taken.proofs = taken.prove(&scene, earlier);
        taken.files(scene);
        taken
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All of it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The line with this index.
    pub(crate) fn line(&self, index: u64) -> &str {
        &self.lines[usize::try_from(index).unwrap()]
    }

    /// What `run` answers while the file `name` has `edit` done to it.
    pub(crate) fn edited<T>(
        &self,
        name: &str,
        edit: impl FnOnce(&mut Vec<u8>),
        run: impl FnOnce() -> T,
    ) -> T {
        let path = self.path(name);
        let before = fs::read(&path).unwrap();
        let mut bytes = before.clone();
        edit(&mut bytes);
        assert_ne!(bytes, before, "{name}");
        write(&path, bytes);
        let answer = run();
        write(&path, before);
        answer
    }

    fn tiles(&self, scene: &Scene) {
        let mut paths = Vec::new();
        let (mut level, mut count) = (0, self.size);
        while count > 0 {
            paths.extend((0..count / 256).map(|full| format!("{level}/{full:03}")));
            if count % 256 > 0 {
                paths.push(format!("{level}/{:03}.p/{}", count / 256, count % 256));
            }
            (level, count) = (level + 1, count / 256);
        }
        assert_eq!(paths.len(), 3, "one full tile, one that is not, one above: {paths:?}");
        for path in paths {
            self.fetch(scene, &format!("tile/{path}"), &format!("tile/{path}"));
        }
    }

    fn prove(&self, scene: &Scene, earlier: u64) -> (usize, usize) {
        let size = self.size;
        let indices: Vec<_> = (0..size).step_by(13).chain([255, 256, size - 1]).collect();
        for index in &indices {
            self.fetch(scene, &format!("proof/{index}"), &format!("proof/{index:04}.tlog-proof"));
        }
        let mut sizes: Vec<_> = (1..size).step_by(29).map(|old| (old, size)).collect();
        sizes.extend([
            (earlier, size),
            (size, size),
            (255, 256),
            (256, 257),
            (1, 2),
            (earlier, 256),
        ]);
        for (old, new) in &sizes {
            let route = format!("consistency/{old}/{new}");
            self.fetch(scene, &route, &format!("consistency/{old:04}-{new:04}"));
        }
        let count = |kind| fs::read_dir(self.path(kind)).unwrap().count();
        (count("proof"), count("consistency"))
    }

    fn fetch(&self, scene: &Scene, route: &str, name: &str) {
        let reply = scene.client.get(&format!("/api/logger/{route}"), &scene.user(SCOPE));
        assert_eq!(reply.status, 200, "{route}");
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, reply.body);
    }

    fn files(&mut self, scene: Scene) {
        let home = scene.stop();
        for file in log::files(&home.at("audit")) {
            let text = fs::read_to_string(&file).unwrap();
            self.lines.extend(text.lines().map(str::to_owned));
            write(&self.path(file.file_name().unwrap().to_str().unwrap()), text);
        }
    }
}

/// Makes so many entries.
fn enter(scene: &Scene, count: usize) {
    for _ in 0..count {
        assert_eq!(scene.client.get("/api/logger/list", &scene.user(SCOPE)).status, 200);
    }
}

/// The checkpoint, as soon as it covers so many lines.
fn checkpoint(scene: &Scene, least: u64) -> String {
    until("the checkpoint covers the entries", LONG, || {
        let reply = scene.client.get("/api/logger/checkpoint", &scene.user(SCOPE));
        let note = String::from_utf8(reply.body).unwrap();
        let size: u64 = note.lines().nth(1)?.parse().ok()?;
        (size >= least).then_some(note)
    })
}

const SCOPE: &str = "logger:get";
