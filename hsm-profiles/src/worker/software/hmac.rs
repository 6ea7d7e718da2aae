//! HMAC (RFC 2104) under agreed secrets.

use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use zeroize::{Zeroize, Zeroizing};

use crate::key_type::SecretDigest;
use crate::pkcs11::Failure;

/// The MAC of `message`, as long as the digest.
pub(in crate::worker) fn hmac(
    digest: SecretDigest,
    key: &[u8],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match digest {
        SecretDigest::Sha2_256 => compute::<Hmac<sha2::Sha256>>(key, message),
        SecretDigest::Sha2_384 => compute::<Hmac<sha2::Sha384>>(key, message),
        SecretDigest::Sha2_512 => compute::<Hmac<sha2::Sha512>>(key, message),
        SecretDigest::Sha3_256 => compute::<SimpleHmac<sha3::Sha3_256>>(key, message),
        SecretDigest::Sha3_384 => compute::<SimpleHmac<sha3::Sha3_384>>(key, message),
        SecretDigest::Sha3_512 => compute::<SimpleHmac<sha3::Sha3_512>>(key, message),
    }
}

fn compute<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mac = <M as KeyInit>::new_from_slice(key);
    let mac = mac.map_err(|_| Failure::Argument("this is no key for a MAC"))?;
    let mut output = mac.chain_update(message).finalize().into_bytes();
    let bytes = Zeroizing::new(output.to_vec());
    output.as_mut_slice().zeroize();
    Ok(bytes)
}
