//! What the daemon and the token worker say to each other: plain data, one operation a frame.

mod traits;

use policies::Kid;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::exchange::Exchange;
use crate::group::Group;
use crate::key_type::{KeyType, SecretDigest};
use crate::mailbox::{Mailbox, MailboxKey};
use crate::sealed::{NewSealed, Outcome, SealedKey, SealedTask};
use crate::task::{Ciphered, Counterpart, Key, Task};

/// The name of one attempt to create a key: 16 random bytes, kept in the intent before the token
/// is asked. The object carries `claviger:<hex>` as its `CKA_LABEL` for life, so that a start after
/// a crash finds exactly what that attempt left behind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Creation(pub [u8; 16]);

impl Creation {
    /// The `CKA_LABEL` of the object that this attempt makes.
    pub fn label(&self) -> String {
        let mut label = String::from("claviger:");
        for byte in self.0 {
            label.push_str(&format!("{byte:02x}"));
        }
        label
    }
}

/// What a key may be used for; the attributes of its object follow from it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// `CKA_DERIVE`
    pub agree: bool,
    /// `CKA_SIGN`
    pub sign: bool,
}

/// The daemon's own keys in the token. No KID leads to them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum SystemKey {
    /// P-256, proves what device this is.
    Attestation,
    /// X25519, the permanent identity (`eid`).
    Identity,
    /// Ed25519, signs the audit log.
    Logger,
    /// AES-256, opens sealed keys.
    Kek,
    /// HMAC-SHA-256, binds key records to their content.
    RecordMac,
}

/// Something the worker is asked to do.
#[derive(Debug, Deserialize, Serialize)]
pub enum Operation {
    /// An ECDH: the raw secret, or its hash, which then is made in the worker.
    Agree {
        /// The private key.
        kid: Kid,
        /// Its type.
        kind: KeyType,
        /// The peer's public key, validated: SEC1 uncompressed, or 32 or 56 raw bytes.
        peer: Vec<u8>,
        /// `None` gives the raw secret.
        digest: Option<SecretDigest>,
    },
    /// The X25519 secret that [`SystemKey::Identity`] shares with `peer`.
    AgreeIdentity {
        /// The peer's public key, validated.
        peer: [u8; 32],
    },
    /// Makes a key pair of the session, agrees by it with `peer`, and destroys it. Answers
    /// [`Answer::AgreedOnce`].
    AgreeOnce {
        /// The group.
        group: Group,
        /// The peer's public key, validated, raw.
        peer: Vec<u8>,
    },
    /// An ECDSA signature with SHA-256 by [`SystemKey::Attestation`]: r and s, 64 bytes.
    Attest {
        /// The text.
        message: Vec<u8>,
    },
    /// Makes a sealed key out of what `key` agrees on with a peer: the first bytes of HKDF-SHA-256
    /// (RFC 5869) without salt and with the info `encedo-<type>` (hem.md A9). The token does not
    /// change. Answers [`Answer::Derived`].
    Derive {
        /// The key that agrees.
        key: Key,
        /// The peer's public key, validated: SEC1 uncompressed, or 32 or 56 raw bytes.
        peer: Vec<u8>,
        /// The type of the new key.
        target: KeyType,
    },
    /// Destroys the objects with this `CKA_ID`. Answers how many.
    Destroy {
        /// The key.
        kid: Kid,
    },
    /// Destroys what an unfinished creation left behind. Answers how many.
    DestroyCreation {
        /// The attempt.
        creation: Creation,
    },
    /// Has a key do something, or what it agrees on with a counterpart.
    Employ {
        /// The key.
        key: Key,
        /// The other side of the agreement.
        counterpart: Option<Counterpart>,
        /// What is to be done, which says what is answered.
        task: Task,
    },
    /// An exchange of session keys.
    Exchange(Exchange),
    /// Makes a key pair, tries it, gives it its KID. Answers its raw public key.
    GeneratePair {
        /// The attempt.
        creation: Creation,
        /// The type.
        kind: KeyType,
        /// What it is for.
        usage: Usage,
    },
    /// Makes a sealed key, of which nothing stays in the token. Answers [`Answer::Sealed`].
    GenerateSealed {
        /// The type.
        kind: KeyType,
        /// The name of a symmetric key, random; others are named by their public key.
        kid: Kid,
    },
    /// Makes a symmetric key.
    GenerateSecret {
        /// The attempt.
        creation: Creation,
        /// The type.
        kind: KeyType,
        /// Its name, random.
        kid: Kid,
    },
    /// Lists the private and secret key objects on the token.
    List,
    /// The HMAC-SHA-256 of `message` under [`SystemKey::RecordMac`].
    Mac {
        /// The text.
        message: Vec<u8>,
    },
    /// A mailbox made, or its letters opened.
    Mailbox(Mailbox),
    /// Makes a second logger key where there is one only. Answers like [`Operation::Status`].
    MakeLogger,
    /// Makes the system keys that are missing. Answers like [`Operation::Status`].
    Provision,
    /// Opens a sealed key for one task. Answers [`Answer::Done`].
    Sealed {
        /// Its name, which its blob is bound to.
        kid: Kid,
        /// The key.
        key: SealedKey,
        /// The task.
        task: SealedTask,
    },
    /// Tries known answers and the random generator. Answers [`Answer::Tested`].
    SelfTest,
    /// Reads what [`Operation::WriteAnchor`] keeps. Answers [`Answer::Anchors`].
    ReadAnchors,
    /// Destroys the logger key that is not this one, where there are two. Answers like
    /// [`Operation::Status`].
    RetireLogger {
        /// The public half of the one that stays.
        keep: [u8; 32],
    },
    /// An Ed25519 signature by [`SystemKey::Logger`].
    SignLog {
        /// The public half of the one that signs.
        key: [u8; 32],
        /// The text.
        message: Vec<u8>,
    },
    /// What the token is and can do.
    Status,
    /// Keeps the anchor of the audit log in a data object, in place of the one before.
    WriteAnchor {
        /// The anchor, less than 1 KiB.
        value: Vec<u8>,
    },
}

