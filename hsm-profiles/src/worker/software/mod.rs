//! What is done with an agreed secret: in this process, in memory that is wiped, since a token can't
//! derive from it what the API asks for.

mod aes;
mod derive;
mod hmac;
mod padding;

pub(super) use aes::{decrypt, encrypt, unwrap, wrap};
pub(super) use derive::derive;
pub(super) use hmac::hmac;
pub(super) use padding::{pad, unpad};
