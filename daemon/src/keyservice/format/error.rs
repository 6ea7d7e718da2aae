//! Why something is not in its format.

use thiserror::Error;

/// Why something is not in its format. None of them quotes what came.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FormatError {
    /// No randomness, or a cipher that fails; not seen.
    #[error("the message can't be worked on just now: try again")]
    Internal,
    /// What is wrong and how it must be.
    #[error("{0}")]
    Malformed(&'static str),
    /// It expands to more than is allowed, see [`Limits`](super::Limits).
    #[error("the message expands to more than is allowed: send it in parts")]
    TooLarge,
    /// The key or the passphrase is another, or the text was changed. Which of them is not told.
    #[error("this does not open: the passphrase, the key or the text is not the right one")]
    Unopened,
}
