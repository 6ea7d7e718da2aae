//! `--resume STATE`: where the last verification ended is kept in a file, and the next one reads what
//! is after it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audit::{Follow, LogKey, Visit};

use crate::progress::Bar;

/// The file, and what stands in it.
pub(crate) struct State {
    path: PathBuf,
    pub(crate) visit: Option<Visit>,
}

impl State {
    /// Reads the file, which need not be there yet.
    ///
    /// # Errors
    /// Why it can't be gone on from, for a person.
    pub(crate) fn open(path: &Path, directory: &Path, key: &LogKey) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| format!("--resume {}: {error}", path.display());
        if is_within(path, directory) {
            let why =
                "it is in the log directory, where whoever can change the log can change it too";
            return Err(told(&format_args!("{why}; keep it elsewhere")));
        }
        let visit = match fs::read_to_string(path) {
            Ok(text) => Some(Visit::read(&text, &key.as_in(directory)).map_err(|bad| told(&bad))?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(told(&error)),
        };
        Ok(Self { path: path.to_owned(), visit })
    }

    fn put(&self) -> io::Result<()> {
        let Some(visit) = &self.visit else { return Ok(()) };
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let mut file = File::create(&new)?;
        file.write_all(visit.to_text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

/// Draws the bar and keeps the state, now and then on the way too: a verification that is broken off
/// goes on from there.
pub(crate) struct Follower {
    bar: Bar,
    state: Option<State>,
    kept: Instant,
}

impl Follower {
    pub(crate) fn new(state: Option<State>) -> Self {
        Self { bar: Bar::new(), state, kept: Instant::now() }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        self.bar = Bar::hidden();
    }

    /// Keeps the state of a log that was proved.
    ///
    /// # Errors
    /// When it can't be written: what to do, for a person.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Some(state) = self.state else { return Ok(()) };
        let told = |error| format!("--resume {}: can't be written: {error}", state.path.display());
        state.put().map_err(told)
    }
}

impl Follow for Follower {
    fn read(&mut self, bytes: u64, of: u64) {
        self.bar.show(bytes, of);
    }

    fn reached(&mut self, visit: Visit) {
        let Some(state) = &mut self.state else { return };
        state.visit = Some(visit);
        if self.kept.elapsed() > PAUSE {
            self.kept = Instant::now();
            // Whether it can be written is told at the end.
            let _ = state.put();
        }
    }
}

fn is_within(path: &Path, directory: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, directory.canonicalize()) {
        (Ok(parent), Ok(directory)) => parent.starts_with(directory),
        _ => false,
    }
}

/// On the way the state is kept this often.
const PAUSE: Duration = Duration::from_secs(5);
