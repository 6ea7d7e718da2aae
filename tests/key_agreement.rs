//! Key agreement (docs/key-agreement.md).

use std::thread;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::client::{Client, Reply};
use tests::daemon::Home;
use tests::scene::Scene;
use tests::{programs, python};

#[test]
fn a_client_from_the_description_alone_has_the_same_keys() {
    let scene = Scene::new();
    let ready = scene.daemon.ready();
    // The embedded token may have no groups modulo a prime; their keys are refused then.
    let served: Vec<_> = case_names().into_iter().filter(|name| is_served(&scene, name)).collect();
    let on_softhsm =
        std::env::var_os("CLAVIGER_TEST_PROFILE").is_none_or(|name| name == "softhsm2");
    assert!(!on_softhsm || served.len() == 4, "{served:?}");
    assert!(served.iter().filter(|name| name.contains("-EC-")).count() == 2, "{served:?}");
    let mut client = python::client("key_agreement");
    client.arg(VECTORS).arg(&ready.url).arg(&ready.ca_file).args(&served);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let counts: Value = serde_json::from_str(&ran.stdout).unwrap();
    println!("{counts:#}");
    assert_eq!((&counts["vector"], &counts["at a limit"]), (&json!(4), &json!(2)));
    for scheme in &served {
        let forms: &[_] = match scheme.contains("-EC-") {
            true => &["raw", "SPKI"],
            false => &["raw", "PKCS #3", "X9.42"],
        };
        for form in forms {
            assert_eq!(counts[format!("{scheme}, {form}")], 2, "{scheme} {form}");
        }
    }
    let refused = counts["refused with an empty 400"].as_u64().unwrap();
    assert!(refused >= if on_softhsm { 70 } else { 45 }, "{refused}");
}

#[test]
fn each_agreement_is_entered_and_no_secret_of_it() {
    let scene = Scene::new();
    let mut log = scene.log();
    let (scheme, good) = ("SCHEME-EC-AES2", offer("SCHEME-EC-AES2"));
    let reply = scene.client.call("POST", PATH, None, Some(&good));
    assert_eq!(reply.status, 200, "{reply:?}");
    let entries = log.news();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let reference = reply.text("client_reference_id");
    assert_eq!((entries[0].head(), entries[0].subject.as_str()), ("KEY_AGREEMENT OK".into(), ""));
    let digest = Sha256::digest(reference);
    let name: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(entries[0].ext, format!("{name} {scheme}"), "the reference itself is for one login");
    assert!(!reply.header("audit-index").is_empty());
    let bad = scene.client.call("POST", PATH, None, Some(&json!({})));
    assert_eq!(
        (bad.status, bad.body.len(), log.heads()),
        (400, 0, vec!["KEY_AGREEMENT ERROR".into()])
    );
    let needless = scene.client.post(PATH, "garbage", &good);
    assert_eq!((needless.status, log.heads().len()), (200, 1));
    let plain = Client::plain(&scene.daemon).call("POST", PATH, None, Some(&good));
    assert_eq!(plain.status, 418);
    let absent = scene.client.call("POST", "/rest/nothing", None, Some(&good));
    assert_eq!((absent.status, &told(&absent)["status"]), (404, &json!("NOT_FOUND")));
}

/// The vendor's API has 500 where others have 503.
#[test]
fn what_is_the_devices_fault_is_a_500() {
    let scene = Scene::new();
    let good = offer("SCHEME-EC-AES1");
    assert_eq!(scene.client.call("POST", PATH, None, Some(&good)).status, 200);
    let mut log = scene.log();
    std::fs::rename(scene.home.at("pin"), scene.home.at("pin.away")).unwrap();
    tests::process::kill_worker(&scene.daemon);
    let reply = scene.client.call("POST", PATH, None, Some(&good));
    assert_eq!((reply.status, &told(&reply)["status"]), (500, &json!("INTERNAL_SERVER_ERROR")));
    let entry = log.news().pop().unwrap();
    assert_eq!((entry.head().as_str(), entry.ext.as_str()), ("KEY_AGREEMENT FAILED", "127.0.0.1"));
    let accounts = scene.client.get("/rest/accounts", "garbage");
    assert_eq!((accounts.status, &told(&accounts)["status"]), (401, &json!("UNAUTHORIZED")));
}

