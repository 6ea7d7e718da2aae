//! The formats of the key service: what its clients send, what is stored, what they get.
//!
//! Nothing here touches the token, the store or the clock.

pub mod error;
pub mod gzip;
pub mod limits;
pub mod message;
pub mod text;
pub mod zip;

pub use error::FormatError;
pub use limits::Limits;

/// The known answers of an independent implementation.
#[cfg(test)]
fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/key-service.json")).unwrap()
}
