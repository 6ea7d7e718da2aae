//! The time: the host's, or what a backend said at a check-in (hem.md A8).

use std::sync::{PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now, in Unix seconds. Once a backend has said what time it is, seconds are counted from there and
/// the host's clock may be turned as it likes.
pub fn now() -> u64 {
    match *TRUSTED.read().unwrap_or_else(PoisonError::into_inner) {
        Some(Trusted { at, said }) => at.saturating_add(said.elapsed().as_secs()),
        None => host(),
    }
}

/// The host's time, in Unix seconds; 0 on a host whose clock stands before 1970.
pub(crate) fn host() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The host's time, in Unix milliseconds.
pub(crate) fn host_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// From now on it is `at`, in Unix seconds.
pub(crate) fn trust(at: u64) {
    let trusted = Trusted { at, said: Instant::now() };
    *TRUSTED.write().unwrap_or_else(PoisonError::into_inner) = Some(trusted);
}

/// Goes back to the host's time, as at a start.
pub(crate) fn forget() {
    *TRUSTED.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Whether a backend has said what time it is.
pub(crate) fn is_trusted() -> bool {
    TRUSTED.read().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// `seconds` as `2022-03-16T18:17:27Z`; the last second of the log format's 32 bits after 2106.
pub fn rfc3339(seconds: u64) -> String {
    audit::rfc3339(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// A time, and when it was said.
struct Trusted {
    at: u64,
    said: Instant,
}

/// One for the process, as the host's is one.
static TRUSTED: RwLock<Option<Trusted>> = RwLock::new(None);