/// Whoever fills the places of his address leaves those of the others.
#[test]
fn one_address_leaves_room_for_the_others() {
    let home = Scene::new().stop();
    home.configure(
        "[key-agreement]\n",
        "[key-agreement]\nreferences = 7\nreferences_per_address = 4\n",
    );
    let scene = Scene::serving(home);
    let mut log = scene.log();
    let good = offer("SCHEME-EC-AES1");
    let [one, other] = ["127.0.0.2", "127.0.0.3"].map(|from| Client::from(&scene.daemon, from));
    let ask = |client: &Client| client.call("POST", PATH, None, Some(&good));
    for _ in 0..4 {
        assert_eq!(ask(&one).status, 200);
    }
    log.news();
    let refused = ask(&one);
    assert_eq!((refused.status, &told(&refused)["status"]), (429, &json!("TOO_MANY_REQUESTS")));
    assert_eq!(refused.header("retry-after"), refused.header(RETRY_AFTER));
    let entry = log.news().pop().unwrap();
    assert_eq!((entry.head().as_str(), entry.ext.as_str()), ("KEY_AGREEMENT FAILED", "127.0.0.2"));
    for _ in 0..3 {
        assert_eq!(ask(&other).status, 200);
    }
    assert_eq!((ask(&other).status, ask(&scene.client).status), (429, 429), "now all are taken");
}

/// Of 64 at once as many get in as there is room for; and a surface that is off is not there.
#[test]
fn the_keys_that_wait_are_bounded() {
    let home = Home::new();
    home.start().stop();
    home.configure(
        "[key-agreement]\nenabled = true",
        "[key-agreement]\nenabled = true\nreferences = 10\nidentifier = \"Türhüter\"",
    );
    let scene = Scene::serving(home);
    let mut log = scene.log();
    let good = offer("SCHEME-EC-AES1");
    let replies: Vec<_> = thread::scope(|threads| {
        let ask = || scene.client.call("POST", PATH, None, Some(&good));
        let asking: Vec<_> = (0..64).map(|_| threads.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (done, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((done.len(), refused.len()), (10, 54));
    // "Türhüter" in base64.
    assert!(done.iter().all(|reply| reply.text("identifier") == "VMO8cmjDvHRlcg=="));
    for reply in refused {
        assert_eq!(reply.status, 429);
        let wait: u64 = reply.header(RETRY_AFTER).parse().unwrap();
        assert!((60..=120).contains(&wait), "{wait}");
        let told = told(reply);
        assert_eq!(told["status"], "TOO_MANY_REQUESTS");
        assert!(told["timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        assert_eq!(told["errors"][0]["error_key"], "common.api-throttle-limit.exceeded.error");
    }
    let heads = log.heads();
    let count = |wanted: &str| heads.iter().filter(|head| *head == wanted).count();
    assert_eq!((count("KEY_AGREEMENT OK"), count("KEY_AGREEMENT FAILED")), (10, 54));
    let home = scene.stop();
    home.configure("[key-agreement]\nenabled = true", "[key-agreement]\nenabled = false");
    let scene = Scene::serving(home);
    assert_eq!(scene.client.call("POST", PATH, None, Some(&good)).status, 404);
}

fn is_served(scene: &Scene, scheme: &str) -> bool {
    scene.client.call("POST", PATH, None, Some(&offer(scheme))).status == 200
}

/// The envelope of a refusal.
fn told(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

/// A request with the client's key of the published vector.
fn offer(scheme: &str) -> Value {
    let file = vectors();
    let cases = file["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["scheme"] == scheme).unwrap();
    json!({
        "identifier": file["identifier_client_b64"],
        "nonce": file["nonce_b64"],
        "public_key": case["client_pub_raw"],
        "supported_schemes": [scheme],
    })
}

fn case_names() -> Vec<String> {
    let file = vectors();
    let cases = file["cases"].as_array().unwrap().iter();
    cases.map(|case| case["scheme"].as_str().unwrap().to_owned()).collect()
}

fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(VECTORS).unwrap()).unwrap()
}

const PATH: &str = "/rest/key-agreement";
const RETRY_AFTER: &str = "x-rate-limit-retry-after-seconds";
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/key-agreement.json");
