//! What black-box tests stand on: the real daemon on a token of its own, clients that are written
//! from the API's description alone, and a look at what the daemon leaves on disk and in the token.

pub mod agreement;
pub mod authenticator;
pub mod backend;
pub mod client;
pub mod collector;
pub mod curves;
pub mod daemon;
pub mod e2e;
pub mod fault;
pub mod frames;
pub mod go;
pub mod log;
pub mod login;
pub mod make;
pub mod meter;
pub mod metrics;
pub mod mount;
pub mod patience;
pub mod process;
pub mod programs;
pub mod python;
pub mod scene;
pub mod tally;
pub mod timing;
pub mod token;
pub mod user;
pub mod wire;
pub mod witness;
