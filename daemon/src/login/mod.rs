//! Logging in: challenges, the session key, bearer tokens, the delay against guessing.

mod challenge;
mod desk;
mod throttle;

pub use challenge::time_nonce;
pub(crate) use desk::owner;
pub use desk::{Challenge, Desk, LoginClaims, Session};
pub use throttle::Throttle;
