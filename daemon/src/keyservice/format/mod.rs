//! The formats of the key service: what its clients send, what is stored, what they get.
//!
//! Nothing here touches the token, the store or the clock. There are two profiles of messages:
//! `cryptabyte1`, that of the public Crypt-A-Byte service ([`message`], [`text`], [`chunks`], [`zip`]), and
//! `claviger1`, ours ([`envelope`]).

pub mod answer;
pub mod choice;
pub mod chunks;
pub mod date;
mod der;
pub mod envelope;
pub mod error;
pub mod gzip;
pub mod limits;
pub mod message;
pub mod multipart;
pub mod oaep;
pub mod objects;
pub mod parameters;
pub mod private_key;
pub mod public_key;
pub mod text;
mod xml;
pub mod zip;

pub use error::FormatError;
pub use limits::Limits;

/// The known answers of an independent implementation.
#[cfg(test)]
fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/key-service.json")).unwrap()
}

#[cfg(test)]
mod tests {
    /// A vector that is added here is to be run by one of the modules.
    #[test]
    fn the_vectors_are_those_that_are_run() {
        let vectors = super::vectors();
        let names: Vec<_> = vectors.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names.join(" "),
            "_note aes_hello gz key msg_enc msg_hash msg_key msg_key_plain msgs passphrase priv \
             priv_enc priv_hash pub sha256_hello str true"
        );
    }
}
