//! The records of all files of a directory: `claviger-audit export` and `tail`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use audit::{Row, rows};
use serde::Serialize;

use crate::verify::{files_of, outcome_of};
use crate::{Outcome, complain, show};

/// A record with its place.
#[derive(Serialize)]
pub(crate) struct Placed {
    /// The line, counted from 0 through all files.
    pub(crate) index: u64,
    /// The name of the file.
    pub(crate) file: String,
    #[serde(flatten)]
    pub(crate) row: Row,
}

/// Prints all records as JSON, one a line.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn export(out: &mut dyn Write, path: &Path) -> io::Result<Outcome> {
    each(path, |placed| writeln!(out, "{}", serde_json::to_string(&placed)?))
}

/// Prints the last `count` records in words.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn tail(out: &mut dyn Write, path: &Path, count: usize) -> io::Result<Outcome> {
    let mut last = VecDeque::new();
    let outcome = each(path, |placed| {
        last.push_back(placed.row);
        if last.len() > count {
            last.pop_front();
        }
        Ok(())
    })?;
    for row in &last {
        writeln!(out, "{}", show::as_text(row))?;
    }
    Ok(outcome)
}

/// Hands over every record of a file or of a directory, oldest first, up to the first line that
/// can't be read.
///
/// # Errors
/// Those of `take`.
pub(crate) fn each(
    path: &Path,
    mut take: impl FnMut(Placed) -> io::Result<()>,
) -> io::Result<Outcome> {
    let unexpected = |path: &Path, error: io::Error| {
        complain(&format_args!("{}: {error}", path.display()));
        Ok(Outcome::Unexpected)
    };
    let files = match files_of(path) {
        Ok(files) => files,
        Err(error) => return unexpected(path, error),
    };
    let mut before = 0;
    for file in files {
        let open = match File::open(&file) {
            Ok(open) => open,
            Err(error) => return unexpected(&file, error),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut rows = rows(BufReader::new(open));
        for row in rows.by_ref() {
            match row {
                Ok(row) => {
                    take(Placed { index: before + row.line - 1, file: name.clone(), row })?;
                }
                Err(finding) => {
                    complain(&format_args!("{}: {finding}", file.display()));
                    return Ok(outcome_of(&finding));
                }
            }
        }
        before += rows.lines();
    }
    Ok(Outcome::Proved)
}
