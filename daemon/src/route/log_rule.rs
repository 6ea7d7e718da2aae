//! What the log says of a row.

use audit::{LogResult, LogType};

use crate::fault::Fault;

/// What the log says of a row's outcomes, as the specification's table has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogRule {
    /// OK for 200, FAILED for an operation that did not work.
    Effect(LogType),
    /// OK for 200, ERROR for bad arguments and for an operation that did not work.
    Errors(LogType),
    /// OK for 200, ERROR for bad arguments, FAILED for whatever else.
    Every(LogType),
    /// OK for 200, ERROR for bad arguments, FAILED for an operation that did not work.
    Full(LogType),
    /// OK for 200, FAILED for what is not there.
    Lookup(LogType),
    /// OK for 200, ERROR for bad arguments, nothing for what is asked too often, FAILED for whatever
    /// else.
    Paced(LogType),
    /// Nothing but refusals of a scope.
    Silent,
    /// OK for 200, nothing else.
    Success(LogType),
}

impl LogRule {
    /// The type of its entries.
    pub fn kind(&self) -> Option<LogType> {
        match self {
            Self::Effect(kind)
            | Self::Errors(kind)
            | Self::Every(kind)
            | Self::Full(kind)
            | Self::Lookup(kind)
            | Self::Paced(kind)
            | Self::Success(kind) => Some(*kind),
            Self::Silent => None,
        }
    }

    /// Whether refusals are entered, beside those of a scope.
    pub(crate) fn tells_refusals(&self) -> bool {
        !matches!(self, Self::Silent | Self::Success(_))
    }

    /// The result to enter for `outcome`; `None` where the specification lists no entry.
    pub(crate) fn result<T>(&self, outcome: &Result<T, Fault>) -> Option<LogResult> {
        match (self, outcome.as_ref().map_err(Fault::plain)) {
            (Self::Silent, _) => None,
            (_, Ok(_)) => Some(LogResult::LOG_RESULT_OK),
            (
                Self::Errors(_) | Self::Every(_) | Self::Full(_) | Self::Paced(_),
                Err(Fault::Invalid(_)),
            )
            | (Self::Errors(_), Err(Fault::Failed(_))) => Some(LogResult::LOG_RESULT_ERROR),
            (Self::Paced(_), Err(Fault::Throttled(_))) => None,
            (Self::Effect(_) | Self::Full(_), Err(Fault::Failed(_)))
            | (Self::Lookup(_), Err(Fault::NotFound(_)))
            | (Self::Every(_) | Self::Paced(_), Err(_)) => Some(LogResult::LOG_RESULT_FAILED),
            _ => None,
        }
    }
}
