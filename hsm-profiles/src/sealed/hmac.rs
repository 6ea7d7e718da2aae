//! HMAC (RFC 2104) under stored keys.

use hmac::{Hmac, KeyInit, Mac, SimpleHmac};

use crate::key_type::KeyType;
use crate::pkcs11::Failure;
use crate::protocol::SecretBytes;

/// The MAC of `message`, as long as the digest that `kind` names.
pub(super) fn mac(kind: KeyType, key: &[u8], message: &[u8]) -> Result<SecretBytes, Failure> {
    match kind {
        KeyType::Sha2_256 => compute::<Hmac<sha2::Sha256>>(key, message),
        KeyType::Sha2_384 => compute::<Hmac<sha2::Sha384>>(key, message),
        KeyType::Sha2_512 => compute::<Hmac<sha2::Sha512>>(key, message),
        KeyType::Sha3_256 => compute::<SimpleHmac<sha3::Sha3_256>>(key, message),
        KeyType::Sha3_384 => compute::<SimpleHmac<sha3::Sha3_384>>(key, message),
        KeyType::Sha3_512 => compute::<SimpleHmac<sha3::Sha3_512>>(key, message),
        _ => Err(Failure::Argument("keys of this type make no MACs")),
    }
}

fn compute<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<SecretBytes, Failure> {
    let mac = <M as KeyInit>::new_from_slice(key);
    let mac =
        mac.map_err(|_| Failure::Argument("a key for MACs has not the length of its type"))?;
    Ok(SecretBytes::new(mac.chain_update(message).finalize().into_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST's examples of HMAC-SHA3, with keys shorter than a block.
    #[test]
    fn follows_the_published_vectors() {
        for (kind, start) in [
            (KeyType::Sha3_256, [0x4f, 0xe8, 0xe2, 0x02, 0xc4, 0xf0, 0x58, 0xe8]),
            (KeyType::Sha3_384, [0xd5, 0x88, 0xa3, 0xc5, 0x1f, 0x3f, 0x2d, 0x90]),
            (KeyType::Sha3_512, [0x4e, 0xfd, 0x62, 0x9d, 0x6c, 0x71, 0xbf, 0x86]),
        ] {
            let key: Vec<u8> = (0..).take(kind.length()).collect();
            let mac = mac(kind, &key, b"Sample message for keylen<blocklen").unwrap();
            assert_eq!((&mac.expose()[..8], mac.expose().len()), (&start[..], kind.length()));
        }
    }
}
