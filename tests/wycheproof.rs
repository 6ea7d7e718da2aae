//! Project Wycheproof's vectors for ECDH and X25519, whose private keys are objects in the token.
//!
//! Each distinct private key is put into the token by another tool (sensitive, not extractable, for
//! derivation only), taken over by `clavigerd adopt`, and asked about each peer over TLS. Every
//! case is run or counted with the reason why this API can't express it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use serde_json::json;
use tests::curves::{Curve, SoftKey};
use tests::daemon::{Home, write};
use tests::scene::Scene;
use tests::token::{Import, Token};
use wycheproof::{TestResult, ecdh, xdh};

#[test]
fn p256() {
    run(
        Curve::Secp256r1,
        sec1_points(ecdh::TestName::EcdhSecp256r1Ecpoint),
        &[("equal", 331), ("refused", 24)],
    );
}

#[test]
fn p384() {
    run(
        Curve::Secp384r1,
        sec1_points(ecdh::TestName::EcdhSecp384r1Ecpoint),
        &[("equal", 772), ("refused", 18)],
    );
}

#[test]
fn p521() {
    run(
        Curve::Secp521r1,
        sec1_points(ecdh::TestName::EcdhSecp521r1Ecpoint),
        &[("equal", 633), ("refused", 28)],
    );
}

#[test]
fn secp256k1() {
    run(
        Curve::Secp256k1,
        key_infos(ecdh::TestName::EcdhSecp256k1),
        &[
            ("equal", 474),
            ("not expressible: explicit parameters", 14),
            ("not expressible: malformed ASN.1", 217),
            ("not expressible: names another curve", 20),
            ("refused", 27),
        ],
    );
}

#[test]
fn x25519() {
    run(Curve::Curve25519, montgomery(xdh::TestName::X25519), &[("equal", 487), ("refused", 31)]);
}

/// One case, as far as this API can express it.
struct Case {
    id: usize,
    comment: String,
    private: Vec<u8>,
    /// The peer's raw public key, or why there is none.
    peer: Result<Vec<u8>, &'static str>,
    /// The secret; `None` where nothing may come out.
    expected: Option<Vec<u8>>,
}

/// A key in the token and what is asked of it.
struct Subject {
    kid: String,
    cases: Vec<Question>,
}

/// A case's number and comment, the peer, the secret.
type Question = (usize, String, Vec<u8>, Option<Vec<u8>>);

