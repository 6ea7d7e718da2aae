//! `/api/auth/ext`: external authenticators, such as phones (hem.md A7).

pub mod access;
pub mod pairing;

use policies::decode_base64;

use crate::fault::Fault;

/// 32 bytes in base64.
fn bytes32(name: &str, text: &str) -> Result<[u8; 32], Fault> {
    let bytes = decode_base64(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Fault::Invalid(format!("{name} must be base64 of 32 bytes").into()))
}

/// What is wrong with the token that an authenticator made is not told.
fn refused() -> Fault {
    Fault::Unauthenticated("the authenticator's answer is not good: ask it again".into())
}
