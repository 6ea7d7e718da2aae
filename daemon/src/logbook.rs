//! The audit log, for reading.

use std::sync::Arc;

use audit::{Checkpoint, Log, ProofError};
use bytes::Bytes;
use hsm_profiles::System;

use crate::fault::Fault;
use crate::payload::Stored;

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
    /// The files of `log`, signed for by its logger key in the token.
    pub fn new(log: Log, system: System) -> Self {
        let key = log.key().key().to_bytes();
        Self { log, system, key }
    }

    /// The current logger key, Ed25519.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Signs a fresh nonce with the logger key.
    ///
    /// # Errors
    /// [`Fault::Conflict`] while the token is away.
    pub async fn prove(&self) -> Result<LoggerProof, Fault> {
        let nonce = crate::login::time_nonce(crate::clock::now())?;
        let signature = self.system.sign_log(self.key, &nonce).await?;
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

    /// What is wrong with the log, in a word: `refused` while it can't be written, `unsigned` while
    /// the latest checkpoint could not be made. `None` while all is well.
    pub fn trouble(&self) -> Option<&'static str> {
        if !self.log.healthy() {
            return Some("refused");
        }
        self.log.unsigned().map(|_| "unsigned")
    }

    /// A tile of the tree, by its path below `tile/` (C2SP tlog-tiles).
    ///
    /// # Errors
    /// [`Fault::NotFound`] where there is none, or the latest checkpoint does not cover it,
    /// [`Fault::Conflict`] when it can't be read.
    pub async fn tile(&self, path: String) -> Result<Bytes, Fault> {
        self.piece(move |log| log.tile(&path)).await
    }

    /// The lines of the log, by their path below `tile/entries/` (C2SP tlog-tiles).
    ///
    /// # Errors
    /// As [`tile`](Self::tile).
    pub async fn bundle(&self, path: String) -> Result<Bytes, Fault> {
        self.piece(move |log| log.bundle(&path)).await
    }

    async fn piece(
        &self,
        get: impl FnOnce(&Log) -> Option<Result<Vec<u8>, ProofError>> + Send + 'static,
    ) -> Result<Bytes, Fault> {
        let log = self.log.clone();
        let piece = tokio::task::spawn_blocking(move || get(&log)).await;
        let piece = piece.map_err(|_| Fault::Internal)?;
        let piece = piece.ok_or_else(|| Fault::NotFound("this is no path of a tile".into()))?;
        piece.map(Bytes::from).map_err(|error| refused(&error))
    }

    /// The latest checkpoint that is on the disk.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the first one.
    pub fn checkpoint(&self) -> Result<Arc<Checkpoint>, Fault> {
        self.log.checkpoint().ok_or_else(|| {
            let why = self.log.unsigned().unwrap_or_else(|| "it is being made".to_owned());
            Fault::Conflict(format!("there is no checkpoint yet: {why}").into())
        })
    }

    /// The tlog-proof of the entry `index`. It comes within a second of the entry.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when no checkpoint covers it, [`Fault::Conflict`] when the tiles can't
    /// be used.
    pub async fn prove_entry(&self, index: u64) -> Result<String, Fault> {
        self.proof(move |log| log.prove(index)).await
    }

    /// The proof that the first `old` lines are the start of the first `new`.
    ///
    /// # Errors
    /// As [`prove_entry`](Self::prove_entry), and [`Fault::Failed`] when `old` is larger than `new`.
    pub async fn prove_consistency(&self, old: u64, new: u64) -> Result<String, Fault> {
        self.proof(move |log| log.prove_consistency(old, new)).await
    }

    async fn proof(
        &self,
        prove: impl FnOnce(&Log) -> Result<String, ProofError> + Send + 'static,
    ) -> Result<String, Fault> {
        let log = self.log.clone();
        let proof = tokio::task::spawn_blocking(move || prove(&log)).await;
        proof.map_err(|_| Fault::Internal)?.map_err(|error| refused(&error))
    }

    /// The file `id`, opened.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where there is none, [`Fault::Failed`] for the one being written.
    pub async fn read(&self, id: u32) -> Result<Stored, Fault> {
        if id == self.log.current() {
            return Err(Fault::Failed(
                "this file is being written: it can be read after the next start".into(),
            ));
        }
        let files = self.log.files().map_err(|_| absent())?;
        if !files.contains(&id) {
            return Err(absent());
        }
        Stored::open(&self.log.path_of(id)).await.map_err(|_| absent())
    }
}

fn refused(error: &ProofError) -> Fault {
    let why = error.to_string().into();
    match error {
        ProofError::Backwards => Fault::Failed(why),
        ProofError::Damaged(_) => {
            tracing::error!(%error, "prove an entry");
            Fault::Conflict(why)
        }
        ProofError::NotYet { .. } => Fault::NotFound(why),
    }
}

fn absent() -> Fault {
    Fault::NotFound("there is no log file with this id".into())
}

/// Ids a call (hem.md A12).
const PAGE: usize = 128;
