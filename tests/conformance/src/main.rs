//! Walks the HEM API of a device or a daemon and says what is not as the API's description has it.
//! Written from that description alone: no code of the daemon is in here. `docs/conformance.md`.

mod arguments;
mod ask;
mod checks;
mod device;
mod encoding;
mod jwt;
mod kinds;
mod ledger;
mod log_file;
mod login;
mod phone;
mod reply;
mod report;
mod software;
mod verdict;
mod wire;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::checks::Check;
use crate::device::{Device, PREFIX};
use crate::report::Report;
use crate::verdict::{Trouble, Verdict};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let checks = checks::all();
    if arguments.list {
        for check in checks {
            println!("{:<24} {}", check.id, check.says);
        }
        return ExitCode::SUCCESS;
    }
    match examine(&arguments, &checks) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::from(2)
        }
    }
}

/// Whether the device passes.
fn examine(arguments: &Arguments, checks: &[Check]) -> Result<bool, String> {
    let begin = Instant::now();
    let device = arguments.device()?;
    let who = first_look(&device, arguments)?;
    let mut report = Report::default();
    let mut swept = false;
    for check in checks.iter().filter(|check| arguments.wants(&check.id)) {
        // Leftovers first, but not before a fresh device is initialised.
        if check.needs_keys && !swept {
            swept = true;
            sweep(&device)?;
        }
        let start = Instant::now();
        let verdict = (check.run)(&device);
        report.add(&check.id, &check.says, verdict, start.elapsed());
        if !arguments.json {
            println!("{}", report.last_line());
        }
    }
    let (passed, failed, _) = report.counts();
    let enough = passed >= arguments.enough();
    if arguments.json {
        println!("{:#}", report.json(&who));
    } else {
        println!("{}, {} s", report.summary(), begin.elapsed().as_secs());
    }
    if !enough {
        let least = arguments.enough();
        eprintln!("conformance: only {passed} checks passed, at least {least} have to");
    }
    let left = device.tidy();
    left.iter().for_each(|line| eprintln!("conformance: {line}"));
    Ok(failed == 0 && enough && left.is_empty())
}

/// What the device says of itself; an error where it can't be examined at all.
fn first_look(device: &Device, arguments: &Arguments) -> Result<Value, String> {
    let status = said(device.get("/api/system/status", None).and_then(|reply| reply.json()))?;
    if status.get("inited").is_some() && !arguments.provision {
        return Err("the device is not initialised: --provision does it, with the passphrases of \
            CLAVIGER_USER_PASSPHRASE and CLAVIGER_MASTER_PASSPHRASE"
            .to_owned());
    }
    let version = said(device.get("/api/system/version", None).and_then(|reply| reply.json()))?;
    let of = |name: &str| version.get(name).cloned().unwrap_or_default();
    Ok(json!({ "hwv": of("hwv"), "fwv": of("fwv") }))
}

/// Deletes what an earlier run that broke off has left.
fn sweep(device: &Device) -> Result<(), String> {
    if device.people.user.is_none() {
        return Ok(());
    }
    for key in said(checks::listed(device))? {
        if key.label.starts_with(PREFIX) {
            said(device.remove(&key.kid))?;
        }
    }
    Ok(())
}

fn said<T>(verdict: Verdict<T>) -> Result<T, String> {
    verdict.map_err(|trouble| match trouble {
        Trouble::Fails(why) | Trouble::NotApplicable(why) => why,
    })
}
