//! ML-KEM. A secret that the daemon encapsulates is only its own to open: that it opens what others
//! encapsulate, and its own to the same secret, says that both directions are right.

use aws_lc_rs::kem::{EncapsulationKey, ML_KEM_512};
use serde_json::{Value, json};
use tests::python::Oracle;
use tests::scene::Scene;
use tests::tally::Tally;
use tests::user::{User, b64};

#[test]
fn encapsulated_secrets_are_those_of_others() {
    let (scene, mut oracle, mut tally) = (Scene::new(), Oracle::start(), Tally::default());
    for kind in ["MLKEM512", "MLKEM768", "MLKEM1024"] {
        let user = User::new(&scene, kind, None);
        let public = scene.public(&user.kid);
        let opens = |ct: &Value| user.ask(DECAPS, json!({ "ct": ct })).json()["ss"].clone();
        for _ in 0..4 {
            let theirs = encapsulate(&mut oracle, kind, &public);
            assert_eq!(opens(&theirs["ct"]), theirs["ss"], "{kind}");
            let ours = user.ask(ENCAPS, json!({})).json();
            assert_eq!(opens(&ours["ct"]), ours["ss"], "{kind}");
            tally.count(&format!("encapsulation, {kind}"), "equal both ways");
        }
    }
    let equal = "equal both ways";
    tally.settle(&[
        ("encapsulation, MLKEM1024", 4, &[(equal, 4)]),
        ("encapsulation, MLKEM512", 4, &[(equal, 4)]),
        ("encapsulation, MLKEM768", 4, &[(equal, 4)]),
    ]);
}

fn encapsulate(oracle: &mut Oracle, kind: &str, public: &[u8]) -> Value {
    if kind == "MLKEM512" {
        let key = EncapsulationKey::new(&ML_KEM_512, public).unwrap();
        let (ciphertext, secret) = key.encapsulate().unwrap();
        return json!({ "ct": b64(ciphertext.as_ref()), "ss": b64(secret.as_ref()) });
    }
    oracle.ask(&json!({ "do": "encapsulate", "kind": kind, "public": b64(public) }))
}

const DECAPS: &str = "/api/crypto/pqc/mlkem/decaps";
const ENCAPS: &str = "/api/crypto/pqc/mlkem/encaps";
