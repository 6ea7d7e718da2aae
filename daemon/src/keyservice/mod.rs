//! The key service: encrypted messages for whoever holds a passphrase or a private key.

pub mod format;
