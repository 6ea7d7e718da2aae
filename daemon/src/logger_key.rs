//! The logger keys in the token, as the log's writer sees them.

use audit::{Signer, SignerError};
use hsm_profiles::{System, SystemPublic};

/// One of them.
pub(crate) struct LoggerKey {
    system: System,
    public: [u8; 32],
    other: Option<[u8; 32]>,
}

impl LoggerKey {
    /// One of those in the token, which knows of the other.
    pub(crate) fn of(system: &System, public: &SystemPublic) -> Self {
        let SystemPublic { logger, other_logger, .. } = *public;
        Self { system: system.clone(), public: logger, other: other_logger }
    }
}

impl Signer for LoggerKey {
    fn public_key(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let signature = self.system.sign_log_blocking(self.public, message);
        signature.map_err(|fault| SignerError::new(fault.to_string()))
    }

    fn others(&self) -> Vec<Box<dyn Signer>> {
        let other = |public| -> Box<dyn Signer> {
            Box::new(Self { system: self.system.clone(), public, other: None })
        };
        self.other.into_iter().map(other).collect()
    }
}
