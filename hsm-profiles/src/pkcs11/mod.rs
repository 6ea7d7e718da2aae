//! PKCS#11: the only user of cryptoki. Everything here blocks, and works on one session of one
//! thread.

mod agree;
mod agree_once;
mod anchor;
mod cipher;
mod errors;
mod exchange_key;
mod find;
mod generate;
mod init_token;
mod kem;
mod mailbox;
mod module;
#[expect(unsafe_code, reason = "mlock takes an address")]
mod pin;
mod point;
mod probe;
#[expect(
    unsafe_code,
    reason = "the PKCS#11 boundary: calls that cryptoki does not have in this form"
)]
mod raw;
#[expect(unsafe_code, reason = "the PKCS#11 boundary: output goes into memory of ours")]
mod raw_cipher;
mod refusals;
mod seal;
mod self_test;
mod session;
mod sign;
mod spare;
mod store;
mod system_keys;
mod template;

pub(crate) use agree::agree;
pub(crate) use agree_once::agree_once;
pub(crate) use anchor::{read_anchors, write_anchor};
pub(crate) use cipher::{FORGED, decrypt, encrypt, random_block, unwrap, wrap};
pub(crate) use errors::Failure;
pub(crate) use errors::is_return_value;
pub(crate) use exchange_key::{Exchanging, find_exchange, modulus, provide_exchange, rsa};
pub(crate) use find::{
    Slot, destroy, destroy_labelled, find_private, find_secret, is_there, sweep,
};
pub(crate) use generate::{generate_pair, generate_secret};
pub use init_token::{InitError, TokenFiles, init_token};
pub(crate) use kem::{decapsulate, encapsulate};
pub(crate) use mailbox::{find_wrapping, make_mailbox, open_mailbox, provide_wrapping};
pub(crate) use module::Module;
pub(crate) use pin::Pin;
pub(crate) use probe::{Findings, probe};
pub(crate) use raw_cipher::How;
pub(crate) use refusals::Refusals;
pub(crate) use seal::{fill_random, open, seal};
pub(crate) use self_test::known_answers;
pub(crate) use session::TokenSession;
pub(crate) use sign::{attest, hmac, mac, sign, sign_log, sign_ml_dsa};
pub(crate) use system_keys::{
    SystemKeys, canary_sings, find_system_keys, make_logger, provision, retire_logger,
};

/// A key object, valid in every session of the process.
pub(crate) use cryptoki::object::ObjectHandle;
