//! The host's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in Unix seconds; 0 on a host whose clock stands before 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `seconds` as `2022-03-16T18:17:27Z`; the last second of the log format's 32 bits after 2106.
pub fn rfc3339(seconds: u64) -> String {
    audit::rfc3339(u32::try_from(seconds).unwrap_or(u32::MAX))
}
