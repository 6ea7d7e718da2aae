//! Keys that never leave their slot.
//!
//! [`Vault`] is the handle that the daemon holds: asynchronous, cheap to clone, and every key in it
//! is named by a [`policies::Permit`], never by a bare KID. Behind it the *worker*, a process of
//! its own, loads the PKCS#11 module, holds the PIN and runs one thread a session.

mod algorithm;
mod exchange;
mod group;
mod hmac;
mod key_type;
mod mailbox;
mod oid;
mod pkcs11;
mod points;
mod private;
mod profile;
mod protocol;
pub mod public_key;
mod rfc3394;
mod sealed;
mod sec1;
mod signature;
mod supervisor;
mod system;
#[cfg(test)]
#[path = "../../tests/harness/tally.rs"]
#[expect(unreachable_pub, reason = "the file of a crate that this one can't depend on")]
mod tally;
mod task;
pub mod transport;
mod vault;
mod worker;

pub use algorithm::{Cipher, Mode, Scheme, Width};
pub use exchange::{Cargo, Exchange, Padding};
pub use group::{ForeignElement, Group};
pub use key_type::{Family, KeyType, SecretDigest, UnknownKeyType};
pub use mailbox::{Letter, Mailbox, MailboxKey};
pub use oid::{BadOid, Oid};
pub use pkcs11::{InitError, TokenFiles, init_token};
pub use points::{BadPoint, ForeignPoint};
pub use private::open_private;
pub use profile::{
    BadProfile, ErrorClass, KeyWrap, Maker, Making, Needs, PointEncoding, Profile, Quirks,
    Sessions, StoreKind,
};
pub use protocol::{
    Answer, Creation, Object, Operation, SecretBytes, SelfTest, SystemKey, SystemPublic,
    TokenFault, TokenStatus, Usage,
};
pub use sealed::{
    NewSealed, Outcome, SealedKey, SealedTask, Statement, encapsulate, verify_eddsa, verify_ml_dsa,
};
pub use signature::{der, verify};
pub use system::System;
pub use task::{Ciphered, Counterpart, Held, Key, RFC3394_INITIAL, Task};
pub use transport::{Load, Watch};
pub use vault::Vault;
pub use worker::{
    EXIT_DOWN, EXIT_PIN, EXIT_USAGE, Seat, Token, TokenOptions, WorkerOptions, worker_main,
};
