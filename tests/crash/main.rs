//! Daemon and worker are killed at random moments under load, and the daemon while it starts, again and
//! again, and whatever was acknowledged before has to be there afterwards: in the log, in the records,
//! in the token.
//!
//! `CLAVIGER_CRASH_ROUNDS` says how often each of the three is killed (17, which makes a hundred on two
//! tokens); `make crash` kills longer.

mod check;
mod ledger;
mod load;
mod site;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tests::process::kill_worker;

use crate::check::Checker;
use crate::ledger::Ledger;
use crate::load::{Load, Victim};
use crate::site::Site;

#[test]
fn what_was_acknowledged_outlives_daemon_and_worker() {
    let rounds = std::env::var("CLAVIGER_CRASH_ROUNDS").map_or(17, |text| text.parse().unwrap());
    let ledger = Arc::new(Ledger::default());
    let mut site = Site::build(&ledger);
    let mut checker = Checker::of(&site);
    for round in 1..=rounds {
        for victim in [Victim::Daemon, Victim::Worker] {
            let moment = random_moment();
            println!("round {round} of {rounds}: the {victim:?} after {moment:?}");
            let load = Load::start(&site, &ledger, victim);
            std::thread::sleep(moment);
            match victim {
                Victim::Daemon => {
                    site.kill_daemon();
                    load.stop();
                    site.start_again(random_moment() / 2);
                }
                Victim::Worker => {
                    kill_worker(&site.daemon);
                    load.wait_until_served_again();
                    load.stop();
                }
            }
            checker.check(&site, &ledger);
        }
    }
    check::use_again(&site, &ledger);
    let husks = check::husks(&site);
    println!("{}", ledger.summary());
    println!("{} log files have a torn tail, {husks} object files hold nothing", checker.torn);
}

/// Where in the load the blow falls is left to the clock.
fn random_moment() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Duration::from_millis(u64::from(now.subsec_micros()) % LONGEST)
}

/// Milliseconds.
const LONGEST: u64 = 600;
