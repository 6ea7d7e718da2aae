//! Where the latest checkpoint of the audit log is kept beside its directory: in the token and in the
//! state file.

use std::time::Duration;

use audit::{Anchor, AnchorError};
use hsm_profiles::System;
use tokio::runtime::Handle;

use crate::store::Store;

/// Both anchors. To be called on the runtime that the store lives on.
pub(crate) fn anchors(system: &System, store: &Store) -> Vec<Box<dyn Anchor>> {
    vec![
        Box::new(TokenAnchor(system.clone())),
        Box::new(StoreAnchor { store: store.clone(), runtime: Handle::current() }),
    ]
}

struct TokenAnchor(System);

impl Anchor for TokenAnchor {
    fn place(&self) -> &'static str {
        "the token"
    }

    fn get(&self) -> Result<Vec<String>, AnchorError> {
        let kept = self.0.read_anchors_blocking().map_err(|fault| error(&fault))?;
        let text = |bytes| String::from_utf8(bytes).map_err(|_| error(&"it is not text"));
        kept.into_iter().map(text).collect()
    }

    fn put(&self, note: &str) -> Result<(), AnchorError> {
        let kept = self.0.write_anchor_blocking(note.as_bytes());
        kept.map_err(|fault| told(self.place(), &fault))
    }

    /// Tokens write slowly, and some wear out.
    fn pause(&self) -> Duration {
        Duration::from_secs(60)
    }
}

struct StoreAnchor {
    store: Store,
    runtime: Handle,
}

impl Anchor for StoreAnchor {
    fn place(&self) -> &'static str {
        "the state file"
    }

    fn get(&self) -> Result<Vec<String>, AnchorError> {
        let kept = self.runtime.block_on(self.store.log_anchor());
        Ok(kept.map_err(|fault| error(&fault))?.into_iter().collect())
    }

    fn put(&self, note: &str) -> Result<(), AnchorError> {
        let kept = self.runtime.block_on(self.store.keep_log_anchor(note));
        kept.map_err(|fault| told(self.place(), &fault))
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(5)
    }
}

fn told(place: &str, fault: &dyn std::fmt::Display) -> AnchorError {
    tracing::warn!(%fault, "the log's checkpoint can't be kept in {place}: it is tried again");
    error(fault)
}

fn error(fault: &dyn std::fmt::Display) -> AnchorError {
    AnchorError::new(fault.to_string())
}
