//! Hashes of agreed secrets, made here so that the raw secret does not leave the worker.

use sha2::digest::{Digest, Output};
use zeroize::Zeroize;

use crate::key_type::SecretDigest;
use crate::protocol::SecretBytes;

/// The hash of `secret`.
pub(super) fn digest(how: SecretDigest, secret: &[u8]) -> SecretBytes {
    match how {
        SecretDigest::Sha2_256 => hash::<sha2::Sha256>(secret),
        SecretDigest::Sha2_384 => hash::<sha2::Sha384>(secret),
        SecretDigest::Sha2_512 => hash::<sha2::Sha512>(secret),
        SecretDigest::Sha3_256 => hash::<sha3::Sha3_256>(secret),
        SecretDigest::Sha3_384 => hash::<sha3::Sha3_384>(secret),
        SecretDigest::Sha3_512 => hash::<sha3::Sha3_512>(secret),
    }
}

/// The hasher wipes its own state when it is dropped.
fn hash<D: Digest>(secret: &[u8]) -> SecretBytes {
    let mut output = Output::<D>::default();
    let mut hasher = D::new();
    hasher.update(secret);
    hasher.finalize_into(&mut output);
    let bytes = SecretBytes::new(output.to_vec());
    output.as_mut_slice().zeroize();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_vectors_for_abc() {
        for (how, start, length) in [
            (SecretDigest::Sha2_256, [0xba, 0x78, 0x16, 0xbf], 32),
            (SecretDigest::Sha2_384, [0xcb, 0x00, 0x75, 0x3f], 48),
            (SecretDigest::Sha2_512, [0xdd, 0xaf, 0x35, 0xa1], 64),
            (SecretDigest::Sha3_256, [0x3a, 0x98, 0x5d, 0xa7], 32),
            (SecretDigest::Sha3_384, [0xec, 0x01, 0x49, 0x82], 48),
            (SecretDigest::Sha3_512, [0xb7, 0x51, 0x85, 0x0b], 64),
        ] {
            let bytes = digest(how, b"abc");
            assert_eq!((&bytes.expose()[..4], bytes.expose().len()), (&start[..], length));
        }
    }
}
