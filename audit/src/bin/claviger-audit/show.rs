//! `claviger-audit show`.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use audit::{Cause, Row, rows};

use crate::{Outcome, complain};

/// Prints the rows of a file up to the first line that can't be read.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn run(out: &mut dyn Write, file: &Path, json: bool) -> io::Result<Outcome> {
    let open = match File::open(file) {
        Ok(open) => open,
        Err(error) => {
            complain(&format_args!("{}: {error}", file.display()));
            return Ok(Outcome::Unexpected);
        }
    };
    for row in rows(BufReader::new(open)) {
        match row {
            Ok(row) if json => writeln!(out, "{}", serde_json::to_string(&row)?)?,
            Ok(row) => writeln!(out, "{}", as_text(&row))?,
            Err(finding) => {
                complain(&format_args!("{}: {finding}", file.display()));
                return Ok(match finding.cause {
                    Cause::Unreadable(_) => Outcome::Unexpected,
                    _ => Outcome::Fault,
                });
            }
        }
    }
    Ok(Outcome::Proved)
}

/// A row in columns; what is empty is shown as `-`.
pub(crate) fn as_text(row: &Row) -> String {
    let dash = |field: &str| if field.is_empty() { "-".to_owned() } else { field.to_owned() };
    format!(
        "{:>6} {} {} {} {} {}",
        row.sequence,
        row.time,
        row.kind,
        row.result,
        dash(&row.subject),
        dash(&row.ext)
    )
}
