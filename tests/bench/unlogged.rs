//! What the log costs: the same requests to the daemon, and to one that was built to write none.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::Settings;
use crate::deed::Deed;
use crate::load::{self, Cell};
use crate::question::question;
use crate::row::spread;
use crate::subject::{self, Subject};
use crate::trouble::Trouble;

/// Agreements at each number of connections, with the log and without it, by turns.
pub(crate) fn compare(settings: &Settings, other: &Path) -> Result<(), Trouble> {
    let homes = [subject::furnish(settings.keys)?, subject::furnish(settings.keys)?];
    let [ours, theirs] = &homes;
    let subjects = [Subject::start(ours)?, Subject::start_by(theirs, other)?];
    let ask = |subject: &Subject| Ok::<Arc<[u8]>, Trouble>(question(subject, Deed::Agree)?.into());
    let [first, second] = &subjects;
    let requests = [ask(first)?, ask(second)?];
    let mut text = String::new();
    for connections in Deed::Agree.connections() {
        let mut cells = [Vec::new(), Vec::new()];
        for number in 1..=settings.rounds {
            eprintln!("{connections} connections, round {number} of {}", settings.rounds);
            for ((subject, request), cells) in subjects.iter().zip(&requests).zip(&mut cells) {
                cells.push(load::measure(subject, request, *connections, settings.window)?);
            }
        }
        let [with, without] = &cells;
        let rate = |cells: &[Cell]| spread(cells.iter().map(|cell| cell.rate));
        let parts =
            with.iter().zip(without).map(|(with, without)| 100.0 * with.rate / without.rate);
        let _ = writeln!(
            text,
            "{connections} connections: {} /s with the log, {} /s without it: {} %",
            rate(with),
            rate(without),
            spread(parts),
        );
    }
    print!("ECDH P-256, {} rounds: median (min..max)\n{text}", settings.rounds);
    Ok(())
}
