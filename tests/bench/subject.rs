//! The daemon that is measured: the release program as people run it, with a durable log.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use serde_json::json;
use tests::client::Client;
use tests::daemon::{Daemon, Home, USER};
use tests::login::bearer;
use tests::process;

use crate::host::{self, Memory};
use crate::trouble::Trouble;
use crate::wire::{Place, Wire, get};

/// PKCS#11 sessions of the profile, and threads of what is raw.
pub(crate) const SESSIONS: usize = 2;

/// A daemon that runs.
pub(crate) struct Subject {
    pub(crate) place: Place,
    pub(crate) daemon: Daemon,
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

    fn of(daemon: Daemon) -> Result<Self, Trouble> {
        Ok(Self { place: place(&daemon)?, daemon })
    }

    /// CPU time used until now, by the daemon and by its worker.
    pub(crate) fn cpu_time(&self) -> Result<(Duration, Duration), Trouble> {
        let (daemon, worker) = self.processes()?;
        Ok((host::cpu_time(daemon)?, host::cpu_time(worker)?))
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
