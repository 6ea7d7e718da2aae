//! `[key-agreement]`

use serde::Deserialize;

/// `[key-agreement]`: key agreement and login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyAgreement {
    /// Whether it is served.
    pub enabled: bool,
    /// What the device calls itself.
    pub identifier: String,
    /// How many logins of one account may stand at once.
    pub logins: u64,
    /// How many agreed keys may wait for their login at once.
    pub references: usize,
}

impl Default for KeyAgreement {
    fn default() -> Self {
        Self { enabled: false, identifier: "Broker".to_owned(), logins: 1000, references: 4096 }
    }
}

impl KeyAgreement {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.logins == 0 {
            return Err("key-agreement.logins is 0: nobody could log in");
        }
        match (self.identifier.len(), self.references) {
            (1..=256, 1..) => Ok(()),
            (1..=256, 0) => Err("key-agreement.references is 0: give at least 1"),
            _ => Err("key-agreement.identifier must have 1 to 256 bytes"),
        }
    }
}
