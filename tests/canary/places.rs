//! Where it is looked: everything that a daemon writes, keeps or tells others.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tests::client::Reply;
use tests::daemon::Home;
use tests::metrics::{ask, scrape};
use tests::process;
use tests::scene::Scene;

use crate::needles::{MARK, Secret, canary, latin, spellings};

/// Texts by the names of the places.
pub(crate) struct Places(Vec<(String, String)>);

impl Places {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.push((name.to_owned(), latin(bytes)));
    }

    /// An answer, whole.
    pub(crate) fn answer(&mut self, to: &str, reply: &Reply) {
        self.0.push((
            format!("the answer to {to}"),
            format!("{:?}{}", reply.headers, latin(&reply.body)),
        ));
    }

    /// What a running daemon shows.
    pub(crate) fn look_at(&mut self, scene: &Scene) {
        self.0.push(("the metrics".to_owned(), scrape(&scene.daemon).text));
        for path in ["/health/live", "/health/ready"] {
            self.0.push((path.to_owned(), latin(&ask(&scene.daemon, "GET", path).body)));
        }
        for path in ["/openapi.json", "/docs", "/api/system/status", "/api/system/version"] {
            let reply = scene.client.call("GET", path, None, None);
            self.answer(path, &reply);
        }
        for pid in [scene.daemon.ready().pid, process::worker(&scene.daemon).as_raw()] {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
            self.0.push((format!("the environment of {pid}"), latin(&environment)));
        }
        let worker = process::worker(&scene.daemon);
        let line = fs::read(format!("/proc/{worker}/cmdline")).unwrap();
        self.0.push(("the worker's command line".to_owned(), latin(&line)));
    }

    /// All files in a daemon's folder; those of the log in words too.
    pub(crate) fn look_into(&mut self, home: &Home) {
        self.folder(home.path(), "");
        assert!(home.messages().contains("DEBUG"), "the messages are not those of debugging");
    }

    fn folder(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                self.folder(&path, &format!("{name}/"));
                continue;
            }
            if !path.is_file() {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if name.ends_with(".log") {
                // What a caller said is encoded in the fields.
                let rows = audit::rows(bytes.as_slice()).map(|row| row.unwrap());
                let words = rows.map(|row| format!("{} {}\n", row.subject, row.ext)).collect();
                self.0.push((format!("{name} in words"), words));
            }
            self.0.push((name, latin(&bytes)));
        }
    }

    /// Where a canary or a secret is that does not belong there. Looks too whether it finds those that
    /// do, so that it is known to see.
    pub(crate) fn search(&self, secrets: &[Secret]) -> Vec<String> {
        let marks = spellings(MARK.as_bytes());
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for (place, text) in &self.0 {
            for (spelling, at) in marks
                .iter()
                .flat_map(|form| text.match_indices(form).map(move |(at, _)| (form, at)))
            {
                let rest = &text[at + spelling.len()..];
                let name = rest.split('.').next().unwrap_or_default();
                if is_named(place, &text[at..]) {
                    continue;
                }
                let is_plain = spelling == MARK;
                match BELONGS
                    .iter()
                    .find(|(known, file)| is_plain && *known == name && place.starts_with(file))
                {
                    Some(known) => seen.push(known),
                    None => found.push(format!("{MARK}{} in {place}", shown(rest))),
                }
            }
        }
        let unseen = BELONGS.iter().filter(|known| !seen.contains(known));
        found.extend(unseen.map(|(name, file)| format!("{MARK}{name} is not even in {file}")));
        found.extend(self.secrets(secrets));
        found
    }

    fn secrets(&self, secrets: &[Secret]) -> Vec<String> {
        let mut found = Vec::new();
        for Secret { name, bytes, belongs } in secrets {
            let forms = spellings(bytes);
            let has = |text: &str| forms.iter().any(|form| text.contains(form));
            let places: Vec<_> = self
                .0
                .iter()
                .filter(|(_, text)| has(text))
                .map(|(place, _)| place.as_str())
                .collect();
            let unseen = belongs.iter().filter(|file| !places.contains(*file));
            found.extend(unseen.map(|file| format!("{name} is not even in {file}")));
            let strange = places.iter().filter(|place| !belongs.contains(place));
            found.extend(strange.map(|place| format!("{name} in {place}")));
        }
        found
    }
}

/// Whether what stands here is what the log has of accounts (docs/key-agreement.md).
fn is_named(place: &str, text: &str) -> bool {
    let is_log = place.starts_with("audit/") || place == "the mirror of the log";
    is_log && NAMED.iter().any(|form| text.starts_with(form))
}

fn shown(rest: &str) -> String {
    rest.chars().take(24).collect()
}

/// Which canary belongs into which files.
const BELONGS: [(&str, &str); 8] = [
    ("label", "state.db"),
    ("new-label", "state.db"),
    ("descr", "state.db"),
    ("user", "state.db"),
    ("email", "state.db"),
    ("origin", "state.db"),
    ("phone", "state.db"),
    // Of an account that was made.
    ("scope", "state.db"),
];
/// The spellings of the canary that the log has: what an account is for. (It has the name too, of
/// which the small letters are kept alone.)
static NAMED: LazyLock<Vec<String>> = LazyLock::new(|| spellings(canary("scope").as_bytes()));
