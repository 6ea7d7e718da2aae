//! `clavigerd`, the Claviger daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    clavigerd::command::run()
}
