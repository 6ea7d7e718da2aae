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
    /// How many of those may be for one address.
    pub references_per_address: usize,
}

impl Default for KeyAgreement {
    fn default() -> Self {
        Self {
            enabled: false,
            identifier: "Broker".to_owned(),
            logins: 1000,
            references: 4096,
            references_per_address: 1024,
        }
    }
}

impl KeyAgreement {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.logins == 0 {
            return Err("key-agreement.logins is 0: nobody could log in");
        }
        if self.references == 0 || self.references_per_address == 0 {
            return Err("a limit of 0 under [key-agreement] lets nobody agree: give at least 1");
        }
        match self.identifier.len() {
            1..=256 => Ok(()),
            _ => Err("key-agreement.identifier must have 1 to 256 bytes"),
        }
    }
}
