//! `claviger-audit proof`, `check-proof` and `consistency`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use audit::{Flaw, LogKey, check_proof, prove, prove_consistency};

use crate::verify::outcome_of;
use crate::{Outcome, complain, usage};

/// Prints the proof for a line.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn inclusion(
    out: &mut dyn Write,
    directory: &Path,
    (key, index): (&LogKey, u64),
) -> io::Result<Outcome> {
    print(out, directory, prove(directory, key, index))
}

/// Prints the proof that the log only grew.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn consistency(
    out: &mut dyn Write,
    directory: &Path,
    (key, old): (&LogKey, u64),
) -> io::Result<Outcome> {
    print(out, directory, prove_consistency(directory, key, old))
}

/// Checks a proof for a line.
///
/// # Errors
/// When the result can't be written.
pub(crate) fn check(
    out: &mut dyn Write,
    proof: &Path,
    (key, line): (&LogKey, &str),
) -> io::Result<Outcome> {
    let text = match fs::read_to_string(proof) {
        Ok(text) => text,
        Err(error) => {
            complain(&format_args!("{}: {error}", proof.display()));
            return Ok(Outcome::Unexpected);
        }
    };
    match check_proof(&text, line.as_bytes(), key) {
        Ok((index, checkpoint)) => {
            let (origin, size) = (key.origin(), checkpoint.size());
            writeln!(out, "proved: line {index} of the first {size} of {origin}")?;
            Ok(Outcome::Proved)
        }
        Err(bad) => {
            complain(&format_args!("{}: {bad}", proof.display()));
            Ok(Outcome::Fault)
        }
    }
}

fn print(
    out: &mut dyn Write,
    directory: &Path,
    proof: Result<Option<String>, Flaw>,
) -> io::Result<Outcome> {
    match proof {
        Ok(Some(proof)) => {
            write!(out, "{proof}")?;
            Ok(Outcome::Proved)
        }
        Ok(None) => Ok(usage(&"the directory's checkpoint does not cover that many lines")),
        Err(Flaw { file, finding }) => {
            complain(&format_args!("{}: FAULT in {file} {finding}", directory.display()));
            Ok(outcome_of(&finding))
        }
    }
}
