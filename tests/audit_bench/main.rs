//! `make audit-bench`: how fast `claviger-audit verify` reads logs of a million lines and more, and how
//! much memory it takes. The logs are written here, by the daemon's own writer and a key in software.
//!
//! Usage: audit-bench [LINES…], without any 1,000,000 and 10,000,000.

use std::collections::VecDeque;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use audit::{Ext, Log, LogResult, LogType, Options, Signer, SignerError, Subject};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;
use tests::programs;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("audit-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut sizes =
        std::env::args().skip(1).map(|size| size.parse()).collect::<Result<Vec<u64>, _>>()?;
    if sizes.is_empty() {
        sizes = vec![1_000_000, 10_000_000];
    }
    // The peak is that of all programs so far.
    sizes.sort_unstable();
    println!(
        "| entries | file | written | verified | entries/s | peak memory | with nothing new |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut peaks = Vec::new();
    for size in sizes {
        peaks.push(measure(size)?);
    }
    let bar = if peaks.iter().all(|peak| *peak <= 80 * 1024) { "met" } else { "MISSED" };
    println!("\nat most 80 MiB, however long the log is: {bar}");
    Ok(())
}

/// Answers the peak of the memory in KiB.
fn measure(size: u64) -> Result<i64, Box<dyn Error>> {
    let (home, aside) = (TempDir::new()?, TempDir::new()?);
    let written = write(home.path(), size)?;
    let state = aside.path().join("state");
    let (took, peak) = verify(home.path(), &state)?;
    let (again, _) = verify(home.path(), &state)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(home.path())? {
        bytes += entry?.metadata()?.len();
    }
    let speed = u128::from(size) * 1000 / took.as_millis().max(1);
    println!(
        "| {size} | {} MB | {:.0} s | {:.1} s | {speed} | {:.1} MiB | {} ms |",
        bytes / 1_000_000,
        written.as_secs_f64(),
        took.as_secs_f64(),
        f64::from(i32::try_from(peak)?) / 1024.0,
        again.as_millis()
    );
    Ok(peak)
}

/// Writes a log with so many entries.
fn write(home: &Path, size: u64) -> Result<Duration, Box<dyn Error>> {
    let began = Instant::now();
    let mut options = Options::new(home, "Claviger bench");
    options.queue = 1 << 14;
    let log = Log::start(options, Box::new(Key::new()?))?;
    let mut waiting = VecDeque::new();
    for number in 0..size {
        let kind = LogType::LOG_TYPE_CRYPTO_ECDH;
        let mut entry = log.open(Some(kind), Subject::User)?;
        let mut kid = [0; 16];
        kid[..8].copy_from_slice(&(number % 1000).to_le_bytes());
        entry.name_ext(Ext::Kid(kid));
        waiting.push_back(entry.close(LogResult::LOG_RESULT_OK));
        if waiting.len() >= 1 << 13 {
            waiting.drain(..1 << 12).try_for_each(|closing| closing.wait().map(drop))?;
        }
    }
    waiting.into_iter().try_for_each(|closing| closing.wait().map(drop))?;
    log.shutdown();
    Ok(began.elapsed())
}

/// How long the program takes, and the most memory of any of its runs in KiB.
fn verify(home: &Path, state: &Path) -> Result<(Duration, i64), Box<dyn Error>> {
    let mut command = Command::new(programs::path("claviger-audit"));
    command.arg("verify").arg(home).arg("--key").arg(home.join("logger.vkey"));
    let began = Instant::now();
    let ran = programs::run(command.arg("--resume").arg(state));
    let took = began.elapsed();
    if ran.code != 0 {
        return Err(format!("{ran:?}").into());
    }
    Ok((took, getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss()))
}

/// A logger key in software.
struct Key(Ed25519KeyPair);

impl Key {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self(Ed25519KeyPair::from_seed_unchecked(&[5; 32])?))
    }
}

impl Signer for Key {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or_default()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let signature = self.0.sign(message);
        signature.as_ref().try_into().map_err(|_| SignerError::new("no Ed25519 signature"))
    }
}
