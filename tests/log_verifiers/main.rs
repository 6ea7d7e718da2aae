//! What a daemon gives away of its log is taken by programs that share no code with it, Go's packages
//! of the checksum database (`golang.org/x/mod/sumdb`) and `aics-tlog`: checkpoints, tiles, proofs,
//! and the lines themselves. What was edited is not.

mod aics;
mod go;
mod taken;

use std::io::Write;

use taken::Taken;

#[test]
fn others_take_the_log_and_nothing_that_was_edited() {
    let taken = Taken::new();
    let mut told = Vec::new();
    match tests::go::logcheck() {
        Ok(program) => told.push(go::check(&taken, &program)),
        Err(why) => told.push(format!("Go: not run: {why}")),
    }
    match tests::python::log_verifiers() {
        Ok(programs) => told.push(aics::check(&taken, &programs.join("aics-tlog"))),
        Err(why) => told.push(format!("aics-tlog: not run: {why}")),
    }
    for line in told {
        // Past the test's own capture, so that it is seen.
        writeln!(std::io::stderr(), "others_take_the_log: {line}").unwrap();
    }
}
