//! The Claviger daemon: key APIs over TLS 1.3, one way through.
//!
//! [`routes`] is the table of every endpoint, [`pipeline`] the one way that a request takes,
//! [`surface`] what each API says, [`keyring`] and [`store`] what lasts, [`listen`] the sockets.

mod accept;
pub mod accounts;
pub mod agreement;
mod allowance;
mod anchors;
pub mod answer;
pub mod appliance;
pub mod attestation;
pub mod certificate;
pub mod changes;
pub mod claim;
pub mod clerk;
pub mod clock;
pub mod command;
pub mod config;
pub mod device;
pub mod durable;
mod entering;
pub mod exchange;
pub mod fault;
pub mod hold;
pub mod holdings;
pub mod inbound;
pub mod keyring;
pub mod keyservice;
pub mod listen;
mod log_change;
pub mod logbook;
mod logger_key;
pub mod login;
pub mod metrics;
pub mod mirror;
mod monitor;
pub mod openapi;
pub mod outbound;
mod owing;
pub mod payload;
pub mod pipeline;
pub mod power;
mod problem;
pub mod reply;
pub mod route;
pub mod routes;
pub mod selftest;
pub mod service;
mod sockets;
pub mod startup;
pub mod store;
pub mod surface;
pub mod wipe;
pub mod witness;

/// The version of the daemon.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Its name and version.
pub const NAME_AND_VERSION: &str = concat!("Claviger v", env!("CARGO_PKG_VERSION"));
