//! The audit log from outside: indices, checkpoints and proofs over the API, and the whole
//! directory with nothing but the public key.

use audit::{Checkpoint, Hash, LogKey, VerifyingKey, check_proof, proves_consistency, verify_node};
use serde_json::json;
use tests::client::Reply;
use tests::log;
use tests::patience::{LONG, until};
use tests::scene::Scene;

const LOG: &str = "logger:get";

/// Asks until the answer is 200; a checkpoint follows within a second or so.
fn soon(scene: &Scene, path: &str) -> String {
    until(path, LONG, || {
        let reply = scene.client.get(path, &scene.user(LOG));
        assert!([200, 404].contains(&reply.status), "{path}: {reply:?}");
        (reply.status == 200).then(|| String::from_utf8(reply.body).unwrap())
    })
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

#[test]
fn the_tree_can_be_fetched_by_tiles() {
    let scene = Scene::new();
    let key = logger(&scene);
    for _ in 0..5 {
        scene.create("CURVE25519", None);
    }
    let checkpoint = Checkpoint::open(&soon(&scene, "/api/logger/checkpoint"), &key).unwrap();
    let size = usize::try_from(checkpoint.size()).unwrap();
    assert!((2..256).contains(&size), "{size}");
    let get = |path: &str| scene.client.get(&format!("/api/logger/tile/{path}"), &scene.user(LOG));
    for width in 1..=size {
        let tile = get(&format!("0/000.p/{width}"));
        assert_eq!(tile.header("Content-Type"), "application/octet-stream");
        let leaves = lines(&scene).into_iter().take(width);
        let hashes = leaves.flat_map(|line| *Hash::of_leaf(line.as_bytes()).as_bytes());
        assert_eq!((tile.status, tile.body), (200, hashes.collect()), "{width} of {size}");
    }
    for width in 1..=size {
        let bundle = get(&format!("entries/000.p/{width}"));
        let wanted = lines(&scene).into_iter().take(width).flat_map(|line| {
            let length = u16::try_from(line.len()).unwrap().to_be_bytes();
            [&length, line.as_bytes()].concat()
        });
        assert_eq!((bundle.status, bundle.body), (200, wanted.collect()), "{width} of {size}");
    }
    let absent = ["0/000", "0/000.p/255", "0/001.p/1", "1/000.p/1", "0/0.p/1", "x", "0/000.p/0"];
    for absent in absent.into_iter().chain(["entries/000", "entries/001.p/1", "entries/x"]) {
        assert_eq!(get(absent).status, 404, "{absent}");
    }
    let wrong = scene.client.get("/api/logger/tile/0/000.p/1", &scene.user("keymgmt:list"));
    assert_eq!(wrong.status, 403);
}

#[test]
fn an_answer_can_wait_for_its_checkpoint() {
    let home = Scene::new().stop();
    home.configure("[audit]\n", "[audit]\nack = \"signed\"\n");
    let scene = Scene::at(home);
    let key = logger(&scene);
    let token = scene.user("keymgmt:gen");
    for _ in 0..10 {
        let body = json!({ "label": "signed", "type": "CURVE25519" });
        let made = scene.client.post("/api/keymgmt/create", &token, &body);
        let (status, index) = (made.status, index(&made));
        assert_eq!(status, 200);
        // At once, not soon.
        let note = scene.client.get("/api/logger/checkpoint", &scene.user(LOG)).body;
        let note = String::from_utf8(note).unwrap();
        assert!(Checkpoint::open(&note, &key).unwrap().size() > index);
    }
    let home = scene.stop();
    assert_eq!(verify_node(&home.at("audit"), &key, None).unwrap().unsigned_records, 0);
}
