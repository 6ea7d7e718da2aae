//! The audit log from outside: indices, checkpoints and proofs over the API, and the whole
//! directory with nothing but the public key.

use std::time::{Duration, Instant};

use audit::{Checkpoint, Hash, LogKey, VerifyingKey, check_proof, proves_consistency, verify_node};
use serde_json::json;
use tests::client::Reply;
use tests::log;
use tests::scene::Scene;

const LOG: &str = "logger:get";

/// Asks until the answer is 200; a checkpoint follows within a second or so.
fn soon(scene: &Scene, path: &str) -> String {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let reply = scene.client.get(path, &scene.user(LOG));
        if reply.status == 200 {
            return String::from_utf8(reply.body).unwrap();
        }
        assert!(reply.status == 404 && Instant::now() < until, "{path}: {}", reply.status);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn index(reply: &Reply) -> u64 {
    reply.headers["audit-index"].to_str().unwrap().parse().unwrap()
}

fn logger(scene: &Scene) -> LogKey {
    let bytes = scene.client.get("/api/logger/key", &scene.user(LOG)).bytes("key");
    LogKey::of(VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap())
}

/// Every line of the node, in order.
fn lines(scene: &Scene) -> Vec<String> {
    let text = |path| std::fs::read_to_string(path).unwrap();
    let text: String = log::files(&scene.home.at("audit")).into_iter().map(text).collect();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_answer_can_be_proved_to_be_in_the_log() {
    let scene = Scene::new();
    let key = logger(&scene);
    let token = scene.user("keymgmt:gen");
    let create = |kind: &str| {
        let body = json!({ "label": "proved", "type": kind });
        scene.client.post("/api/keymgmt/create", &token, &body)
    };
    let (made, refused) = (create("CURVE25519"), create("NO-SUCH-TYPE"));
    assert_eq!((made.status, refused.status / 100), (200, 4));
    for reply in [&made, &refused] {
        let index = index(reply);
        let proof = soon(&scene, &format!("/api/logger/proof/{index}"));
        let line = &lines(&scene)[usize::try_from(index).unwrap()];
        let (proved, checkpoint) = check_proof(&proof, line.as_bytes(), &key).unwrap();
        assert!(proved == index && checkpoint.size() > index);
        assert!(check_proof(&proof, b"another line", &key).is_err());
    }
    let nothing_entered = scene.client.get("/api/keymgmt/list", &scene.user("keymgmt:list"));
    assert!(!nothing_entered.headers.contains_key("audit-index"));
    let wrong = scene.client.get("/api/logger/proof/0", &scene.user("keymgmt:list"));
    assert_eq!((wrong.status, wrong.headers.contains_key("audit-index")), (403, true));
    for absent in ["proof/1000000", "proof/-1", "proof/x", "consistency/0/1000000"] {
        let path = format!("/api/logger/{absent}");
        assert_eq!(scene.client.get(&path, &scene.user(LOG)).status, 404, "{path}");
    }
    assert_eq!(scene.client.get("/api/logger/consistency/2/1", &scene.user(LOG)).status, 406);
}

#[test]
fn the_log_of_two_runs_is_one_and_an_old_checkpoint_holds() {
    let scene = Scene::new();
    let key = logger(&scene);
    let open = |scene: &Scene| {
        let note = soon(scene, "/api/logger/checkpoint");
        Checkpoint::open(&note, &key).unwrap()
    };
    let earlier = open(&scene);
    scene.create("CURVE25519", None);
    let scene = Scene::at(scene.stop());
    scene.create("CURVE25519", None);
    let later = open(&scene);
    assert!(later.size() > earlier.size());
    let path = format!("/api/logger/consistency/{}/{}", earlier.size(), later.size());
    let text = soon(&scene, &path);
    let hashes: Vec<_> = text.lines().skip(2).map(|line| Hash::parse(line).unwrap()).collect();
    let (old, new) = ((earlier.size(), earlier.root()), (later.size(), later.root()));
    assert!(proves_consistency(old, new, &hashes));
    let home = scene.stop();
    let found = verify_node(&home.at("audit"), &key, Some(&earlier)).unwrap();
    assert_eq!((found.files, found.unsigned_records), (2, 0));
    assert!(found.checkpoints >= 2 && found.signed + 1 == found.lines);
}
