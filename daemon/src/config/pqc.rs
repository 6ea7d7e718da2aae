//! `[pqc]`

use serde::Deserialize;

/// `[pqc]`: the post-quantum API.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pqc {
    /// Whether it is served.
    pub enabled: bool,
    /// How many keys for exchanges one identity may have.
    pub keys: usize,
    /// After how many seconds a key for exchanges is destroyed; 0 for never.
    pub key_seconds: u64,
    /// How many tokens of limited use one identity may have that have not ended.
    pub tokens: u64,
}

impl Default for Pqc {
    fn default() -> Self {
        Self { enabled: false, keys: 10_000, key_seconds: 365 * 86_400, tokens: 1_000 }
    }
}

impl Pqc {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.keys == 0 || self.tokens == 0 {
            true => Err("a limit of 0 under [pqc] lets nobody do anything: give at least 1"),
            false => Ok(()),
        }
    }
}
