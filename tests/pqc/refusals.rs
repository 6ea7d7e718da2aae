//! What is refused, how, and with what in the log.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::Home;
use tests::scene::Scene;
use tests::timing::rank_sum;

use crate::ALL;

/// A key of somebody else and one that nobody has can't be told apart: by the answer, by the log, by
/// the time.
#[test]
fn a_foreign_key_is_as_unknown_as_an_unknown_one() {
    let scene = Scene::new();
    let made = scene.client.post("/api/kc/generate_keys", &scene.external("pqc:kem"), &json!({}));
    let foreign = made.text("pk");
    let unknown = {
        let there = Scene::new();
        there.client.post("/api/kc/generate_keys", &there.user(ALL), &json!({})).text("pk")
    };
    let token = scene.user(ALL);
    let ask = |pk: &str| {
        let body = json!({ "cipher": "00".repeat(1088), "pk": pk });
        let begin = Instant::now();
        let reply = scene.client.post("/api/kc/decapsulate_key", &token, &body);
        (reply, begin.elapsed())
    };
    let mut log = scene.log();
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut bodies = Vec::new();
    for _ in 0..ROUNDS {
        for (pk, times) in [&foreign, &unknown].into_iter().zip(&mut times) {
            let (reply, time) = ask(pk);
            assert_eq!(reply.status, 403, "{reply:?}");
            times.push(time);
            let body = String::from_utf8(reply.body).unwrap();
            assert_eq!(reply.headers.len(), 5, "{:?}", reply.headers);
            // The KID of what was sent is no secret to whoever sent it.
            bodies.push(body.split("the key ").next().unwrap().to_owned());
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let heads = log.heads();
    assert_eq!(heads, vec!["FAILED_SCOPE_CHECK FAILED"; 2 * ROUNDS]);
    let z = rank_sum(&times[0], &times[1]);
    println!("foreign or unknown: z = {z:.2} of {ROUNDS} each");
    assert!(z.abs() < 4.0, "the time tells a foreign key from an unknown one: z = {z}");
}

const ROUNDS: usize = 300;

#[test]
fn answers_leave_the_results_that_the_table_says() {
    let scene = Scene::new();
    let token = scene.user(ALL);
    let signed = scene.client.post("/api/signature/sign", &token, &json!({ "data": "x" })).json();
    // The keys that sign are there.
    scene.client.post("/api/kc/generate_keys", &token, &json!({}));
    let mut log = scene.log();
    let mut sees = |path: &str, body: &Value, status: u16, head: &str| {
        let reply = scene.client.post(path, &token, body);
        assert_eq!((reply.status, log.heads()), (status, vec![head.to_owned()]), "{path} {body}");
        reply
    };
    let mut claim = signed.clone();
    claim["data"] = json!("x");
    sees("/api/signature/verify", &claim, 200, "CRYPTO_PQC_MLDSA_VERIFY OK");
    claim["data"] = json!("y");
    let reply = sees("/api/signature/verify", &claim, 200, "CRYPTO_PQC_MLDSA_VERIFY FAILED");
    assert_eq!(reply.json(), json!({ "verified": false }));
    assert!(!reply.header("audit-index").is_empty());
    sees("/api/signature/verify", &json!({}), 422, "CRYPTO_PQC_MLDSA_VERIFY ERROR");
    sees("/api/signature/sign", &json!({ "data": 7 }), 422, "CRYPTO_PQC_MLDSA_SIGN ERROR");
    sees("/api/kc/generate_keys", &json!({ "algorithm": "x" }), 422, "KEY_GENERATION ERROR");
    sees("/api/kem/encapsulate_key", &json!({}), 422, "CRYPTO_PQC_MLKEM_ENCAPS ERROR");
    sees("/api/kc/decapsulate_key", &json!({}), 422, "CRYPTO_PQC_MLKEM_DECAPS ERROR");
    sees("/api/aes/encrypt_text", &json!({}), 422, "CRYPTO_ENCRYPT ERROR");
    sees("/api/aes/decrypt_text", &json!({}), 422, "CRYPTO_DECRYPT ERROR");
    sees("/api/token/new", &json!({ "expiry_time": 0 }), 422, "TOKEN_ISSUED ERROR");
    sees("/api/token/new", &json!({}), 200, "TOKEN_ISSUED OK");
    sees("/api/kc/generate_keys", &json!({}), 200, "KEY_GENERATION OK");
}

#[test]
fn no_canary_comes_back() {
    let scene = Scene::new();
    let token = scene.user(ALL);
    let canary = "canary-5af3";
    for path in ["/api/signature/sign", "/api/aes/encrypt_text", "/api/kc/decapsulate_key"] {
        for body in [
            json!(canary),
            json!({ "data": { "x": canary }, "unencrypted": [canary], "pk": canary }),
            json!({ "key": canary, "unencrypted": canary, "cipher": canary, "pk": canary,
                "data": "x", "algorithm": canary }),
        ] {
            let reply = scene.client.post(path, &token, &body);
            assert_eq!(reply.status, 422, "{path} {body}");
            let told = String::from_utf8(reply.body).unwrap();
            assert!(!told.contains(canary), "{path} {body}: {told}");
        }
    }
    assert!(!scene.home.messages().contains(canary));
}

#[test]
fn a_surface_that_is_not_enabled_is_not_there() {
    let home = Home::new();
    home.start().stop();
    home.configure("[pqc]\nenabled = true", "[pqc]\nenabled = false\nkeys = 1");
    let scene = Scene::serving(home);
    let reply = scene.client.post("/api/kc/generate_keys", &scene.user(ALL), &json!({}));
    assert_eq!(reply.status, 404);
    let home = scene.stop();
    home.configure("[pqc]\nenabled = false", "[pqc]\nenabled = true");
    let scene = Scene::serving(home);
    let client = Client::of(&scene.daemon);
    let make = || client.post("/api/kc/generate_keys", &scene.user(ALL), &json!({})).status;
    assert_eq!((make(), make()), (200, 409), "one key is all that the configuration allows");
}
