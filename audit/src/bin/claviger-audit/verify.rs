//! `claviger-audit verify`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use audit::{Cause, Checkpoint, Finding, Flaw, LogKey, NodeSummary, Summary};
use audit::{rfc3339, verify, verify_node};
use serde_json::json;

use crate::{Outcome, complain};

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
    let since = match how.since.as_deref().map(|path| checkpoint(path, key)).transpose() {
        Ok(since) => since,
        Err(error) => {
            complain(&error);
            return Ok(Outcome::Usage);
        }
    };
    let json = how.json;
    let mut worst = Outcome::Proved;
    for path in paths {
        if path.is_dir() && !how.plain {
            worst = worst.max(node(out, path, (key, since.as_ref()), json)?);
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
}

fn checkpoint(path: &Path, key: &LogKey) -> Result<Checkpoint, String> {
    let note = fs::read_to_string(path).map_err(|e| format!("--since {}: {e}", path.display()))?;
    Checkpoint::open(&note, key).map_err(|e| format!("--since {}: {e}", path.display()))
}

/// A directory as a whole.
fn node(
    out: &mut dyn Write,
    directory: &Path,
    (key, since): (&LogKey, Option<&Checkpoint>),
    json: bool,
) -> io::Result<Outcome> {
    let checked = verify_node(directory, key, since);
    let line = if json { node_json(directory, &checked) } else { node_text(directory, &checked) };
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

fn node_text(directory: &Path, checked: &Result<NodeSummary, Flaw>) -> String {
    let directory = directory.display();
    match checked {
        Ok(found) => format!(
            "{directory}: proved, {} records in {} files from {} to {}; {} lines, {} of them \
             under the last of {} checkpoints, {} records after it",
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

fn node_json(directory: &Path, checked: &Result<NodeSummary, Flaw>) -> String {
    let directory = directory.display().to_string();
    match checked {
        Ok(found) => json!({ "directory": directory, "proved": true, "summary": found }),
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

/// The file itself, or the log files of a directory. Their names are the times
/// of their starts in fixed-width hex, so their order is the order of the names.
pub(crate) fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension() == Some(OsStr::new("log")) {
            files.push(file);
        }
    }
    files.sort_unstable();
    Ok(files)
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