/// What came of it.
#[derive(Deserialize, Serialize)]
pub enum Answer {
    /// What came of an agreement by a key pair that is gone.
    AgreedOnce {
        /// Its raw public key.
        public: Vec<u8>,
        /// The secret, as long as its group has it.
        secret: SecretBytes,
    },
    /// The anchors of the audit log: one, or several where a change was cut off.
    Anchors(Vec<Vec<u8>>),
    /// A ciphertext.
    Ciphered(Ciphered),
    /// It was done, so many times.
    Count(u32),
    /// A new sealed key that was derived, and its name.
    Derived {
        /// That of its public key; for a symmetric key, made of the same secret.
        kid: Kid,
        /// The key.
        made: NewSealed,
    },
    /// What came of the task of a sealed key.
    Done(Outcome),
    /// It was not done.
    Failed(TokenFault),
    /// What is in letters.
    Letters(Vec<SecretBytes>),
    /// A new mailbox.
    Mailbox(MailboxKey),
    /// The objects.
    Objects(Vec<Object>),
    /// A raw public key, a signature, a MAC of the daemon's own or a wrapped key.
    Public(Vec<u8>),
    /// A new sealed key.
    Sealed(NewSealed),
    /// A secret.
    Secret(SecretBytes),
    /// The token.
    Status(Box<TokenStatus>),
    /// What the self-test found.
    Tested(SelfTest),
}

/// What a self-test of the token found.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SelfTest {
    /// Whether every computation gave the answer that was known.
    pub known_answers: bool,
    /// Whether the random generator's output looks random.
    pub randomness: bool,
}

