//! What a blob is made of: a version byte, the nonce, the ciphertext, the tag.

use policies::Kid;

use crate::key_type::KeyType;

/// What a blob is bound to, as GCM's additional data: what it is, whose it is, and of which type.
/// Every part but the last has a fixed length, so that no two keys give the same.
pub(crate) fn binding(kid: &Kid, kind: KeyType) -> Vec<u8> {
    [LABEL, kid.as_bytes(), kind.name().as_bytes()].concat()
}

/// The bytes of a nonce (NIST SP 800-38D, section 8.2.2: random, 96 bits).
pub(crate) const NONCE: usize = 12;

/// The bytes of a tag.
pub(crate) const TAG: usize = 16;

const LABEL: &[u8] = b"claviger sealed key v1\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_kid_or_type_gives_another_binding() {
        let (one, two) = (Kid::from_bytes([1; 16]), Kid::from_bytes([2; 16]));
        assert_ne!(binding(&one, KeyType::Ed25519), binding(&two, KeyType::Ed25519));
        assert_ne!(binding(&one, KeyType::Ed25519), binding(&one, KeyType::Sha3_256));
    }
}
