//! The token fails in every way that PKCS#11 has words for: what callers are answered, what the log
//! says, what is left in the token, and that the next request works without a restart.
//!
//! `docs/architecture.md` has the table of what is done about each class of errors.

mod classes;
mod deletion;
mod generation;
mod loss;
mod pin;
mod traces;
