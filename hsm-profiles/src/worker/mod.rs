//! The worker: the process that loads the PKCS#11 module, holds the PIN and does what the daemon
//! asks for, over a socket that it inherits.
//!
//! It greets with the token's status, or with the reason why it can't work, and ends:
//! 0 when the daemon hangs up, [`EXIT_DOWN`] when a fresh worker may help, [`EXIT_PIN`] when only
//! an operator can.

mod confine;
mod derive;
mod digest;
mod employ;
mod exchange;
mod heal;
mod inherit;
mod mailbox;
mod perform;
mod post_quantum;
mod randomness;
mod sealed;
mod self_test;
mod serve;
mod software;
mod token;

use std::io::Write;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::pkcs11::Pin;
use crate::profile::Profile;
use crate::protocol::{Answer, TokenFault};
use crate::transport::frame::{GREETING, Outbox};

pub use token::{Seat, Token, TokenOptions};

/// What a worker is started with.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The inherited stream socket to the daemon, by convention 3. The worker takes it over.
    pub socket: RawFd,
    /// The inherited descriptor that the PIN is read from, by convention 4: UTF-8, one line. The
    /// worker takes it over.
    pub pin: RawFd,
    /// The inherited descriptor of the file that remembers a refused PIN, by convention 5; `None`
    /// for no memory. The worker takes it over.
    pub refusals: Option<RawFd>,
    /// A built-in profile's name, or a path.
    pub profile: String,
    /// The path of the PKCS#11 module; `None` for the profile's.
    pub module: Option<PathBuf>,
    /// `CKA_LABEL` of the token.
    pub token_label: String,
    /// How many sessions serve fast operations; `None` for the profile's default. One more serves
    /// the slow ones, and one is kept to stay logged in.
    pub sessions: Option<usize>,
}

/// The life of a worker process. Has to be called before the process has other threads.
pub fn worker_main(options: &WorkerOptions) -> ExitCode {
    let Some(socket) = inherit::socket(options.socket) else {
        return ExitCode::from(EXIT_USAGE);
    };
    let refusals = options.refusals.and_then(inherit::refusals);
    let pin = inherit::pin(options.pin).map(|pin| pin.remembered_in(refusals));
    let started = confine::before_the_token().and(pin).and_then(|pin| start(options, pin));
    let token = match started {
        Ok(token) => token,
        Err(fault) => return refuse(socket, fault),
    };
    serve::serve(socket, &token)
}

/// The exit code of a worker that lost its token.
pub const EXIT_DOWN: u8 = 75;

/// The exit code of a worker whose PIN is refused.
pub const EXIT_PIN: u8 = 77;

/// The exit code of a worker that was started without its socket.
pub const EXIT_USAGE: u8 = 64;

fn start(options: &WorkerOptions, pin: Pin) -> Result<Token, TokenFault> {
    let profile =
        Profile::load(&options.profile).map_err(|error| TokenFault::Down(error.to_string()))?;
    let token = Token::open_with(
        TokenOptions {
            profile,
            module: options.module.clone(),
            label: options.token_label.clone(),
            sessions: options.sessions,
        },
        pin,
    )?;
    confine::with_the_token(token.module())?;
    Ok(token)
}

/// Says why there will be no work.
fn refuse(mut socket: UnixStream, fault: TokenFault) -> ExitCode {
    let code = exit_code(&fault);
    let mut outbox = Outbox::default();
    if outbox.push(GREETING, &Answer::Failed(fault)).is_ok() {
        // Where the daemon is gone there is nobody to tell.
        let _ = socket.write_all(outbox.bytes());
    }
    ExitCode::from(code)
}

fn exit_code(fault: &TokenFault) -> u8 {
    match fault {
        TokenFault::PinRefused => EXIT_PIN,
        _ => EXIT_DOWN,
    }
}