/// Bytes that are wiped when they are dropped and that print as nothing.
#[derive(Clone, Deserialize, Serialize, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be used and not kept.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// A private or secret key object on the token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Object {
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// `CKA_LABEL`
    pub label: String,
}

/// What the token is and can do.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenStatus {
    /// `CKA_LABEL` of the token.
    pub label: String,
    /// Manufacturer and model.
    pub model: String,
    /// The serial number.
    pub serial: String,
    /// The types of which the token makes keys itself.
    pub native: Vec<KeyType>,
    /// The types that the profile claims for it and that it did not live up to, and why. They are
    /// not served.
    pub withdrawn: Vec<(KeyType, String)>,
    /// The types of which keys are sealed.
    pub sealed: Vec<KeyType>,
    /// The groups in which the token agrees by key pairs of a session.
    pub groups: Vec<Group>,
    /// The point of [`SystemKey::Attestation`] (SEC1, uncompressed), if the token has that key.
    pub attestation: Option<Vec<u8>>,
    /// Whether the token has the key that opens sealed keys.
    pub has_kek: bool,
    /// Raw public keys of [`SystemKey::Identity`] (X25519) and [`SystemKey::Logger`] (Ed25519);
    /// `None` before the token was provisioned.
    pub system: Option<SystemPublic>,
}

/// The public halves of the system keys.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SystemPublic {
    /// X25519.
    pub identity: [u8; 32],
    /// Ed25519: a logger key. Which one signs the log now is known from the log alone.
    pub logger: [u8; 32],
    /// The other logger key, while one takes over from another.
    pub other_logger: Option<[u8; 32]>,
}

/// Why an operation was not done, and whose fault it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum TokenFault {
    /// The token refuses the arguments: the caller's fault.
    #[error("the token refuses the arguments ({0})")]
    Argument(String),
    /// The queue to the token is full: try again.
    #[error("the token has more work than it can take: try again in a moment")]
    Busy,
    /// Not done within its time.
    #[error("the token did not answer in time")]
    Deadline,
    /// The token, its module or its storage is gone; it is being reopened.
    #[error("the token is not usable now ({0}); it is reopened by itself as soon as it is back")]
    Down(String),
    /// The token is there and well, and holds no object for a key of ours.
    #[error("the token has lost the object of this key: restore the token from its backup")]
    KeyMissing,
    /// It broke off in the middle, as where the worker died, or can't be made durable, as where the
    /// disk is full, and can't be repeated; the start of the next
    /// one sorts it out.
    #[error("the token broke off in the middle of this: whether it was done is not known yet")]
    OutcomeUnknown,
    /// The PIN was refused. It is never tried again by itself.
    #[error("the token refuses its PIN: mend the PIN and start the daemon again")]
    PinRefused,
    /// A sealed key is not the one of its record, or of another token, or the token has lost what
    /// opens them.
    #[error(
        "the token does not open this sealed key: restore the state file and the token from backups \
         that belong together"
    )]
    Unsealable,
    /// The token has no mechanism for it.
    #[error("the token can't do this ({0})")]
    Unsupported(String),
}

impl TokenFault {
    /// What [`name`](Self::name) answers.
    pub const NAMES: [&str; 9] = [
        "argument",
        "busy",
        "deadline",
        "down",
        "key_missing",
        "outcome_unknown",
        "pin_refused",
        "unsealable",
        "unsupported",
    ];

    /// Its kind, for those who count, without the reason.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Argument(_) => "argument",
            Self::Busy => "busy",
            Self::Deadline => "deadline",
            Self::Down(_) => "down",
            Self::KeyMissing => "key_missing",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::PinRefused => "pin_refused",
            Self::Unsealable => "unsealable",
            Self::Unsupported(_) => "unsupported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_nothing() {
        assert_eq!(format!("{:?}", SecretBytes::new(b"canary".to_vec())), "SecretBytes(..)");
    }
}
