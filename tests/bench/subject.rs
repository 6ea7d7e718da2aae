//! The daemon that is measured: the release program as people run it, with a durable log.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::tests::client::Client;
use ::tests::daemon::{Daemon, Home, USER};
use ::tests::login::bearer;
use ::tests::meter::{Meter, Reading};
use ::tests::process;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use serde_json::json;

use crate::host::{self, Memory};
use crate::trouble::Trouble;
use crate::wire::{Place, Wire, get};

/// PKCS#11 sessions of the profile, and threads of what is raw.
pub(crate) const SESSIONS: usize = 2;

/// A daemon that runs.
pub(crate) struct Subject {
    pub(crate) place: Place,
    pub(crate) daemon: Daemon,
    meter: Option<Meter>,
}

/// CPU time until now.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) daemon: Duration,
    pub(crate) worker: Duration,
    /// The token's part of the worker's, where it is measured.
    pub(crate) token: Option<Reading>,
}

/// Memory of both processes.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Footprint {
    daemon: Memory,
    worker: Memory,
}

impl Footprint {
    /// Both together in MiB, what they share counted twice.
    pub(crate) fn resident(&self) -> f64 {
        let kib = u32::try_from(self.daemon.rss + self.worker.rss).unwrap_or(u32::MAX);
        f64::from(kib) / 1024.0
    }
}

/// A device with so many keys; nothing runs afterwards.
pub(crate) fn furnish(keys: usize) -> Result<Home, Trouble> {
    let home = Home::new();
    let daemon = home.start();
    let client = Client::of(&daemon);
    let token = bearer(&client, USER, "keymgmt:gen");
    for number in 0..keys {
        let body = json!({"label": format!("key {number}"), "type": "SECP256R1"});
        let made = client.post("/api/keymgmt/create", &token, &body);
        if made.status != 200 {
            return Err(format!("a key can't be made: {made:?}").into());
        }
    }
    daemon.stop();
    Ok(home)
}

/// Times from the start of the process to its first answer over TLS.
pub(crate) fn time_starts(home: &Home, times: usize) -> Result<Vec<Duration>, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut found = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        let daemon = home.start();
        let place = place(&daemon)?;
        let question = get(&place, "/api/system/status");
        runtime.block_on(async { Wire::connect(&place).await?.ask(&question).await })?;
        found.push(start.elapsed());
        daemon.stop();
    }
    Ok(found)
}

impl Subject {
    /// Starts it.
    pub(crate) fn start(home: &Home) -> Result<Self, Trouble> {
        Self::of(home.start())
    }

    /// Starts `program` in the place of ours.
    pub(crate) fn start_by(home: &Home, program: &Path) -> Result<Self, Trouble> {
        Self::of(home.start_by(Command::new(program)))
    }

    /// Starts it with a meter before its token, in a folder where none is yet.
    pub(crate) fn start_metered(home: &Home) -> Result<Self, Trouble> {
        let meter = Some(Meter::install(home));
        Ok(Self { meter, ..Self::start(home)? })
    }

    fn of(daemon: Daemon) -> Result<Self, Trouble> {
        Ok(Self { place: place(&daemon)?, daemon, meter: None })
    }

    /// CPU time used until now.
    pub(crate) fn cpu_time(&self) -> Result<Used, Trouble> {
        let (daemon, worker) = self.processes()?;
        let token = self.meter.as_ref().map(Meter::read);
        Ok(Used { daemon: host::cpu_time(daemon)?, worker: host::cpu_time(worker)?, token })
    }

    /// Memory in use now.
    pub(crate) fn memory(&self) -> Result<Footprint, Trouble> {
        let (daemon, worker) = self.processes()?;
        Ok(Footprint { daemon: host::memory(daemon)?, worker: host::memory(worker)? })
    }

    fn processes(&self) -> Result<(i32, i32), Trouble> {
        Ok((self.daemon.ready().pid, process::worker(&self.daemon).as_raw()))
    }
}

impl Used {
    /// What was used since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        let token = self.token.zip(before.token).map(|(after, before)| after.since(before));
        Self {
            daemon: self.daemon.saturating_sub(before.daemon),
            worker: self.worker.saturating_sub(before.worker),
            token,
        }
    }
}

fn place(daemon: &Daemon) -> Result<Place, Trouble> {
    let ready = daemon.ready();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&ready.ca_file)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trust = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (address, hostname) = (daemon.address(), ready.hostname.clone());
    Ok(Place { address, hostname, trust: Arc::new(trust) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deed::Deed;
    use crate::question::question;

    #[test]
    fn the_meter_counts_what_the_token_does_and_nothing_else() {
        let home = furnish(1).unwrap();
        let subject = Subject::start_metered(&home).unwrap();
        let agree = question(&subject, Deed::Agree).unwrap();
        let status = get(&subject.place, "/api/system/status");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ask = |request: &[u8], times: u32| {
            subject.meter.as_ref().unwrap().wait_for_silence();
            let before = subject.cpu_time().unwrap();
            runtime.block_on(async {
                let mut wire = Wire::connect(&subject.place).await.unwrap();
                for _ in 0..times {
                    wire.ask(request).await.unwrap();
                }
            });
            let used = subject.cpu_time().unwrap().since(before);
            (used.token.unwrap(), used.worker)
        };
        let (token, _) = ask(&status, 20);
        assert_eq!((token.calls, token.time), (0, Duration::ZERO));
        let (token, worker) = ask(&agree, 200);
        // Derived, read, destroyed; a signature of the log may come on top.
        assert!(token.calls >= 600, "{token:?}");
        // The kernel says the worker's in ticks of 10 ms, user and system each.
        let ticks = Duration::from_millis(40);
        assert!(token.time < worker + ticks, "{token:?} of {worker:?}");
        assert!(token.time * 10 + ticks > worker, "{token:?} of {worker:?}");
        assert!(token.time > Duration::ZERO);
    }
}
