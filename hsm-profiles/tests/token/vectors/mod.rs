//! Published vectors whose keys are secret: no API brings them in, so they go through the worker's
//! operations, on a real token. Where a key can be in the token and sealed, both are asked.

mod aes;
mod agreement;
mod edwards;
mod hmac;
mod keys;
mod ml_kem;

use std::path::Path;

use crate::employ::Bench;
use crate::tally::Tally;

/// Runs in a process of its own, after the token was provisioned.
pub(crate) fn all(pin_file: &Path) {
    let bench = Bench::new(pin_file);
    let mut seat = bench.token.seat().unwrap();
    for run in [hmac::all, aes::all, agreement::all, edwards::all, ml_kem::all] {
        run(&mut keys::Keys { bench: &bench, seat: &mut seat });
    }
}

/// The name of a set, with where its keys were.
fn at(place: keys::Place, set: &str) -> String {
    format!("{set}, {place}")
}

/// A fresh tally; each file settles its own.
fn tally() -> Tally {
    Tally::default()
}
