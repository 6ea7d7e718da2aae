//! What comes of a check: nothing, where all is as it should be, or why it is not.

use std::fmt::Debug;

/// Why a check did not pass.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The device does something else than its API's description says.
    Fails(String),
    /// The check can't be made on this device, or not with these arguments.
    NotApplicable(String),
}

/// What a check, or a step of one, comes to.
pub(crate) type Verdict<T = ()> = Result<T, Trouble>;

/// Fails with what `otherwise` says, unless `ok`.
pub(crate) fn ensure(ok: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if ok { Ok(()) } else { fails(otherwise()) }
}

/// Fails unless `got` is `want`.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Verdict {
    ensure(got == want, || format!("{what}: {got:?}, expected {want:?}"))
}

/// Fails.
pub(crate) fn fails<T>(why: impl Into<String>) -> Verdict<T> {
    Err(Trouble::Fails(why.into()))
}

/// Leaves the check.
pub(crate) fn not_applicable<T>(why: impl Into<String>) -> Verdict<T> {
    Err(Trouble::NotApplicable(why.into()))
}

/// Turns the lack of something into a failure.
pub(crate) trait OrFails<T> {
    /// Fails with this where there is nothing.
    fn or_fails(self, why: impl FnOnce() -> String) -> Verdict<T>;
}

impl<T> OrFails<T> for Option<T> {
    fn or_fails(self, why: impl FnOnce() -> String) -> Verdict<T> {
        self.map_or_else(|| fails(why()), Ok)
    }
}

impl<T, E: std::fmt::Display> OrFails<T> for Result<T, E> {
    fn or_fails(self, why: impl FnOnce() -> String) -> Verdict<T> {
        self.or_else(|error| fails(format!("{}: {error}", why())))
    }
}
