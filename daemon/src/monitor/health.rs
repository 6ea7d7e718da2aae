//! Whether the daemon could do what it is asked, part by part.

use std::time::Duration;

use audit::Log;
use hsm_profiles::{System, TokenFault};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::selftest::Examiner;
use crate::store::Store;

/// Asks the parts how they are.
pub(crate) struct Doctor {
    pub(crate) examiner: Examiner,
    pub(crate) log: Log,
    pub(crate) store: Store,
    pub(crate) system: System,
    /// Only one asks at a time, and what was answered holds for a while: asking costs the token an
    /// operation.
    pub(crate) last: Mutex<Option<(Instant, Finding)>>,
}

/// Which parts are well.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Finding {
    /// All of them.
    pub(crate) ready: bool,
    /// The audit log can be written.
    log: bool,
    /// The last self-test passed.
    selftest: bool,
    /// The state file can be read.
    state: bool,
    /// The token computes.
    token: bool,
}

impl Doctor {
    /// How the parts are, or were a moment ago.
    pub(crate) async fn find(&self) -> Finding {
        let mut last = self.last.lock().await;
        if let Some((when, finding)) = *last
            && when.elapsed() < FRESH
        {
            return finding;
        }
        let (state, token) = tokio::join!(self.state(), self.token());
        let (log, selftest) = (self.log.healthy(), self.examiner.flaws() == 0);
        let ready = log && selftest && state && token;
        let finding = Finding { ready, log, selftest, state, token };
        *last = Some((Instant::now(), finding));
        finding
    }

    async fn state(&self) -> bool {
        matches!(timeout(PATIENCE, self.store.answers()).await, Ok(Ok(())))
    }

    /// A token that has more work than it can take is there.
    async fn token(&self) -> bool {
        let answer = timeout(PATIENCE, self.system.mac(QUESTION)).await;
        matches!(answer, Ok(Ok(_) | Err(TokenFault::Busy)))
    }
}

const FRESH: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(2);
/// No record and no intent has a text like this, and the answer goes nowhere.
const QUESTION: &[u8] = b"claviger: is the token there?";
