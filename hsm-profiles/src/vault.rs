//! The keys of the token, as request handlers see them.

use std::io;

use policies::{CreateKey, DeleteKey, Kid, Open, Permit, Use};
use tokio::sync::watch;

use crate::group::ForeignElement;
use crate::key_type::{KeyType, SecretDigest};
use crate::points::ForeignPoint;
use crate::protocol::{Answer, Creation, Operation, SecretBytes, TokenFault, TokenStatus, Usage};
use crate::supervisor::supervise;
use crate::system::System;
use crate::task::{Counterpart, Held, Key, Task};
use crate::transport::in_process::{Executor, InProcess};
use crate::transport::process::{Launch, WorkerCommand};
use crate::transport::{Health, Limits, Line};

/// Does things with keys that stay in the token. Clones are cheap and share one queue.
///
/// A key is named by the permit to use it, so the key that was authorised is the key that is used.
/// A bare KID does not get in:
///
/// ```compile_fail,E0308
/// use hsm_profiles::{ForeignPoint, KeyType, SecretBytes, TokenFault, Vault};
/// async fn careless(vault: Vault, kid: policies::Kid, peer: ForeignPoint)
/// -> Result<SecretBytes, TokenFault> {
///     vault.agree(kid, KeyType::Curve25519, &peer, None).await
/// }
/// ```
///
/// while the permit does:
///
/// ```
/// use hsm_profiles::{ForeignPoint, KeyType, SecretBytes, TokenFault, Vault};
/// use policies::{Permit, Use};
/// async fn careful(vault: Vault, key: Permit<Use>, peer: ForeignPoint)
/// -> Result<SecretBytes, TokenFault> {
///     vault.agree(key, KeyType::Curve25519, &peer, None).await
/// }
/// ```
///
/// Every operation may end in [`TokenFault::Busy`], [`TokenFault::Deadline`],
/// [`TokenFault::Down`] or [`TokenFault::PinRefused`]. A caller who stops waiting takes back what
/// was not begun yet.
#[derive(Clone)]
pub struct Vault {
    line: Line,
}

impl Vault {
    /// Starts a worker and connects to it. Must be called within a runtime, one of whose tasks from
    /// then on keeps a worker alive until the last handle is dropped.
    ///
    /// # Errors
    /// Why the first worker did not come up, such as [`TokenFault::PinRefused`]. It is not tried
    /// again.
    pub async fn open(
        command: WorkerCommand,
        limits: Limits,
    ) -> Result<(Self, System, TokenStatus), TokenFault> {
        Self::open_with(command, limits).await
    }

    /// The same with workers of any kind.
    ///
    /// # Errors
    /// See [`Vault::open`].
    pub async fn open_with(
        launch: impl Launch,
        limits: Limits,
    ) -> Result<(Self, System, TokenStatus), TokenFault> {
        let (transport, status) = supervise(launch, limits).await?;
        let line = Line::new(transport, limits);
        Ok((Self { line: line.clone() }, System::new(line), status))
    }

