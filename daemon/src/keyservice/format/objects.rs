//! What clients get: keys and messages, with the members and names of the original.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::date::Date;

/// A key. Members that the original has and this service has no use for are as they are in a new one.
#[derive(Default, JsonSchema, Serialize)]
#[schemars(rename = "KeyServiceKey")]
#[serde(rename_all = "PascalCase")]
pub struct KeyObject {
    /// Whether its messages can be read: the release date is over.
    pub is_released: bool,
    /// Its number in this service.
    pub key_id: u64,
    /// Its name, by which messages are sent: 32 hexadecimal digits.
    pub key_token: String,
    /// The public half, `<RSAKeyValue>`.
    pub public_key: String,
    /// The private half, encrypted by the client that uploaded it; null where it was made here.
    pub private_key: Option<String>,
    /// The capability for reading what is still encrypted.
    pub private_key_hash: Option<String>,
    /// Whether the private half is encrypted.
    pub is_private_key_encrypted: bool,
    /// Whether there is no private half here.
    pub is_public_key_only: bool,
    /// When it was made or uploaded.
    #[schemars(with = "String")]
    pub request_date: Date,
    /// From when on its messages can be read.
    #[schemars(with = "String")]
    pub release_date: Date,
    /// From when on it takes no messages.
    #[schemars(with = "Option<String>")]
    pub lock_date: Option<Date>,
    /// Whether reading removes the messages.
    pub delete_messages_after_reading: bool,
    /// Whether reading removes the key.
    pub delete_key_after_reading: bool,
    /// Always empty: nobody is notified.
    pub notifications: [(); 0],
    /// Always empty: messages are read by GET.
    pub messages: [(); 0],
    /// Always empty.
    pub messages_serialized: [(); 0],
    /// Its token once more.
    #[serde(rename = "URI")]
    pub uri: String,
}

/// A message.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "KeyServiceMessage")]
#[serde(rename_all = "PascalCase")]
pub struct MessageObject {
    /// Its number in this service.
    pub message_id: u64,
    /// What only the holder of the private key can open; null where the message was decrypted here.
    pub encryption_key: Option<String>,
    /// What it says: the text or the ZIP in base64 where it was decrypted here, else what is encrypted.
    #[schemars(with = "String")]
    #[serde(serialize_with = "secret")]
    pub message_data: Zeroizing<String>,
    /// When it was sent.
    #[schemars(with = "String")]
    pub created: Date,
    /// What the reader can compare with what was stored.
    pub message_hash: String,
    /// Whether it holds files.
    pub is_file: bool,
    /// Always null: files are in the message.
    pub temporary_download_id: Option<String>,
}

fn secret<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
