//! The audit log, for reading.

use audit::Log;
use bytes::Bytes;
use hsm_profiles::System;

use crate::fault::Fault;

/// Reads the log files and lets the logger key speak. Cloning is shallow.
#[derive(Clone)]
pub struct Logbook {
    log: Log,
    system: System,
    key: [u8; 32],
}

/// A proof that the logger key is in this device's token now.
pub struct LoggerProof {
    /// The Ed25519 public key.
    pub key: [u8; 32],
    /// 32 fresh bytes, the time little-endian in the first four.
    pub nonce: [u8; 32],
    /// The signature over the nonce.
    pub signature: Vec<u8>,
}

impl Logbook {
    /// The files of `log`, signed for by the logger key `key` in the token.
    pub fn new(log: Log, system: System, key: [u8; 32]) -> Self {
        Self { log, system, key }
    }

    /// Signs a fresh nonce with the logger key.
    ///
    /// # Errors
    /// [`Fault::Conflict`] while the token is away.
    pub async fn prove(&self) -> Result<LoggerProof, Fault> {
        let nonce = crate::login::time_nonce(crate::clock::now())?;
        let signature = self.system.sign_log(&nonce).await?;
        Ok(LoggerProof { key: self.key, nonce, signature: signature.to_vec() })
    }

    /// The ids of at most 128 files from `offset` on, oldest first, and how many there are.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when the folder can't be read.
    pub fn page(&self, offset: usize) -> Result<(usize, Vec<u32>), Fault> {
        let files = self.log.files().map_err(|error| {
            tracing::error!(%error, "list the log files");
            Fault::NotFound("the log files can't be listed".into())
        })?;
        let page = files.iter().skip(offset).take(PAGE).copied().collect();
        Ok((files.len(), page))
    }

    /// The text of the file `id`.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where there is none, [`Fault::Failed`] for the one being written.
    pub async fn read(&self, id: u32) -> Result<Bytes, Fault> {
        if id == self.log.current() {
            return Err(Fault::Failed(
                "this file is being written: it can be read after the next start".into(),
            ));
        }
        let files = self.log.files().map_err(|_| absent())?;
        if !files.contains(&id) {
            return Err(absent());
        }
        tokio::fs::read(self.log.path_of(id)).await.map(Bytes::from).map_err(|_| absent())
    }
}

fn absent() -> Fault {
    Fault::NotFound("there is no log file with this id".into())
}

/// Ids a call (hem.md A12).
const PAGE: usize = 128;
