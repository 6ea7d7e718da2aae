//! A daemon of one's own: `clavigerd dev` in a folder of its own, on free ports.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use crate::client::Client;
use crate::make::Make;
use crate::patience::{LONG, until};
use crate::programs;

/// The folder of a daemon, which outlives its runs and goes when it is dropped.
pub struct Home(TempDir);

/// A daemon that runs. It is killed when it is dropped.
pub struct Daemon {
    child: Child,
    ready: Ready,
    dir: PathBuf,
}

/// What a daemon says when it serves.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// `https://HOST:PORT`
    pub url: String,
    /// The same of the plain listener.
    pub plain_url: Option<String>,
    /// The same of the listener for metrics and health.
    pub metrics_url: Option<String>,
    /// PEM: the root to trust.
    pub ca_file: PathBuf,
    /// The name in its certificate.
    pub hostname: String,
    /// The process.
    pub pid: i32,
}

impl Home {
    /// A fresh folder.
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("claviger-test-").tempdir().unwrap())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file or folder in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Starts `clavigerd dev` here, with both listeners.
    pub fn start(&self) -> Daemon {
        self.start_by(Command::new(programs::path("clavigerd")))
    }

    /// Starts `clavigerd dev` here through `command`, which ends in the program.
    pub fn start_by(&self, command: Command) -> Daemon {
        let mut child = self.begin(command);
        let file = self.at("ready.json");
        let ready: Ready = until("the daemon serves", LONG, || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("clavigerd ended with {status}:\n{}", self.messages());
            }
            serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
        });
        Daemon { child, ready, dir: self.path().to_owned() }
    }

    /// A start that is killed (`kill -9`) so much later, wherever it is then.
    pub fn start_in_vain(&self, life: Duration) {
        let mut child = self.begin(Command::new(programs::path("clavigerd")));
        std::thread::sleep(life);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The process of a start.
    fn begin(&self, mut command: Command) -> Child {
        let file = self.at("ready.json");
        let _ = std::fs::remove_file(&file);
        let any = "127.0.0.1:0";
        let make = Make::current();
        command.args(["dev", "--profile", make.profile, "--listen", any, "--plain-listen", any]);
        command.arg("--module").arg(make.module());
        command.args(["--metrics-listen", any]);
        command.args(["--user-passphrase", USER, "--master-passphrase", MASTER]);
        command.arg("--dir").arg(self.path()).arg("--ready-json").arg(&file);
        self.spawn(command)
    }

    /// Starts `clavigerd serve` with the configuration that the first start wrote, on a port that
    /// was free a moment ago and hardly anybody takes.
    pub fn serve(&self) -> Daemon {
        for _ in 0..5 {
            if let Some(daemon) = self.try_serve() {
                return daemon;
            }
        }
        panic!("clavigerd does not serve:\n{}", self.messages());
    }

    /// `None` when the daemon ends at once, as it does where somebody else took the port.
    fn try_serve(&self) -> Option<Daemon> {
        let address = free_address();
        let old = self.config();
        let line = old.lines().find(|line| line.starts_with("address = ")).unwrap();
        self.configure(&format!("\n{line}\n"), &format!("\naddress = \"{address}\"\n"));
        let mut command = Command::new(programs::path("clavigerd"));
        command.arg("serve").arg("--config").arg(self.at("claviger.toml"));
        let child = self.spawn(command);
        let before = std::fs::read(self.at("ready.json")).unwrap();
        let before: Ready = serde_json::from_slice(&before).unwrap();
        let url = format!("https://{}:{}", before.hostname, address.port());
        let ready = Ready {
            url,
            plain_url: None,
            metrics_url: None,
            pid: i32::try_from(child.id()).unwrap(),
            ..before
        };
        let mut daemon = Daemon { child, ready, dir: self.path().to_owned() };
        let is_up = until("the daemon serves or ends", LONG, || {
            if daemon.child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            // The socket is bound before all behind it is ready: an answer is what counts.
            let status = Client::of(&daemon).try_send("GET", "/api/system/status", |ask| ask);
            status.is_ok().then_some(true)
        });
        is_up.then_some(daemon)
    }

    /// A folder with a token and certificates, whose device was never initialised; to be served.
    pub fn uninitialised() -> Self {
        let home = Self::new();
        home.start().stop();
        home.make_fresh();
        home
    }

    /// Takes the state away from a daemon that does not run: its device is a fresh one then.
    pub fn make_fresh(&self) {
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let _ = std::fs::remove_file(self.at(name));
        }
    }

    /// Gives the plain listener of `clavigerd serve` a port that was free a moment ago.
    pub fn free_plain_port(&self) -> SocketAddr {
        let address = free_address();
        let old = self.config();
        let line = old.lines().find(|line| line.starts_with("plain_address = ")).unwrap();
        self.configure(line, &format!("plain_address = \"{address}\""));
        address
    }

    /// Runs a command of the daemon that needs it not to run, such as `adopt`.
    pub fn command(&self, arguments: &[&str]) -> programs::Ran {
        let mut command = Command::new(programs::path("clavigerd"));
        programs::run(command.args(arguments).arg("--config").arg(self.at("claviger.toml")))
    }

    /// The configuration that the first start wrote.
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.at("claviger.toml")).unwrap()
    }

    /// Replaces `old` by `new` in the configuration.
    ///
    /// # Panics
    /// Where `old` is not in it.
    pub fn configure(&self, old: &str, new: &str) {
        let text = self.config();
        assert!(text.contains(old), "no {old:?} in\n{text}");
        write(&self.at("claviger.toml"), text.replace(old, new));
    }

    /// What the daemon wrote to standard error, all runs together.
    pub fn messages(&self) -> String {
        std::fs::read_to_string(self.at("messages.txt")).unwrap_or_default()
    }

    fn spawn(&self, mut command: Command) -> Child {
        let log = File::options().create(true).append(true).open(self.at("messages.txt")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Daemon {
    /// Where it listens, and more.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The address of its TLS listener.
    pub fn address(&self) -> SocketAddr {
        address_in(&self.ready.url)
    }

    /// The address of its plain listener.
    pub fn plain_address(&self) -> SocketAddr {
        address_in(self.ready.plain_url.as_ref().unwrap())
    }

    /// The address of its listener for metrics and health.
    pub fn metrics_address(&self) -> SocketAddr {
        address_in(self.ready.metrics_url.as_ref().unwrap())
    }

    /// Sends a signal to it.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.ready.pid), signal).unwrap();
    }

    /// The most memory that it had so far, in KiB, without its worker.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.ready().pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("the daemon ends", LONG, || child.try_wait().unwrap())
    }

    /// Stops it as a service manager does.
    ///
    /// # Panics
    /// When it does not end with 0.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        let messages = std::fs::read_to_string(self.dir.join("messages.txt")).unwrap_or_default();
        assert!(status.success(), "{status}\n{messages}");
    }

    /// Ends it without a warning.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a whole file.
pub fn write(path: &Path, text: impl AsRef<[u8]>) {
    File::create(path).unwrap().write_all(text.as_ref()).unwrap();
}

/// An address that nobody listens on, and that the kernel gives nobody who asks for any: the others are
/// lent to every connection that goes out (`ip_local_port_range`).
pub fn free_address() -> SocketAddr {
    until("a free port", LONG, || {
        let mut random = [0; 2];
        aws_lc_rs::rand::fill(&mut random).unwrap();
        let port = 12_000 + u16::from_be_bytes(random) % 20_000;
        std::net::TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()
    })
}

/// How long is generous for an answer.
pub const ANSWER: Duration = LONG;
/// The passphrase of the user.
pub const USER: &str = "correct horse battery staple";
/// The passphrase of the administrator.
pub const MASTER: &str = "tr0ub4dor & three more words";

fn address_in(url: &str) -> SocketAddr {
    let (_, port) = url.rsplit_once(':').unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.trim_end_matches('/').parse().unwrap()))
}
