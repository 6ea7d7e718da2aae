//! Real worker processes: what they inherit, and how their ends are read.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise has to fail")]

mod fake;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hsm_profiles::transport::frame::{GREETING, Outbox};
use hsm_profiles::transport::process::WorkerCommand;
use hsm_profiles::transport::{Health, Limits};
use hsm_profiles::{Answer, TokenFault, Vault};

/// A shell that runs `script` in place of a worker, in a directory with a PIN and a greeting.
fn shell(directory: &Path, script: &str) -> WorkerCommand {
    let mut greeting = Outbox::default();
    greeting.push(GREETING, &Answer::Status(Box::new(fake::status()))).unwrap();
    put(&directory.join("greeting"), greeting.bytes());
    put(&directory.join("pin"), b"1234\n");
    protect(&directory.join("pin"), 0o600);
    WorkerCommand {
        program: PathBuf::from("/bin/sh"),
        arguments: ["-c", script, "worker"].into_iter().map(Into::into).collect(),
        environment: vec![("HERE".into(), directory.into())],
        pin_file: directory.join("pin"),
        refusals: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "what a test writes need not outlive a crash")]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn protect(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Greets, then waits for the end of the socket.
const GREET: &str = "/bin/cat $HERE/greeting >&3; /bin/cat <&3 >/dev/null";

#[tokio::test]
async fn a_worker_inherits_the_socket_the_pin_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let script =
        "/usr/bin/env > $HERE/env; /bin/ls /proc/self/fd > $HERE/fds; /bin/cat <&4 > $HERE/got; ";
    let command = shell(directory.path(), &format!("{script}{GREET}"));
    let (vault, system, status) = Vault::open(command, Limits::default()).await.unwrap();
    assert_eq!(status, fake::status());
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("got"), "1234\n");
    let environment = read("env");
    let foreign = environment.lines().find(|line| {
        !["HERE=", "PWD=", "_=", "SHLVL=", "OLDPWD"].iter().any(|own| line.starts_with(own))
    });
    assert_eq!(foreign, None, "beyond what is given and what a shell sets by itself");
    // 5 is the directory that the list is read from.
    let open: Vec<u32> = read("fds").lines().map(|line| line.parse().unwrap()).collect();
    assert!((0..5).all(|fd| open.contains(&fd)), "{open:?}");
    let leaked = open.into_iter().find(|fd| *fd > 5 && !is_for_every_child(*fd));
    assert_eq!(leaked, None, "an open file of the daemon's own");
    let pid = system.vitals().worker().unwrap();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    drop((vault, system));
    let begin = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it outlives the last handle");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether this process was itself started with this file open, for all its children to have.
fn is_for_every_child(fd: u32) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("0");
    i64::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 == 0 && !info.is_empty()
}

#[tokio::test]
async fn a_killed_worker_is_replaced_and_a_hanging_one_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let deaf = "/bin/cat $HERE/greeting >&3; exec /bin/sleep 1000";
    let short = Duration::from_millis(50);
    let limits = Limits { deadline: short, hang: short, ..Limits::default() };
    let (vault, system, _) = Vault::open(shell(directory.path(), deaf), limits).await.unwrap();
    let first = system.vitals().worker().unwrap();
    let mut kill = tokio::process::Command::new("/bin/kill");
    assert!(kill.arg("-9").arg(first.to_string()).status().await.unwrap().success());
    replaced(&system, first).await;
    let second = system.vitals().worker().unwrap();
    assert_eq!(fake::agree(&vault, 1).await, Err(TokenFault::Deadline));
    replaced(&system, second).await;
    for dead in [first, second] {
        assert!(!Path::new(&format!("/proc/{dead}")).exists(), "no zombie is left");
    }
    assert_eq!(*vault.health().borrow(), Health::Ready);
    assert_eq!(system.vitals().restarts(), 2);
}

async fn replaced(system: &hsm_profiles::System, old: u32) {
    let begin = Instant::now();
    while system.vitals().worker().is_none_or(|pid| pid == old) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{old} is not replaced");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn exit_codes_and_missing_files_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let open = |command| async { Vault::open(command, Limits::default()).await.err().unwrap() };
    assert_eq!(open(shell(directory.path(), "exit 77")).await, TokenFault::PinRefused);
    let crashed = open(shell(directory.path(), "exit 3")).await.to_string();
    assert!(crashed.contains("exit status: 3"), "{crashed}");
    let signalled = open(shell(directory.path(), "kill -SEGV $$")).await.to_string();
    assert!(signalled.contains("signal: 11"), "{signalled}");
    let mut command = shell(directory.path(), GREET);
    command.pin_file = directory.path().join("nowhere");
    let without_pin = open(command.clone()).await.to_string();
    assert!(without_pin.contains("nowhere"), "{without_pin}");
    command.pin_file = directory.path().join("pin");
    protect(&command.pin_file, 0o640);
    let open_pin = open(command.clone()).await.to_string();
    assert!(open_pin.contains("pin can't be opened: others may read it"), "{open_pin}");
    protect(&command.pin_file, 0o600);
    command.program = directory.path().join("no-program");
    assert!(matches!(open(command).await, TokenFault::Down(_)));
}

#[tokio::test]
async fn a_closed_way_waits_for_its_worker_and_leads_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    // It takes its time to end.
    let script = format!("{GREET}; /bin/sleep 0.3; /bin/cat $HERE/greeting > $HERE/ended");
    let command = shell(directory.path(), &script);
    let (vault, system, _) = Vault::open(command, Limits::default()).await.unwrap();
    let pid = system.vitals().worker().unwrap();
    let (asking, late) = (system.clone(), system.clone());
    let waiting = tokio::spawn(async move { asking.mac(b"never answered").await });
    tokio::task::yield_now().await;
    vault.close().await;
    assert!(directory.path().join("ended").exists(), "it could end by itself");
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(matches!(waiting.await.unwrap(), Err(TokenFault::Down(_))));
    assert!(matches!(late.mac(b"too late").await, Err(TokenFault::Down(_))));
    assert_eq!(system.vitals().restarts(), 0);
    vault.close().await;
}
