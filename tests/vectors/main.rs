//! Published vectors through the API of the real daemon: every case is run, or counted with the
//! reason why this API can't express it. docs/vectors.md has the counts.

mod asking;
mod claims;
mod ecdh;
mod ecdsa;
mod eddsa;
mod ml_dsa;
mod ml_kem;
mod rfc8032;
