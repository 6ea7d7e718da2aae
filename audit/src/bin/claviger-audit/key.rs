//! The logger's public key, in the forms in which people have it.

use std::fs::File;
use std::io::Read;

use audit::{LogKey, VerifyingKey};
use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use serde::Deserialize;

/// The key from the command line: itself, or the path of a file with it.
///
/// # Errors
/// What is wrong and what is accepted, for a person.
pub(crate) fn read(argument: &str) -> Result<LogKey, String> {
    if let Some(key) = LogKey::parse(argument) {
        return Ok(key);
    }
    if let Some(bytes) = decode(argument) {
        return point(&bytes);
    }
    let mut text = String::new();
    File::open(argument)
        .and_then(|file| file.take(SIZE_LIMIT).read_to_string(&mut text))
        .map_err(|error| format!("--key is no Ed25519 key and no readable file: {error}; {HOW}"))?;
    let key = match serde_json::from_str::<Answer>(&text) {
        Ok(answer) => answer.key,
        Err(_) => text,
    };
    if let Some(key) = LogKey::parse(&key) {
        return Ok(key);
    }
    let bytes = decode(&key).ok_or_else(|| format!("{argument} holds no Ed25519 key; {HOW}"))?;
    point(&bytes)
}

/// What of the answer of `/api/logger/key` matters here.
#[derive(Deserialize)]
struct Answer {
    key: String,
}

/// 32 bytes in any of the four usual spellings of base64.
fn decode(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let spellings = [
        Base64::decode_vec,
        Base64Unpadded::decode_vec,
        Base64Url::decode_vec,
        Base64UrlUnpadded::decode_vec,
    ];
    spellings.iter().find_map(|decode| decode(text).ok()?.try_into().ok())
}

fn point(bytes: &[u8; 32]) -> Result<LogKey, String> {
    VerifyingKey::from_bytes(bytes)
        .map(LogKey::of)
        .map_err(|_| format!("--key has 32 bytes that are no Ed25519 public key; {HOW}"))
}

const HOW: &str = "give the vkey, or the 32 bytes in base64 or base64url, or the path of a file \
                   with one of them or with the JSON answer of /api/logger/key";

const SIZE_LIMIT: u64 = 4096;
