//! Why the daemon did not come up, and how that is mended.

use std::path::PathBuf;

use audit::StartError;
use hsm_profiles::{BadProfile, TokenFault};

use crate::fault::Fault;
use crate::keyring::OpenError;
use crate::outbound::OutboundFault;
use crate::store::{SettingsFault, StoreFault};
use crate::wipe::WipeFault;

/// Why the daemon did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The accounts can't be read.
    #[error("the accounts can't be read: {}", .0.detail())]
    Accounts(Fault),
    /// The state can't be claimed.
    #[error("{0} can't be locked ({1}): its directory must exist and belong to the daemon's user")]
    Claim(String, std::io::Error),
    /// The state belongs to another token.
    #[error(
        "the token {0} has no system keys, and the state file was made with some: give the token \
         that belongs to it, or move the state file away to start afresh"
    )]
    ForeignToken(String),
    /// Another process works with the state.
    #[error("another clavigerd uses this state: stop it first ({0})")]
    InUse(String),
    /// The keys can't be opened.
    #[error(transparent)]
    Keys(#[from] OpenError),
    /// A socket can't be had.
    #[error("{0}: {1}{remedy}", remedy = remedy(.1))]
    Listen(String, std::io::Error),
    /// The log does not begin.
    #[error(transparent)]
    Log(#[from] StartError),
    /// The log's first entries can't be written.
    #[error(transparent)]
    LogEntries(#[from] audit::Unwritten),
    /// The folder of the log can't be made.
    #[error("audit.directory: {0}")]
    LogFolder(std::io::Error),
    /// There is no module where the profile looks for it.
    #[error(
        "no PKCS#11 module of {0} is installed where it is looked for: install it, or name its \
        path as [token] module"
    )]
    NoModule(String),
    /// The collector or the witness of the log can't be reached as configured.
    #[error("audit.syslog or audit.witness: {0}")]
    Outbound(#[from] OutboundFault),
    /// The host has no randomness.
    #[error("the host gives no random bytes ({0:?})")]
    Randomness(Fault),
    /// The token refused the PIN, now or at an earlier start.
    #[error(
        "the token refuses its PIN, which is not tried again: mend the PIN and start the daemon; \
         where the PIN is right and the token was locked, unlock the token and remove {}",
        .0.display()
    )]
    PinRefused(PathBuf),
    /// The profile of the token can't be used.
    #[error(transparent)]
    Profile(#[from] BadProfile),
    /// Two rows of the route table contradict each other: a defect.
    #[error("the route table: {0}")]
    Routes(String),
    /// The self-test could not be done. One that fails does not end up here.
    #[error("the self-test can't be done: {}", .0.detail())]
    SelfTest(Fault),
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// The state can't be opened.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] crate::listen::TlsFault),
    /// The token fails.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The token can't be opened.
    #[error(
        "the token can't be opened: {0}; look at label, module, pin_file and environment under \
         [token]"
    )]
    TokenClosed(String),
    /// A file that the configuration of the token names can't be used.
    #[error("the token can't be opened: [token] {0} = {path}: {2}", path = .1.display())]
    TokenFile(&'static str, PathBuf, std::io::Error),
    /// A wipe can't be carried out.
    #[error(
        "everything is to be destroyed, as a caller of the last run asked, and not everything is: {0}; \
         the next start goes on with it"
    )]
    Wipe(#[from] WipeFault),
    /// The token did not make its system keys.
    #[error("the token did not make the system keys: see what it logs")]
    Unprovisioned,
}

/// How a socket is had after all.
fn remedy(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    match error.kind() {
        AddrInUse => {
            "; another program listens there (`ss -ltnp` shows which): stop it, or take another \
             address under [listen] or [metrics]"
        }
        AddrNotAvailable => {
            "; this host does not have that address: `ip address` shows which it has"
        }
        PermissionDenied => {
            "; ports below 1024 are not for everybody: let systemd open it (clavigerd.socket), or \
             take a higher one"
        }
        _ => "",
    }
}
