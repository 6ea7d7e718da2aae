//! What goes to stdout, and how values are made readable for people.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes results to stdout: one JSON document with `--json`, lines for people without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// `json`: the option of that name.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes the result: `document` for scripts, `text` for people (empty: no line at all).
    pub(crate) fn show<T: Serialize>(&self, document: &T, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = if self.json {
            serde_json::to_writer(&mut stdout, document)
                .map_err(io::Error::from)
                .and_then(|()| stdout.write_all(b"\n"))
        } else if text.is_empty() {
            Ok(())
        } else {
            writeln!(stdout, "{text}")
        };
        match written.and_then(|()| stdout.flush()) {
            // the reader of a pipe has seen enough; that is not our failure
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::unexpected(format!("cannot write to stdout: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// A message for people, on stderr. With `--json` stderr is kept for the error document.
    pub(crate) fn note(&self, message: &str) {
        if !self.json {
            // a message nobody can read is no reason to fail
            let _ = writeln!(io::stderr(), "{}", plain(message));
        }
    }
}

/// Text from elsewhere with its control characters replaced, so that it can't drive a terminal.
/// Line breaks stay.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}

/// Columns of equal width, two spaces apart, without spaces at the end of a line.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max();
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            format!("{cell:<width$}", width = width(column).unwrap_or_default())
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Unix seconds as `2022-03-16T18:17:27Z`. Days are turned into a date by the era method of the
/// proleptic Gregorian calendar: 400 years always have 146,097 days.
pub(crate) fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    // the computed year starts in March
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::{plain, table, utc};

    #[test]
    fn times_are_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(1_647_454_647), "2022-03-16T18:17:27Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(utc(1_735_689_599), "2024-12-31T23:59:59Z");
    }

    #[test]
    fn tables_line_up() {
        let rows = [["a".into(), "bb".into()], ["ccc".into(), String::new()]];
        assert_eq!(table(&rows), "a    bb\nccc");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(plain("a\u{1b}]0;x\u{7}\r\nb\u{9b}"), "a?]0;x??\nb?");
    }
}
