//! Whoever counts what the token is asked.

use std::fmt::Debug;
use std::time::Duration;

use crate::protocol::TokenFault;

/// Is told of each operation when it has ended. It must not block: whoever asked waits meanwhile.
pub trait Watch: Debug + Send + Sync {
    /// `operation` is one of [`Operation::NAMES`](crate::Operation::NAMES); `fault` says why it was
    /// not done, if it was not; `took` is the time from asking to the answer.
    fn ended(&self, operation: &'static str, fault: Option<&TokenFault>, took: Duration);
}

/// How many operations wait or are under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Load {
    /// Of those that are done soon.
    pub fast: usize,
    /// Of those that change the token or list all of it.
    pub slow: usize,
}
