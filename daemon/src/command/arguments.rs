//! What the command line can say.

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The Claviger daemon: uses the keys of a PKCS#11 token for clients over TLS, and keeps a signed log
/// of it. `clavigerd dev` is for a beginning: it makes all that is needed in one folder, and serves.
/// The guide is docs/operating.md, installed as /usr/share/doc/claviger/operating.md.
#[derive(Parser)]
#[command(name = "clavigerd", version, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register private keys that are in the token already; the daemon must not run.
    Adopt {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// One JSON object a line: type, pubkey (base64), mode, label. The object's CKA_ID must be
        /// the key's KID.
        #[arg(long)]
        keys: PathBuf,
    },
    /// Check a configuration file and say what is wrong with it.
    CheckConfig {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Make a token, a certificate authority and a device in one folder, and serve them.
    Dev(Dev),
    /// Make a fresh token of a kind that lies in files: SoftHSM, or the embedded one.
    HsmInit(HsmInit),
    /// Hold the token for the daemon (internal).
    #[command(hide = true)]
    HsmWorker(Worker),
    /// Set the audit log aside and begin another one, after a loss that can't be undone; the daemon
    /// must not run. The new log says so in its first entry.
    NewLog {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// Why, for the auditors: it goes into the log.
        #[arg(long)]
        reason: String,
    },
    /// Make a new key in the token that signs the audit log from now on, and the one before along with
    /// it; the daemon must not run. If it breaks off, do it again.
    RotateLoggerKey {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// Destroy the key that the last rotation took over from: the new one signs alone.
        #[arg(long)]
        retire: bool,
    },
    /// Serve.
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

/// `clavigerd dev`
#[derive(Args)]
pub(super) struct Dev {
    /// Where everything is kept; found again by the next start.
    #[arg(long, default_value = ".dev")]
    pub(super) dir: PathBuf,
    /// The TLS listener; port 0 takes a free one.
    #[arg(long)]
    pub(super) listen: Option<SocketAddr>,
    /// Serves metrics and health there; port 0 takes a free one.
    #[arg(long)]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// A second, plain listener.
    #[arg(long)]
    pub(super) plain_listen: Option<SocketAddr>,
    /// The token's profile.
    #[arg(long, default_value = "softhsm2")]
    pub(super) profile: String,
    /// The token's PKCS#11 module, at the first start: it goes into the configuration. The profile
    /// knows where it is when this is left out.
    #[arg(long)]
    pub(super) module: Option<PathBuf>,
    /// The user's passphrase at the first start; a random one is made without it.
    #[arg(long)]
    pub(super) user_passphrase: Option<String>,
    /// The administrator's passphrase at the first start; a random one is made without it.
    #[arg(long)]
    pub(super) master_passphrase: Option<String>,
    /// Written when it serves: url, plain_url, metrics_url, ca_file, hostname, dir, pid,
    /// account and account_password_file.
    #[arg(long)]
    pub(super) ready_json: Option<PathBuf>,
}

/// `clavigerd hsm-init`
#[derive(Args)]
pub(super) struct HsmInit {
    /// The token's profile.
    #[arg(long)]
    pub(super) profile: String,
    /// The PKCS#11 module; the profile knows where it is when this is left out.
    #[arg(long)]
    pub(super) module: Option<PathBuf>,
    /// The CKA_LABEL of the token.
    #[arg(long, default_value = "claviger")]
    pub(super) label: String,
    /// Where its files go: configuration, PINs, keys.
    #[arg(long)]
    pub(super) dir: PathBuf,
    /// Say nothing unless it fails.
    #[arg(long)]
    pub(super) quiet: bool,
}

/// `clavigerd hsm-worker`
#[derive(Args)]
pub(super) struct Worker {
    #[arg(long)]
    profile: String,
    #[arg(long)]
    label: String,
    #[arg(long)]
    module: Option<PathBuf>,
    #[arg(long)]
    sessions: Option<usize>,
    #[arg(long, default_value_t = 3)]
    socket: RawFd,
    #[arg(long, default_value_t = 4)]
    pin: RawFd,
    #[arg(long)]
    refusals: Option<RawFd>,
}

impl Worker {
    pub(super) fn run(self) -> ExitCode {
        hsm_profiles::worker_main(&hsm_profiles::WorkerOptions {
            profile: self.profile,
            module: self.module,
            token_label: self.label,
            sessions: self.sessions,
            socket: self.socket,
            pin: self.pin,
            refusals: self.refusals,
        })
    }
}

const EXIT_CODES: &str = "Exit codes: 0 good, 1 failed, 2 usage, 76 stopped by a caller, \
    77 the token refused its PIN, 78 the configuration can't be used.";
