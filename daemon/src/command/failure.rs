//! How a command fails, for people and for the service manager.

use std::io;
use std::process::ExitCode;

use hsm_profiles::{BadProfile, InitError};

use crate::config::ConfigError;
use crate::fault::Fault;
use crate::startup::StartFault;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The key list can't be taken over.
    #[error("{0}")]
    Adoption(String),
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device can't be set up.
    #[error("the device can't be set up: {}", .0.detail())]
    Device(Fault),
    /// A file of the development folder.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The token can't be made.
    #[error("the token can't be made: {0}")]
    Init(#[from] InitError),
    /// The folder has a device of another kind in it.
    #[error(
        "{folder} holds a device with a token of the profile {there}: give another folder, or the \
         profile {there}"
    )]
    OtherProfile {
        /// The folder.
        folder: String,
        /// Its profile.
        there: String,
    },
    /// A certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Pki(#[from] rcgen::Error),
    /// The profile can't be used.
    #[error(transparent)]
    Profile(#[from] BadProfile),
    /// The host gives no threads.
    #[error("the host gives no threads: {0}")]
    Runtime(io::Error),
    /// The daemon did not come up.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The token was not made.
    #[error("the token was not made: see the message above")]
    Token,
    /// A build for measurements.
    #[error("this build writes no audit log: it is for `make bench-log` and serves nobody")]
    Unlogged,
    /// The token's file was made and could not be set up.
    #[error("the token's file can't be set up for use: {0}; remove what was made and try again")]
    Tuning(sqlx::Error),
}

impl Failure {
    /// Says it on stderr.
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("clavigerd: {self}");
        ExitCode::from(match self {
            Self::Config(_) | Self::Profile(_) => CONFIGURATION,
            Self::Start(StartFault::InUse(_)) => IN_USE,
            Self::Start(StartFault::PinRefused(_)) => PIN_REFUSED,
            Self::Start(
                StartFault::NoModule(_)
                | StartFault::Outbound(_)
                | StartFault::Profile(_)
                | StartFault::Tls(_)
                | StartFault::TokenFile(..),
            ) => CONFIGURATION,
            _ => 1,
        })
    }
}

/// `EX_CONFIG` of sysexits.
const CONFIGURATION: u8 = 78;
/// `EX_TEMPFAIL` of sysexits: it works as soon as the other one has ended.
const IN_USE: u8 = 75;
/// `EX_NOPERM` of sysexits: the unit must not start again by itself.
const PIN_REFUSED: u8 = 77;
