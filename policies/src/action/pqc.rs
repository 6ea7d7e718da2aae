//! What the post-quantum API lets one do.

use super::{Action, OwnKeys, Use};
use crate::kid::Kid;
use crate::scope::Scope;

/// Encipher and decipher texts: with a key that the caller brings, or with a stored one.
#[derive(Clone, Copy, Debug, Default)]
pub struct CipherText(
    /// The stored key. It takes leave to use that very key, too.
    pub Option<Kid>,
);

impl Action for CipherText {
    const SCOPES: &'static [&'static str] = &["pqc:aes"];

    fn within(&self, scope: &Scope) -> bool {
        scope.covers("pqc:aes") && self.0.is_none_or(|kid| Use(kid).within(scope))
    }

    fn needed(&self) -> String {
        match self.0 {
            None => "pqc:aes".to_owned(),
            Some(kid) => format!("pqc:aes {}", Use(kid).needed()),
        }
    }
}

/// Make keys of one's own for ML-KEM, encapsulate to anybody's, decapsulate with one's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExchangeKeys;

impl Action for ExchangeKeys {
    const SCOPES: &'static [&'static str] = &["pqc:kem"];
}

impl OwnKeys for ExchangeKeys {}

/// Issue tokens of limited use.
#[derive(Clone, Copy, Debug, Default)]
pub struct IssueToken;

impl Action for IssueToken {
    const SCOPES: &'static [&'static str] = &["token:new"];
}

/// Sign texts with one's own key for ML-DSA, and verify anybody's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignText;

impl Action for SignText {
    const SCOPES: &'static [&'static str] = &["pqc:sign"];
}

impl OwnKeys for SignText {}
