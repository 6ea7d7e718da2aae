//! The formats of the key service: what its clients send, what is stored, what they get.
//!
//! Nothing here touches the token, the store or the clock.
There are two profiles of messages:
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
pub mod oaep;
pub mod objects;
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