/// Runs all cases of a set and compares how many ended in which way.
fn run(curve: Curve, cases: Vec<Case>, expected: &[(&'static str, usize)]) {
    let total = cases.len();
    let mut tally: BTreeMap<&'static str, usize> = BTreeMap::new();
    let home = Home::new();
    home.start().stop();
    let mut keys: BTreeMap<Vec<u8>, Subject> = BTreeMap::new();
    let (mut imports, mut adoptions) = (Vec::new(), String::new());
    for case in cases {
        let peer = match case.peer {
            Ok(peer) => peer,
            Err(reason) => {
                *tally.entry(reason).or_default() += 1;
                continue;
            }
        };
        let key = SoftKey::from_private(curve, &case.private);
        let public = key.public();
        let subject = keys.entry(public.clone()).or_insert_with(|| {
            let id = kid_of(&public);
            let kid: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            let line = json!({ "type": curve.name(), "pubkey": Base64::encode_string(&public),
                               "mode": "ECDH", "label": format!("wycheproof {}", case.id) });
            let _ = writeln!(adoptions, "{line}");
            imports.push(import(curve, &key, id));
            Subject { kid, cases: Vec::new() }
        });
        subject.cases.push((case.id, case.comment, peer, case.expected));
    }
    Token::of(&home).import(&imports);
    let file = home.at("keys.jsonl");
    write(&file, &adoptions);
    let adopted = home.command(&["adopt", "--keys", file.to_str().unwrap()]).good();
    assert_eq!(adopted.lines().count(), keys.len());
    for (outcome, count) in ask_all(&Scene::at(home), keys.into_values().collect()) {
        *tally.entry(outcome).or_default() += count;
    }
    println!("{}: {total} cases: {tally:?}", curve.name());
    assert_eq!(tally.values().sum::<usize>(), total);
    assert_eq!(tally.into_iter().collect::<Vec<_>>(), expected);
}

/// Each key needs a login of its own, which takes half a second: many are asked at once.
fn ask_all(scene: &Scene, subjects: VecDeque<Subject>) -> BTreeMap<&'static str, usize> {
    let (queue, tally) = (Mutex::new(subjects), Mutex::new(BTreeMap::new()));
    std::thread::scope(|threads| {
        for _ in 0..ASKERS {
            threads.spawn(|| {
                loop {
                    let Some(subject) = queue.lock().unwrap().pop_front() else { return };
                    for case in &subject.cases {
                        let outcome = ask(scene, &subject.kid, case);
                        *tally.lock().unwrap().entry(outcome).or_default() += 1;
                    }
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

fn ask(scene: &Scene, kid: &str, (id, comment, peer, expected): &Question) -> &'static str {
    let body = json!({ "kid": kid, "pubkey": Base64::encode_string(peer) });
    let reply = scene.ecdh(kid, &body);
    match expected {
        Some(secret) => {
            assert_eq!(reply.status, 200, "case {id} ({comment}): {reply:?}");
            assert_eq!(reply.bytes("ecdh"), *secret, "case {id} ({comment})");
            "equal"
        }
        None => {
            assert!([400, 406].contains(&reply.status), "case {id} ({comment}): {reply:?}");
            "refused"
        }
    }
}

/// The sets whose peers are SEC1 points. The acceptable case of each is a compressed point, which
/// this API takes.
fn sec1_points(name: ecdh::TestName) -> Vec<Case> {
    cases_of(name, |test| Ok(test.public_key.to_vec()))
}

/// The set whose peers are SubjectPublicKeyInfos. This API takes the bare point, so what is wrong
/// with the ASN.1 around it or with the curve it names can't be expressed. Acceptable where it can:
/// the compressed point, which is taken.
fn key_infos(name: ecdh::TestName) -> Vec<Case> {
    use ecdh::TestFlag;
    cases_of(name, |test| match point_of(&test.public_key) {
        Some(point) => Ok(point.to_vec()),
        None if test.flags.contains(&TestFlag::InvalidAsn) => {
            Err("not expressible: malformed ASN.1")
        }
        None if test.flags.contains(&TestFlag::UnnamedCurve) => {
            Err("not expressible: explicit parameters")
        }
        None => Err("not expressible: names another curve"),
    })
}

fn cases_of(
    name: ecdh::TestName,
    peer: impl Fn(&ecdh::Test) -> Result<Vec<u8>, &'static str>,
) -> Vec<Case> {
    let set = ecdh::TestSet::load(name).unwrap();
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    let cases: Vec<_> = tests
        .map(|test| Case {
            id: test.tc_id,
            peer: peer(&test),
            expected: agrees(&test).then(|| test.shared_secret.to_vec()),
            comment: test.comment,
            private: test.private_key.to_vec(),
        })
        .collect();
    assert_eq!(cases.len(), set.number_of_tests);
    cases
}

/// Bytes that malformed ASN.1 leaves behind the point are not overlooked here.
fn agrees(test: &ecdh::Test) -> bool {
    test.result != TestResult::Invalid && !test.flags.contains(&ecdh::TestFlag::InvalidAsn)
}

/// Acceptable are points on the twist, encodings that are not reduced, and points of small order.
/// The first two come out as RFC 7748 has them; small orders are refused, as it allows (section 6).
fn montgomery(name: xdh::TestName) -> Vec<Case> {
    let set = xdh::TestSet::load(name).unwrap();
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    let cases: Vec<_> = tests
        .map(|test| {
            assert_ne!(test.result, TestResult::Invalid);
            let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
            assert_eq!(is_zero, test.flags.contains(&xdh::TestFlag::ZeroSharedSecret));
            Case {
                id: test.tc_id,
                comment: test.comment,
                private: test.private_key.to_vec(),
                peer: Ok(test.public_key.to_vec()),
                expected: (!is_zero).then(|| test.shared_secret.to_vec()),
            }
        })
        .collect();
    assert_eq!(cases.len(), set.number_of_tests);
    cases
}

/// The point in a SubjectPublicKeyInfo of secp256k1 in DER (RFC 5480), whatever it is.
fn point_of(info: &[u8]) -> Option<&[u8]> {
    let [0x30, length, rest @ ..] = info else { return None };
    if rest.len() != usize::from(*length) {
        return None;
    }
    match rest.strip_prefix(EC_SECP256K1)? {
        [0x03, length, 0x00, point @ ..] if point.len() + 1 == usize::from(*length) => Some(point),
        _ => None,
    }
}

fn import(curve: Curve, key: &SoftKey, id: Vec<u8>) -> Import {
    Import {
        oid: curve.oid().to_vec(),
        edwards: curve == Curve::Curve25519,
        value: key.private().to_vec(),
        id,
        label: "wycheproof".to_owned(),
    }
}

fn kid_of(public: &[u8]) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    digest(&SHA1_FOR_LEGACY_USE_ONLY, public).as_ref()[..16].to_vec()
}

/// AlgorithmIdentifier: id-ecPublicKey, secp256k1.
const EC_SECP256K1: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x0a,
];
const ASKERS: usize = 24;
