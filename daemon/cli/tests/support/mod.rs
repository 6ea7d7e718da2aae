//! A stand-in for the daemon: TLS 1.3 on a free port, answers from a function, requests kept for
//! the test to look at. And the client as a process, with a state directory of its own.

mod handshake;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use handshake::{challenge, login_vector, proves};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `METHOD /path`.
    pub(crate) line: String,
    /// Header lines in lower case.
    pub(crate) head: String,
    /// JSON body; null without one.
    pub(crate) body: Value,
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

pub(crate) struct Daemon {
    pub(crate) url: String,
    pub(crate) home: TempDir,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What a run of the client left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Daemon {
    pub(crate) fn start(answer: impl Fn(&Seen) -> Answer + Send + 'static) -> Self {
        Self::with(&CertificateParams::new(["localhost".to_owned()]).unwrap(), answer)
    }

    /// One whose certificate is good from the beginning of one year to that of another.
    pub(crate) fn valid(from: i32, to: i32) -> Self {
        let mut leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
        leaf.not_before = rcgen::date_time_ymd(from, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(to, 1, 1);
        Self::with(&leaf, |_| (200, "{}".into()))
    }

    fn with(leaf: &CertificateParams, answer: impl Fn(&Seen) -> Answer + Send + 'static) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = Arc::new(tls(leaf, &home.path().join("ca.pem")));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(tls, socket.unwrap());
                // a client that does not trust us hangs up: that is a test, not an error
                let _ = serve(stream, &answer, &kept);
            }
        });
        Self { url, home, seen }
    }

    /// Runs the client against this daemon, trusting its root.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let ca = self.ca();
        let mut all = vec!["--url", &self.url, "--ca", ca.to_str().unwrap()];
        all.extend(args);
        run(self.home.path(), &all, &[])
    }

    /// As `run`, with a bearer token in the environment.
    pub(crate) fn run_with_token(&self, args: &[&str]) -> Ended {
        let (ca, url) = (self.ca(), self.url.as_str());
        let ca = ca.to_str().unwrap();
        let env = [("CLAVIGER_TOKEN", "T0"), ("CLAVIGER_URL", url), ("CLAVIGER_CA", ca)];
        run(self.home.path(), args, &env)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    /// A file in the home of the test.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }
}

/// Runs the client with nothing in its environment but a state directory and `env`.
pub(crate) fn run(home: &Path, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .args(args)
        .env_clear()
        .env("XDG_STATE_HOME", home.join("state"))
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn serve(
    mut stream: StreamOwned<ServerConnection, TcpStream>,
    answer: &impl Fn(&Seen) -> Answer,
    kept: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let seen = Seen { line, head, body };
    let (status, text) = answer(&seen);
    kept.lock().unwrap().push(seen);
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{text}"
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A root of its own, written to `ca`, and a server configuration that it vouches for.
fn tls(leaf: &CertificateParams, ca: &Path) -> ServerConfig {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    File::create(ca).unwrap().write_all(root.pem().as_bytes()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap()
}
