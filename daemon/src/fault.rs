//! Why a request was not granted, and whose fault it is.

use std::borrow::Cow;
use std::time::Duration;

use hsm_profiles::TokenFault;
use http::HeaderMap;
use policies::Denied;

use crate::keyring::KeyFault;
use crate::store::StoreFault;

/// What is wrong and how to mend it, in a sentence that may be shown to the client.
pub type Why = Cow<'static, str>;

/// Why a request was not granted. Each surface turns it into its own statuses and bodies.
#[derive(Debug)]
pub enum Fault {
    /// One that somebody should look at.
    Alarm(Alarm),
    /// The daemon has more work than it can take.
    Busy,
    /// One that a surface names more exactly than by its status.
    Coded(Coded),
    /// The daemon is not in a state to do this now.
    Conflict(Why),
    /// The token's scope or role does not allow it.
    Denied(Denied),
    /// One whose answer has headers of its own.
    Dressed(Dressed),
    /// The arguments are good and the operation did not work.
    Failed(Why),
    /// Nobody may do this in the device's present state. It is not entered in the log.
    Forbidden(Why),
    /// The page the request comes from is not welcome.
    ForeignOrigin,
    /// A defect in the daemon.
    Internal,
    /// The arguments make no sense.
    Invalid(Why),
    /// There is no length where one is needed.
    LengthRequired,
    /// This path knows other methods: these.
    MethodNotAllowed(String),
    /// There is no such thing at this path.
    NotFound(Why),
    /// It must come over TLS.
    Plain,
    /// The body took too long.
    Slow,
    /// It was tried too often: there is no sense in trying again before this time has passed.
    Throttled(Duration),
    /// The body is longer than allowed.
    TooLarge,
    /// There is no valid token.
    Unauthenticated(Why),
    /// The audit log can't be written, so nothing may be done.
    Unlogged,
}

/// A fault whose entry in the log is of a type of its own, so that it is seen.
#[derive(Debug)]
pub struct Alarm {
    /// What it amounts to for the client.
    pub fault: Box<Fault>,
    /// Who is behind it, for the log.
    pub whose: String,
}

/// A fault in the words of one surface.
#[derive(Debug)]
pub struct Coded {
    /// What it amounts to: this alone decides the status and the log's entry.
    pub fault: Box<Fault>,
    /// How the surface's clients know it.
    pub code: &'static str,
    /// Where in the request it is; empty where that makes no sense.
    pub place: Why,
}

/// A fault that comes with something the client goes on with.
#[derive(Debug)]
pub struct Dressed {
    /// What it amounts to.
    pub fault: Box<Fault>,
    /// What the answer has beside it.
    pub headers: HeaderMap,
}

impl Fault {
    /// The same, with headers in the answer.
    pub fn dressed(self, headers: HeaderMap) -> Self {
        Self::Dressed(Dressed { fault: Box::new(self), headers })
    }

    /// How the surface's clients know it, where that was said.
    pub fn code(&self) -> Option<&Coded> {
        match self {
            Self::Alarm(alarm) => alarm.fault.code(),
            Self::Coded(coded) => Some(coded),
            Self::Dressed(dressed) => dressed.fault.code(),
            _ => None,
        }
    }

    /// The same with how the surface's clients know it.
    pub fn coded(self, code: &'static str, place: impl Into<Why>) -> Self {
        Self::Coded(Coded { fault: Box::new(self), code, place: place.into() })
    }

    /// What it amounts to.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Alarm(alarm) => alarm.fault.plain(),
            Self::Coded(coded) => coded.fault.plain(),
            Self::Dressed(dressed) => dressed.fault.plain(),
            plain => plain,
        }
    }

    /// The sentence for the client.
    pub fn detail(&self) -> Why {
        match self {
            Self::Alarm(alarm) => alarm.fault.detail(),
            Self::Busy => "more work is waiting than can be taken: try again in a moment".into(),
            Self::Coded(coded) => coded.fault.detail(),
            Self::Denied(denied) => denied.to_string().into(),
            Self::Dressed(dressed) => dressed.fault.detail(),
            Self::ForeignOrigin => "the Origin of this request is not one of the configured".into(),
            Self::Internal => "a defect in the daemon; the request id leads to its log".into(),
            Self::LengthRequired => "a POST needs a Content-Length above 0".into(),
            Self::MethodNotAllowed(allow) => format!("this path takes {allow}").into(),
            Self::Plain => "this is served over TLS only".into(),
            Self::Slow => "the body did not arrive in time".into(),
            Self::Throttled(wait) => {
                format!("too many attempts: try again in {} s", whole_seconds(*wait)).into()
            }
            Self::TooLarge => "the body is longer than this endpoint takes".into(),
            Self::Unlogged => "the audit log can't be written, so nothing is done".into(),
            Self::Conflict(why)
            | Self::Failed(why)
            | Self::Forbidden(why)
            | Self::Invalid(why)
            | Self::NotFound(why)
            | Self::Unauthenticated(why) => why.clone(),
        }
    }
}

/// How many seconds to wait so that it is long enough.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<TokenFault> for Fault {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Argument(_) | TokenFault::Unsupported(_) => {
                Self::Failed(fault.to_string().into())
            }
            TokenFault::Busy => Self::Busy,
            // The reason has paths of the host in it; the messages have it.
            TokenFault::Down(why) => {
                tracing::debug!(why, "the token is not usable");
                Self::Conflict(TOKEN_DOWN.into())
            }
            TokenFault::Deadline
            | TokenFault::KeyMissing
            | TokenFault::OutcomeUnknown
            | TokenFault::PinRefused
            | TokenFault::Unsealable => Self::Conflict(fault.to_string().into()),
        }
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Self {
        tracing::error!(%fault, "state file");
        Self::Conflict(STATE_FAILS.into())
    }
}

impl From<KeyFault> for Fault {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Token(fault) => fault.into(),
            KeyFault::Damaged => {
                tracing::error!(%fault, "key record");
                Self::Conflict(fault.to_string().into())
            }
            KeyFault::Store(why) => why.into(),
            other => Self::Failed(other.to_string().into()),
        }
    }
}

const STATE_FAILS: &str = "the daemon can't read or write its state now: its messages say why";
const TOKEN_DOWN: &str =
    "the token is not usable now; it is reopened by itself as soon as it is back";
