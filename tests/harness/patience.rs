//! Waiting for something to become true, never for a fixed time.

use std::time::{Duration, Instant};

/// Asks `question` until it has an answer.
///
/// # Panics
/// When there is none in time; `what` names what was awaited.
pub fn until<T>(what: &str, time: Duration, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {time:?} in vain: {what}");
        std::thread::sleep(STEP);
    }
}

/// More than anything takes on a machine that is busy with other tests.
pub const LONG: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(10);
