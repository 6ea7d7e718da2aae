//! `claviger-audit verify`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use audit::{Cause, Finding, Summary, VerifyingKey, rfc3339, verify};
use serde_json::json;

use crate::{Outcome, complain};

/// Checks every file, goes on after a fault, and ends with the worst outcome.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn run(
    out: &mut dyn Write,
    paths: &[PathBuf],
    key: &VerifyingKey,
    json: bool,
) -> io::Result<Outcome> {
    let mut worst = Outcome::Proved;
    for path in paths {
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

fn all(
    out: &mut dyn Write,
    files: &[PathBuf],
    key: &VerifyingKey,
    json: bool,
) -> io::Result<Outcome> {
    let mut worst = Outcome::Proved;
    for file in files {
        let checked = match File::open(file) {
            Ok(open) => verify(BufReader::new(open), key),
            Err(error) => Err(Finding { line: 0, cause: Cause::Unreadable(error) }),
        };
        let line = if json { as_json(file, &checked) } else { as_text(file, &checked) };
        writeln!(out, "{line}")?;
        worst = worst.max(match checked {
            Ok(_) => Outcome::Proved,
            Err(Finding { cause: Cause::Unreadable(_), .. }) => Outcome::Unexpected,
            Err(_) => Outcome::Fault,
        });
    }
    Ok(worst)
}

/// The file itself, or the log files of a directory. Their names are the times
/// of their starts in fixed-width hex, so their order is the order of the names.
fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
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
