//! The daemon's own keys, and what only the daemon itself may ask of the token.

mod exchange;
mod mailbox;

use policies::Kid;

use crate::key_type::KeyType;
use crate::points::ForeignPoint;
use crate::protocol::{
    Answer, Creation, Object, Operation, SecretBytes, SelfTest, TokenFault, TokenStatus,
};
use crate::signature::der;
use crate::transport::{Line, Load, Vitals};
use crate::vault::{count, misunderstood, public};

/// The daemon's side door to the token: its own keys, and objects without a permit. It is for the
/// start, the store and the audit log, and never handed to a request handler.
///
/// Every operation may end in [`TokenFault::Busy`], [`TokenFault::Deadline`],
/// [`TokenFault::Down`] or [`TokenFault::PinRefused`].
#[derive(Clone)]
pub struct System {
    line: Line,
}

impl System {
    pub(crate) fn new(line: Line) -> Self {
        Self { line }
    }

    /// What the token is and can do, asked anew.
    ///
    /// # Errors
    /// See [`System`].
    pub async fn status(&self) -> Result<TokenStatus, TokenFault> {
        status(self.line.ask(Operation::Status).await?)
    }

    /// Makes the system keys that are missing; the token as it is then.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where some may have been made: do it again.
    pub async fn provision(&self) -> Result<TokenStatus, TokenFault> {
        status(self.line.ask(Operation::Provision).await?)
    }

    /// Makes a second logger key where there is one only; the token as it is then.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where it may have been made: do it again.
    pub async fn make_logger(&self) -> Result<TokenStatus, TokenFault> {
        status(self.line.ask(Operation::MakeLogger).await?)
    }

    /// Destroys the logger key other than `keep`, if there are two; the token as it is then.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where the token has no logger key `keep`,
    /// [`TokenFault::OutcomeUnknown`] where it may be done: do it again.
    pub async fn retire_logger(&self, keep: [u8; 32]) -> Result<TokenStatus, TokenFault> {
        status(self.line.ask(Operation::RetireLogger { keep }).await?)
    }

    /// The HMAC-SHA-256 of `message` under the token key that binds records to their content.
    ///
    /// # Errors
    /// See [`System`].
    pub async fn mac(&self, message: &[u8]) -> Result<[u8; 32], TokenFault> {
        let message = message.to_vec();
        exactly(public(self.line.ask(Operation::Mac { message }).await?)?)
    }

    /// The raw X25519 secret that the identity key shares with `peer`.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where `peer` is no X25519 key; see [`System`] for the others.
    pub async fn agree_identity(&self, peer: &ForeignPoint) -> Result<SecretBytes, TokenFault> {
        let wrong = || TokenFault::Argument("the peer's key is not of CURVE25519".to_owned());
        let raw = peer.bytes().try_into().map_err(|_| wrong())?;
        if peer.kind() != KeyType::Curve25519 {
            return Err(wrong());
        }
        match self.line.ask(Operation::AgreeIdentity { peer: raw }).await? {
            Answer::Secret(secret) => Ok(secret),
            _ => Err(misunderstood()),
        }
    }

    /// The signature of `message` by the attestation key: ECDSA with SHA-256 on P-256, DER.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where the token has no such key; see [`System`] for the others.
    pub async fn attest(&self, message: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let message = message.to_vec();
        attested(self.line.ask(Operation::Attest { message }).await?)
    }

    /// [`System::attest`] for a thread that may block, never one of the runtime itself.
    ///
    /// # Errors
    /// As there.
    pub fn attest_blocking(&self, message: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let message = message.to_vec();
        attested(self.line.ask_blocking(Operation::Attest { message })?)
    }

    /// Tries known answers and the token's random generator. A test that fails is an answer.
    ///
    /// # Errors
    /// See [`System`]; the token was not tested then.
    pub async fn self_test(&self) -> Result<SelfTest, TokenFault> {
        match self.line.ask(Operation::SelfTest).await? {
            Answer::Tested(tested) => Ok(tested),
            _ => Err(misunderstood()),
        }
    }

    /// The Ed25519 signature of `message` by the logger key with the public half `key`.
    ///
    /// # Errors
    /// See [`System`].
    pub async fn sign_log(&self, key: [u8; 32], message: &[u8]) -> Result<[u8; 64], TokenFault> {
        let message = message.to_vec();
        exactly(public(self.line.ask(Operation::SignLog { key, message }).await?)?)
    }

    /// [`System::sign_log`] for a thread that may block, such as the writer of the log. It works
    /// without a runtime at hand, and never on a thread of the runtime itself.
    ///
    /// # Errors
    /// See [`System`].
    pub fn sign_log_blocking(&self, key: [u8; 32], message: &[u8]) -> Result<[u8; 64], TokenFault> {
        let message = message.to_vec();
        exactly(public(self.line.ask_blocking(Operation::SignLog { key, message })?)?)
    }

    /// What the token keeps as anchors of the audit log. For a thread that may block, like
    /// [`System::sign_log_blocking`].
    ///
    /// # Errors
    /// See [`System`].
    pub fn read_anchors_blocking(&self) -> Result<Vec<Vec<u8>>, TokenFault> {
        match self.line.ask_blocking(Operation::ReadAnchors)? {
            Answer::Anchors(anchors) => Ok(anchors),
            _ => Err(misunderstood()),
        }
    }

    /// Keeps `value`, less than 1 KiB, as the anchor of the audit log. For a thread that may block,
    /// like [`System::sign_log_blocking`].
    ///
    /// # Errors
    /// See [`System`].
    pub fn write_anchor_blocking(&self, value: &[u8]) -> Result<(), TokenFault> {
        let value = value.to_vec();
        count(&self.line.ask_blocking(Operation::WriteAnchor { value })?).map(|_| ())
    }

    /// Every private and secret key object on the token.
    ///
    /// # Errors
    /// See [`System`].
    pub async fn list(&self) -> Result<Vec<Object>, TokenFault> {
        match self.line.ask(Operation::List).await? {
            Answer::Objects(objects) => Ok(objects),
            _ => Err(misunderstood()),
        }
    }

    /// Destroys what an unfinished attempt left behind. How many objects it was.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where it may be gone all the same.
    pub async fn destroy_creation(&self, creation: Creation) -> Result<u32, TokenFault> {
        count(&self.line.ask(Operation::DestroyCreation { creation }).await?)
    }

    /// Destroys the objects of a key: the rest of an unfinished deletion. How many it were.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where they may be gone all the same.
    pub async fn destroy_kid(&self, kid: Kid) -> Result<u32, TokenFault> {
        count(&self.line.ask(Operation::Destroy { kid }).await?)
    }

    /// How many operations wait for the token or are under way.
    pub fn load(&self) -> Load {
        self.line.load()
    }

    /// How the token and its worker are, from any thread: health, restarts, process id.
    pub fn vitals(&self) -> &Vitals {
        self.line.vitals()
    }
}

fn status(answer: Answer) -> Result<TokenStatus, TokenFault> {
    match answer {
        Answer::Status(status) => Ok(*status),
        _ => Err(misunderstood()),
    }
}

fn attested(answer: Answer) -> Result<Vec<u8>, TokenFault> {
    der(KeyType::Secp256r1, &public(answer)?).ok_or_else(misunderstood)
}

fn exactly<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], TokenFault> {
    bytes.try_into().map_err(|_| misunderstood())
}
