//! `[e2e]`

use hsm_profiles::Padding;
use serde::Deserialize;

/// `[e2e]`: end-to-end key exchanges.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct E2e {
    /// Whether they are served.
    pub enabled: bool,
    /// How clients prove that they know the key that they sent.
    pub check_digit: CheckDigit,
    /// How clients pad what they encrypt.
    pub padding: Padding,
    /// The bits of the exchange key, when it is made.
    pub rsa_bits: u16,
    /// How many failures that may be guesses one identity may have at once.
    pub failures: u32,
    /// How many of them are forgiven in a minute.
    pub failures_per_minute: u32,
    /// How many sessions one identity may have at once.
    pub sessions: u64,
}

/// Of what the check digit of a key is the beginning: 3 bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum CheckDigit {
    /// AES-CBC of sixteen spaces, with the client's initialisation vector.
    #[default]
    CbcSpaces,
    /// AES-CMAC of a block of zeros.
    KcvCmac,
    /// AES of a block of zeros.
    KcvEcb,
}

impl Default for E2e {
    fn default() -> Self {
        Self {
            enabled: false,
            check_digit: CheckDigit::default(),
            failures: 25_000,
            failures_per_minute: 10,
            padding: Padding::default(),
            rsa_bits: 2048,
            sessions: 10_000,
        }
    }
}

impl E2e {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if ![2048, 3072].contains(&self.rsa_bits) {
            return Err("rsa_bits under [e2e] is 2048 or 3072");
        }
        match self.sessions.min(self.failures.min(self.failures_per_minute).into()) {
            0 => Err("a limit of 0 under [e2e] lets nobody do anything: give at least 1"),
            _ => Ok(()),
        }
    }
}
