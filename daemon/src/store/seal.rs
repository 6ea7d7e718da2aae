//! How rows are bound to the token: a MAC over an encoding of the row that can be read in one way
//! only.

use std::pin::Pin;

use hsm_profiles::{System, TokenFault};
use subtle::ConstantTimeEq;

/// Work that the token is doing.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, TokenFault>> + Send + 'a>>;

/// An HMAC-SHA-256 under the token's record key.
pub type Tag = [u8; 32];

/// Whoever computes the MACs of rows.
pub trait Mac: Send + Sync {
    /// The HMAC-SHA-256 of `text` under the token's record key.
    fn mac<'a>(&'a self, text: &'a [u8]) -> Doing<'a, Tag>;
}

impl Mac for System {
    fn mac<'a>(&'a self, text: &'a [u8]) -> Doing<'a, Tag> {
        Box::pin(Self::mac(self, text))
    }
}

/// Whether `tag` is the MAC of `text`.
pub(crate) async fn holds(mac: &dyn Mac, text: &[u8], tag: &Tag) -> Result<bool, TokenFault> {
    Ok(mac.mac(text).await?.ct_eq(tag).into())
}

/// The text that a MAC is made of: a label that says what kind of row it is, then the row's fields,
/// each as its length in bytes (8 bytes, big-endian) and its content. Numbers are 8 bytes,
/// big-endian; what may be absent has a 0 or 1 before it.
pub(crate) struct SealText(Vec<u8>);

impl SealText {
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::new()).bytes(label.as_bytes())
    }

    pub(crate) fn bytes(mut self, content: &[u8]) -> Self {
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(content);
        self
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(crate) fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    pub(crate) fn optional(self, content: Option<&[u8]>) -> Self {
        let text = self.flag(content.is_some());
        match content {
            Some(content) => text.bytes(content),
            None => text,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_fields_never_give_the_same_text() {
        let text = |label: &str, fields: &[&[u8]]| {
            fields.iter().fold(SealText::new(label), |text, field| text.bytes(field)).finish()
        };
        let absent = SealText::new("a").optional(None).bytes(b"x").finish();
        let empty = SealText::new("a").optional(Some(b"")).bytes(b"x").finish();
        let texts = [
            text("a", &[b"bc", b"d"]),
            text("a", &[b"b", b"cd"]),
            text("ab", &[b"c", b"d"]),
            text("a", &[b"bcd"]),
            text("a", &[b"bcd", b""]),
            absent,
            empty,
        ];
        for (at, one) in texts.iter().enumerate() {
            assert!(texts.iter().skip(at + 1).all(|other| other != one), "{at}");
        }
    }
}
