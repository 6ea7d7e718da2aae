//! Keys that never leave their slot.
//!
//! [`Vault`] is the handle that the daemon holds: asynchronous, cheap to clone, and every key in it
//! is named by a [`policies::Permit`], never by a bare KID. Behind it the *worker*, a process of
//! its own, loads the PKCS#11 module, holds the PIN and runs one thread a session.

mod key_type;
mod points;
mod protocol;
pub mod public_key;
mod sec1;
pub mod transport;

pub use key_type::{Family, KeyType, SecretDigest, UnknownKeyType};
pub use points::{BadPoint, ForeignPoint};
pub use protocol::{
    Answer, Creation, Object, Operation, SecretBytes, SystemKey, SystemPublic, TokenFault,
    TokenStatus, Usage,
};
