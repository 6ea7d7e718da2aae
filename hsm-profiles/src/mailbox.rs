//! Mailboxes: RSA pairs that are born in the token and kept outside of it, wrapped by a key of the
//! token. Anybody encrypts to the public half; the private one is an object of a session for as long
//! as letters are opened, and no longer.

use serde::{Deserialize, Serialize};

use crate::exchange::{Cargo, Padding, unpad, unpad_chunk};
use crate::protocol::SecretBytes;

/// What the worker does for mailboxes.
#[derive(Debug, Deserialize, Serialize)]
pub enum Mailbox {
    /// Finds the wrapping key, or makes it. Answers how many were made.
    Ready,
    /// Makes a pair with the exponent 65537 and wraps it. Answers [`MailboxKey`].
    Make {
        /// The bits of the modulus, a multiple of 8.
        bits: u16,
    },
    /// A name: 16 bytes of the token's random generator. Answers a public value.
    Name,
    /// Opens letters. Answers what is in each.
    Open {
        /// The pair.
        key: MailboxKey,
        /// The letters.
        letters: Vec<Letter>,
    },
}

/// A pair of which the token has nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MailboxKey {
    /// The modulus, big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// The private key in PKCS#8, wrapped (RFC 5649) by the token.
    pub wrapped: Vec<u8>,
}

/// A block that somebody encrypted to a mailbox, as long as its modulus. What is wrong with it nobody
/// learns: something else comes out then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Letter {
    /// A part of a text, OAEP with SHA-1. Answers it.
    Chunk(Vec<u8>),
    /// A key of 32 bytes, OAEP with SHA-256. Answers it.
    Key(Vec<u8>),
}

impl Letter {
    pub(crate) fn block(&self) -> &[u8] {
        match self {
            Self::Chunk(block) | Self::Key(block) => block,
        }
    }

    /// What is in it, of which RSA has made `block`.
    pub(crate) fn unpad(&self, block: &mut [u8], stand_in: &SecretBytes) -> SecretBytes {
        match self {
            Self::Chunk(_) => unpad_chunk(block),
            Self::Key(_) => unpad(Padding::OaepSha256, Cargo::Key, block, stand_in.expose()),
        }
    }
}
