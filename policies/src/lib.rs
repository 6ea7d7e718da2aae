//! Who may do what to which key.
//!
//! A bearer token becomes a [`Caller`] in [`session`], and nowhere else. Asking a caller for leave
//! with [`Caller::may`] yields a [`Permit`], and a permit is the only way to name a key to the
//! vault: the key that was authorised is the key that is used, and a check that was forgotten is
//! code that cannot be written.
//!
//! Nobody outside this crate can make a permit:
//!
//! ```compile_fail,E0423
//! use policies::{Kid, Permit, Use};
//! let kid: Kid = "00112233445566778899aabbccddeeff".parse().unwrap();
//! let forged = Permit(Use(kid));
//! ```
//!
//! nor use one twice:
//!
//! ```compile_fail,E0382
//! use policies::{Open, Permit};
//! fn spend(_: Permit<Open>) {}
//! fn twice(permit: Permit<Open>) {
//!     spend(permit);
//!     spend(permit);
//! }
//! ```
//!
//! nor become a caller without a verified token:
//!
//! ```compile_fail,E0451
//! use policies::Caller;
//! let forged = Caller { bearer: None };
//! ```

pub mod action;
mod caller;
mod encoding;
mod kid;
pub mod limited;
pub mod login;
mod scope;
pub mod session;
mod subject;

pub use action::accounts::ManageAccounts;
pub use action::e2e::{ExchangeSession, OpenFrame};
pub use action::key_service::{CreateMailbox, DeleteMailbox, ReadMailbox, SendMessage};
pub use action::pqc::{CipherText, ExchangeKeys, IssueToken, SignText};
pub use action::{
    Action, CreateKey, DeleteKey, DeriveKey, Door, ImportKey, ListKeys, Open, OwnKeys,
    PairAuthenticator, ReadAttestation, ReadConfig, ReadKey, ReadLog, Reboot, Roles, RunSelfTest,
    SearchKeys, Shutdown, UpdateKey, Use, UseOwn, WriteConfig,
};
pub use caller::{Caller, Denied, LoginId, Permit, TokenName};
pub use encoding::{decode_base64, encode_base64};
pub use kid::{BadKid, Kid};
pub use scope::{BadScope, Scope};
pub use subject::{AccountId, Subject};