    /// The same with threads of this process, one for each of `executors`, instead of a worker.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn in_process(executors: Vec<Executor>, limits: Limits) -> io::Result<(Self, System)> {
        let line = Line::new(InProcess::start(executors)?, limits);
        Ok((Self { line: line.clone() }, System::new(line)))
    }

    /// Agrees on a secret with `peer`: the whole shared secret (the x-coordinate at the full length
    /// of its field, or the output of X25519 or X448), or its hash.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where `peer` is not of the type `kind`,
    /// [`TokenFault::KeyMissing`] where the token has no such key.
    pub async fn agree(
        &self,
        key: Permit<Use>,
        kind: KeyType,
        peer: &ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Result<SecretBytes, TokenFault> {
        if peer.kind() != kind {
            return Err(unlike(kind, peer.kind()));
        }
        let kid = key.kid();
        let peer = peer.bytes().to_vec();
        match self.line.ask(Operation::Agree { kid, kind, peer, digest }).await? {
            Answer::Secret(secret) => Ok(secret),
            _ => Err(misunderstood()),
        }
    }

    /// Agrees on a secret with `peer` by a key pair that the token makes for it and destroys: its raw
    /// public key, and the secret at the full length that its group has.
    ///
    /// # Errors
    /// [`TokenFault::Unsupported`] where the token can't, see [`TokenStatus::groups`].
    pub async fn agree_once(
        &self,
        _leave: &Permit<Open>,
        peer: &ForeignElement,
    ) -> Result<(Vec<u8>, SecretBytes), TokenFault> {
        let (group, peer) = (peer.group(), peer.bytes().to_vec());
        match self.line.ask(Operation::AgreeOnce { group, peer }).await? {
            Answer::AgreedOnce { public, secret }
                if public.len() == group.length()
                    && secret.expose().len() == group.secret_length() =>
            {
                Ok((public, secret))
            }
            _ => Err(misunderstood()),
        }
    }

    /// Has a key do `task`, or has it agree with `peer` first and does `task` with what both share.
    /// `context` goes into the derivation of AES keys (see [`Task`]).
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where the key can't do this or where what came is a forgery,
    /// [`TokenFault::KeyMissing`] where the token has no such key, [`TokenFault::Unsupported`] where
    /// the token has no mechanism for it.
    pub async fn employ(
        &self,
        key: Permit<Use>,
        (kind, held): (KeyType, Held),
        counterpart: Option<(&ForeignPoint, Vec<u8>)>,
        task: Task,
    ) -> Result<Answer, TokenFault> {
        let counterpart = match counterpart {
            None => None,
            Some((peer, context)) if peer.kind() == kind => {
                Some(Counterpart { peer: peer.bytes().to_vec(), context })
            }
            Some((peer, _)) => return Err(unlike(kind, peer.kind())),
        };
        let key = Key { kid: key.kid(), kind, held };
        self.line.ask(Operation::Employ { key, counterpart, task }).await
    }

    /// Makes a key pair in the token and tries it. Its raw public key (SEC1 compressed for the SECP
    /// curves), from which its KID follows.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where it may have been made all the same: `creation` finds
    /// what there is. [`TokenFault::Unsupported`] where the token makes no such keys.
    pub async fn generate_pair(
        &self,
        _leave: &Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        usage: Usage,
    ) -> Result<Vec<u8>, TokenFault> {
        public(self.line.ask(Operation::GeneratePair { creation, kind, usage }).await?)
    }

    /// Makes a symmetric key named `kid`, which is random.
    ///
    /// # Errors
    /// See [`Vault::generate_pair`].
    pub async fn generate_secret(
        &self,
        _leave: &Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        kid: Kid,
    ) -> Result<(), TokenFault> {
        count(&self.line.ask(Operation::GenerateSecret { creation, kind, kid }).await?).map(drop)
    }

    /// Destroys a key. How many objects of the token it had.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where it may be gone all the same.
    pub async fn destroy(&self, leave: Permit<DeleteKey>) -> Result<u32, TokenFault> {
        count(&self.line.ask(Operation::Destroy { kid: leave.action().0 }).await?)
    }

    /// Ends the worker, whoever else still has a handle, and waits until its process is gone: what
    /// it has in hand it may finish, for some seconds. Whatever is asked from now on is refused, and
    /// what waits for an answer gets [`TokenFault::OutcomeUnknown`] or [`TokenFault::Down`].
    pub async fn close(&self) {
        self.line.close().await;
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// Whether operations can be done now, and each change of it.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.line.vitals().health()
    }
}

pub(crate) fn unlike(ours: KeyType, theirs: KeyType) -> TokenFault {
    TokenFault::Argument(format!("a key of type {ours} can't agree with one of type {theirs}"))
}

/// What has to be a public key, a signature or a MAC.
pub(crate) fn public(answer: Answer) -> Result<Vec<u8>, TokenFault> {
    match answer {
        Answer::Public(bytes) => Ok(bytes),
        _ => Err(misunderstood()),
    }
}

/// What has to be a number of objects.
pub(crate) fn count(answer: &Answer) -> Result<u32, TokenFault> {
    match answer {
        Answer::Count(count) => Ok(*count),
        _ => Err(misunderstood()),
    }
}

/// The worker gave an answer to some other question.
pub(crate) fn misunderstood() -> TokenFault {
    TokenFault::Down("the worker answers something else: do both have one version?".to_owned())
}
