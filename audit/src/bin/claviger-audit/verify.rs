//! `claviger-audit verify`.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use audit::{Cause, Checkpoint, Finding, Flaw, Known, LogKey, NodeSummary, Summary};
use audit::{log_files, rfc3339, verify, verify_node_from};
use serde_json::json;

use crate::resume::{Follower, State};
use crate::{Outcome, complain, usage};

/// Checks every file, goes on after a fault, and ends with the worst outcome.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn run(
    out: &mut dyn Write,
    paths: &[PathBuf],
    key: &LogKey,
    how: &How,
) -> io::Result<Outcome> {
    let json = how.json;
    if let (Some(state), [directory]) = (&how.resume, paths) {
        return match State::open(state, directory, key) {
            Ok(state) => resumed(out, directory, (key, state), json),
            Err(error) => Ok(usage(&error)),
        };
    } else if how.resume.is_some() {
        return Ok(usage(&"--resume goes with one log directory: each has a state of its own"));
    }
    let mut worst = Outcome::Proved;
    for path in paths {
        if let Err(error) = fs::metadata(path) {
            complain(&format_args!(
                "{}: {error}: give a log directory, or a log file of one",
                path.display()
            ));
            worst = worst.max(Outcome::Unexpected);
            continue;
        }
        if path.is_dir() && !how.plain {
            // Of the log in this directory, which may have been begun anew.
            let opened = how.since.as_deref().map(|since| checkpoint(since, &key.as_in(path)));
            let since = match opened.transpose() {
                Ok(since) => since,
                Err(error) => return Ok(usage(&error)),
            };
            let known = since.as_ref().map_or(Known::Nothing, Known::Checkpoint);
            worst = worst.max(node(out, path, (key, known), (&mut Follower::new(None), json))?);
            continue;
        }
        let outcome = match files_of(path) {
            Ok(files) if files.is_empty() => {
                complain(&format_args!("{}: no log files, so nothing is proved", path.display()));
                Outcome::Fault
            }
            Ok(files) => all(out, &files, key, json)?,
            Err(error) => {
                complain(&format_args!("{}: {error}", path.display()));
                Outcome::Unexpected
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

/// What the options say.
pub(crate) struct How {
    pub(crate) json: bool,
    pub(crate) plain: bool,
    pub(crate) since: Option<PathBuf>,
    pub(crate) resume: Option<PathBuf>,
}

fn checkpoint(path: &Path, key: &LogKey) -> Result<Checkpoint, String> {
    let note = fs::read_to_string(path).map_err(|e| format!("--since {}: {e}", path.display()))?;
    Checkpoint::open(&note, key).map_err(|e| format!("--since {}: {e}", path.display()))
}

/// A directory from where the last verification ended.
fn resumed(
    out: &mut dyn Write,
    directory: &Path,
    (key, state): (&LogKey, State),
    json: bool,
) -> io::Result<Outcome> {
    if let Err(error) = fs::read_dir(directory) {
        complain(&format_args!("{}: {error}: give a log directory", directory.display()));
        return Ok(Outcome::Unexpected);
    }
    let visit = state.visit.clone();
    let mut follower = Follower::new(Some(state));
    let known = visit.as_ref().map_or(Known::Nothing, Known::Visit);
    let outcome = node(out, directory, (key, known), (&mut follower, json))?;
    if outcome != Outcome::Proved {
        return Ok(outcome);
    }
    Ok(follower.finish().map_or_else(
        |error| {
            complain(&error);
            Outcome::Unexpected
        },
        |()| outcome,
    ))
}

/// A directory as a whole.
fn node(
    out: &mut dyn Write,
    directory: &Path,
    (key, known): (&LogKey, Known<'_>),
    (follower, json): (&mut Follower, bool),
) -> io::Result<Outcome> {
    let checked = verify_node_from(directory, key, known, follower);
    follower.clear();
    let from = match known {
        Known::Visit(visit) => Some(visit.checkpoint().size()),
        _ => None,
    };
    let line = if json {
        node_json(directory, &checked, from)
    } else {
        node_text(directory, &checked, from)
    };
    writeln!(out, "{line}")?;
    Ok(match checked {
        Ok(_) => Outcome::Proved,
        Err(flaw) => outcome_of(&flaw.finding),
    })
}

/// What a finding comes to.
pub(crate) fn outcome_of(finding: &Finding) -> Outcome {
    match finding.cause {
        Cause::Unreadable(_) => Outcome::Unexpected,
        _ => Outcome::Fault,
    }
}

/// `from`: so many lines were proved by an earlier run.
fn node_text(directory: &Path, checked: &Result<NodeSummary, Flaw>, from: Option<u64>) -> String {
    let directory = directory.display();
    let from =
        from.map_or_else(String::new, |lines| format!("; the first {lines} by earlier runs"));
    match checked {
        Ok(found) => format!(
            "{directory}: proved, {} records in {} files from {} to {}; {} lines, {} of them \
             under the last of {} checkpoints, {} records after it{from}",
            found.records,
            found.files,
            rfc3339(found.first_time),
            rfc3339(found.last_time),
            found.lines,
            found.signed,
            found.checkpoints,
            found.unsigned_records
        ),
        Err(Flaw { file, finding }) => format!("{directory}: FAULT in {file} {finding}"),
    }
}

fn node_json(directory: &Path, checked: &Result<NodeSummary, Flaw>, from: Option<u64>) -> String {
    let directory = directory.display().to_string();
    match checked {
        Ok(found) => json!({
            "directory": directory, "proved": true, "summary": found, "by_earlier_runs": from,
        }),
        Err(Flaw { file, finding: Finding { line, cause } }) => json!({
            "directory": directory,
            "proved": false,
            "file": file,
            "line": line,
            "cause": cause.name(),
            "message": cause.to_string(),
        }),
    }
    .to_string()
}

fn all(out: &mut dyn Write, files: &[PathBuf], key: &LogKey, json: bool) -> io::Result<Outcome> {
    let mut worst = Outcome::Proved;
    for file in files {
        let checked = match File::open(file) {
            Ok(open) => verify(BufReader::new(open), key.key()),
            Err(error) => Err(Finding { line: 0, cause: Cause::Unreadable(error) }),
        };
        let line = if json { as_json(file, &checked) } else { as_text(file, &checked) };
        writeln!(out, "{line}")?;
        worst = worst.max(match checked {
            Ok(_) => Outcome::Proved,
            Err(finding) => outcome_of(&finding),
        });
    }
    Ok(worst)
}

/// The file itself, or the log files of a directory.
pub(crate) fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_dir() { log_files(path) } else { Ok(vec![path.to_owned()]) }
}

fn as_text(file: &Path, checked: &Result<Summary, Finding>) -> String {
    let file = file.display();
    match checked {
        Ok(summary) => format!(
            "{file}: proved, {} records from {} to {}",
            summary.records,
            rfc3339(summary.first_time),
            rfc3339(summary.last_time)
        ),
        Err(finding) => format!("{file}: FAULT in {finding}"),
    }
}

fn as_json(file: &Path, checked: &Result<Summary, Finding>) -> String {
    let file = file.display().to_string();
    match checked {
        Ok(summary) => json!({ "file": file, "proved": true, "summary": summary }),
        Err(Finding { line, cause }) => json!({
            "file": file,
            "proved": false,
            "line": line,
            "cause": cause.name(),
            "message": cause.to_string(),
        }),
    }
    .to_string()
}
