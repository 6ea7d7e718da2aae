//! `[key-service]`

use std::time::Duration;

use serde::Deserialize;

/// `[key-service]`: the key service for encrypted messages.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyService {
    /// Whether it is served.
    pub enabled: bool,
    /// Whether anybody may use it; else it takes scopes.
    pub anonymous: bool,
    /// The memory of Argon2id, by which a passphrase becomes a key, in KiB.
    pub argon2_kib: u32,
    /// Its passes over that memory.
    pub argon2_passes: u32,
    /// The longest body of a message, in bytes.
    pub body_bytes: usize,
    /// The time that such a body may take, in milliseconds.
    pub body_ms: u64,
    /// How many bodies of more than 64 KiB, and answers of as much, there are at once.
    pub bodies: usize,
    /// How many keys one address may have made or bring, a minute.
    pub creations: u32,
    /// After how many days a key and its messages are removed; 0 for never.
    pub days: u64,
    /// How many bytes the messages of one key may have.
    pub key_bytes: u64,
    /// How many keys there may be.
    pub keys: u64,
    /// How many bytes a message may have when it is expanded.
    pub message_bytes: usize,
    /// How many messages a key may have.
    pub messages: u64,
    /// How many passphrases are tried at once.
    pub openings: usize,
    /// How often one address may read or delete, a minute.
    pub readings: u32,
    /// How often one address may leave messages, a minute.
    pub sendings: u32,
    /// How many bytes all messages may have.
    pub total_bytes: u64,
}

impl Default for KeyService {
    fn default() -> Self {
        Self {
            enabled: false,
            anonymous: false,
            argon2_kib: 64 << 10,
            argon2_passes: 3,
            body_bytes: 24 << 20,
            body_ms: 60_000,
            bodies: 2,
            creations: 20,
            days: 0,
            key_bytes: 32 << 20,
            keys: 10_000,
            message_bytes: 16 << 20,
            messages: 1000,
            openings: 2,
            readings: 120,
            sendings: 60_000,
            total_bytes: 1 << 30,
        }
    }
}

impl KeyService {
    /// `body_ms`
    pub fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        let counts = [self.creations, self.readings, self.sendings, self.argon2_passes];
        let sizes = [self.key_bytes, self.keys, self.messages, self.total_bytes, self.body_ms];
        let bodies = [self.bodies, self.openings, self.body_bytes, self.message_bytes];
        if counts.contains(&0) || sizes.contains(&0) || bodies.contains(&0) {
            return Err(
                "a limit of 0 under [key-service] lets nobody do anything: give at least 1",
            );
        }
        match (19 << 10..=1 << 20).contains(&self.argon2_kib) {
            true => Ok(()),
            false => Err("argon2_kib under [key-service] is 19456 to 1048576"),
        }
    }
}
