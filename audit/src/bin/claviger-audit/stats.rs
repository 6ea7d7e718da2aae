//! `claviger-audit stats`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::{Outcome, all_rows};

/// Prints how many records there are of each hour, type, result and subject.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn run(out: &mut dyn Write, path: &Path, json: bool) -> io::Result<Outcome> {
    let mut counts = BTreeMap::<_, u64>::new();
    let outcome = all_rows::each(path, |placed| {
        let row = placed.row;
        // A key record's subject is a key, different in each file.
        let subject = if row.kind == "LOG_TYPE_KEY_INIT" { String::new() } else { row.subject };
        let hour = row.time.get(..HOUR).unwrap_or_default().to_owned();
        *counts.entry((hour, row.kind, row.result, subject)).or_default() += 1;
        Ok(())
    })?;
    for ((hour, kind, result, subject), count) in counts {
        if json {
            let line = json!({
                "hour": hour, "type": kind, "result": result, "subject": subject, "count": count,
            });
            writeln!(out, "{line}")?;
        } else {
            let subject = if subject.is_empty() { "-" } else { &subject };
            writeln!(out, "{hour} {count:>8} {kind} {result} {subject}")?;
        }
    }
    Ok(outcome)
}

/// Of `2022-03-15T21:57:09Z` the characters up to the hour.
const HOUR: usize = 13;
