//! What is done with an agreed secret: in this process, in memory that is wiped, since a token can't
//! derive from it what the API asks for.

mod aes;
mod derive;
mod padding;

pub(super) use crate::hmac::hmac;
pub(super) use aes::{decrypt, encrypt, unwrap, wrap};
pub(super) use derive::{derive, expand};
pub(super) use padding::{pad, unpad};
