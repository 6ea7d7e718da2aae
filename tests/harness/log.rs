//! The audit log of a daemon that runs, read from its folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use audit::Row;

use crate::daemon::Daemon;

/// An entry, as far as tests compare it: type, result, subject, ext, each in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Without `LOG_TYPE_`.
    pub kind: String,
    /// Without `LOG_RESULT_`.
    pub result: String,
    /// `user`, `master`, a KID, or nothing.
    pub subject: String,
    /// A KID, a text, or nothing.
    pub ext: String,
}

/// Reads the file that a daemon is writing, from where the last look ended.
pub struct LogReader {
    file: PathBuf,
    seen: usize,
}

impl LogReader {
    /// The current file of `daemon`, from its end on.
    pub fn of(daemon: &Daemon) -> Self {
        let file = files(&daemon.dir().join("audit")).pop().unwrap();
        let seen = entries(&file).len();
        Self { file, seen }
    }

    /// The entries since the last look. An entry is durable before the answer to its request.
    pub fn news(&mut self) -> Vec<Entry> {
        let mut all = entries(&self.file);
        let news = all.split_off(self.seen);
        self.seen += news.len();
        news
    }

    /// The entries since the last look, each as `TYPE RESULT`.
    pub fn heads(&mut self) -> Vec<String> {
        self.news().iter().map(Entry::head).collect()
    }

    /// Expects exactly these entries, beside logins, since the last look, all about the key `kid`.
    ///
    /// # Panics
    /// Where there are others.
    pub fn expect_all(&mut self, heads: &[String], kid: &str) {
        let mut news = self.news();
        news.retain(|entry| entry.kind != "AUTH_SUCCESS_INTERNAL");
        let found: Vec<_> = news.iter().map(Entry::head).collect();
        assert_eq!(found, heads);
        assert!(news.iter().all(|entry| entry.ext == kid), "{news:?}");
    }
}

impl Entry {
    /// `TYPE RESULT`.
    pub fn head(&self) -> String {
        format!("{} {}", self.kind, self.result)
    }
}

/// The files of a log folder, oldest first.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.sort_unstable();
    files
}

/// Every entry of a file, but for a last line that is being written.
///
/// # Panics
/// At a line that is no entry.
pub fn entries(file: &Path) -> Vec<Entry> {
    let text = std::fs::read(file).unwrap();
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    audit::rows(&text[..end]).map(|row| row.unwrap().into()).collect()
}

/// How often each type and result stands in these entries.
pub fn counts(entries: &[Entry]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for entry in entries {
        *counts.entry(entry.head()).or_default() += 1;
    }
    counts
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let short = |text: String, prefix| text.strip_prefix(prefix).unwrap_or(&text).to_owned();
        Self {
            kind: short(row.kind, "LOG_TYPE_"),
            result: short(row.result, "LOG_RESULT_"),
            subject: row.subject,
            ext: row.ext,
        }
    }
}
