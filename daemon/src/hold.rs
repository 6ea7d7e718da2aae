//! Answers that are held back (hem.md A4). They are so after their entry was closed: whoever waits for
//! one takes no place in the log, so that strangers who guess stop nobody.

use std::sync::{Arc, OnceLock};

use tokio::time::{Instant, sleep_until};

/// When an answer may go out; at once, as long as nobody says otherwise. Clones are of one answer.
#[derive(Clone, Default)]
pub struct Hold(Arc<OnceLock<Instant>>);

impl Hold {
    /// It may not go out before `time`. It is said once: what is said later does not count.
    pub fn until(&self, time: Instant) {
        let _ = self.0.set(time);
    }

    /// Returns when the answer may go out.
    pub(crate) async fn over(&self) {
        if let Some(time) = self.0.get() {
            sleep_until(*time).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_answer_goes_out_when_it_may() {
        let (start, hold) = (Instant::now(), Hold::default());
        hold.over().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        let handler = hold.clone();
        handler.until(start + Duration::from_millis(1520));
        handler.until(start);
        hold.over().await;
        assert_eq!(start.elapsed(), Duration::from_millis(1520));
    }
}
