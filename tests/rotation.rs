//! The key of the audit log changes: with the daemon's token, and with runs that are killed on their way.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tests::daemon::{Home, write};
use tests::log;
use tests::programs::{self, Ran};
use tests::scene::Scene;
use tests::token::Token;

const SCOPE: &str = "logger:get";

/// What `/api/logger/key` answers, kept as an auditor does.
fn keep_key(scene: &Scene, name: &str) -> PathBuf {
    let answer = scene.client.get("/api/logger/key", &scene.user(SCOPE));
    assert_eq!(answer.status, 200, "{answer:?}");
    let file = scene.home.at(name);
    write(&file, &answer.body);
    file
}

fn auditor(home: &Home, arguments: &[&str], key: &PathBuf) -> Ran {
    let mut command = Command::new(programs::path("claviger-audit"));
    let (verb, rest) = arguments.split_first().unwrap();
    command.arg(verb).arg(home.at("audit")).args(rest);
    programs::run(command.arg("--key").arg(key))
}

fn is_proved(home: &Home, keys: &[&PathBuf]) {
    for key in keys {
        let proved = auditor(home, &["verify"], key);
        assert_eq!(proved.code, 0, "{proved:?}");
    }
}

/// How many logger keys the token has: private ones, and public ones.
fn logger_keys(home: &Home) -> (usize, usize) {
    let objects = Token::of(home).list();
    let count = |class: &str| {
        let ours = |id: &[u8]| id.starts_with(b"claviger-system:logger");
        objects.iter().filter(|object| object.class == class && ours(&object.id)).count()
    };
    (count("private"), count("public"))
}

fn use_a_key(scene: &Scene) {
    let kid = scene.create("SECP256R1", None);
    assert_eq!(scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).status, 200);
}

#[test]
fn the_logger_key_is_rotated_and_the_log_stays_one() {
    let scene = Scene::new();
    use_a_key(&scene);
    let old = keep_key(&scene, "old.json");
    let state = scene.home.at("audit.state");
    let home = scene.stop();
    let resume = ["verify", "--resume", state.to_str().unwrap()];
    assert_eq!(auditor(&home, &resume, &old).code, 0);
    let early = home.command(&["rotate-logger-key", "--retire"]);
    assert_eq!((early.code, logger_keys(&home)), (0, (1, 1)), "{early:?}");
    let begun = home.command(&["rotate-logger-key"]).good();
    let vkey = fs::read_to_string(home.at("audit/logger.vkey")).unwrap();
    assert!(begun.contains(vkey.trim()), "{begun}");
    assert_eq!(logger_keys(&home), (2, 2));
    assert_eq!(home.command(&["rotate-logger-key"]).good(), begun, "again is no other");
    // Both sign while the daemon runs, too.
    let scene = Scene::at(home);
    use_a_key(&scene);
    let new = keep_key(&scene, "new.json");
    assert_ne!(fs::read(&old).unwrap(), fs::read(&new).unwrap());
    let note = scene.client.get("/api/logger/checkpoint", &scene.user(SCOPE)).body;
    assert_eq!(String::from_utf8(note).unwrap().matches('\u{2014}').count(), 2);
    let home = scene.stop();
    is_proved(&home, &[&old, &new]);
    for key in [&old, &new] {
        assert_eq!(auditor(&home, &["proof", "3"], key).code, 0);
    }
    home.command(&["rotate-logger-key", "--retire"]).good();
    assert_eq!(logger_keys(&home), (1, 1));
    let scene = Scene::at(home);
    use_a_key(&scene);
    assert_eq!(vkey, fs::read_to_string(scene.home.at("audit/logger.vkey")).unwrap());
    let home = scene.stop();
    is_proved(&home, &[&old, &new]);
    assert_eq!(auditor(&home, &resume, &old).code, 0);
    let kinds = log::files(&home.at("audit")).into_iter().flat_map(|file| log::entries(&file));
    let changes = kinds.filter(|entry| entry.kind == "AUDIT_KEY_CHANGED");
    let words: Vec<_> = changes.map(|entry| entry.ext[..5].trim().to_owned()).collect();
    assert_eq!(words, ["begin", "end c"]);
    // And once more, with a log that is begun anew after it.
    home.command(&["rotate-logger-key"]).good();
    home.command(&["rotate-logger-key", "--retire"]).good();
    assert_eq!(logger_keys(&home), (1, 1));
    let scene = Scene::at(home);
    let third = keep_key(&scene, "third.json");
    let home = scene.stop();
    is_proved(&home, &[&old, &third]);
    home.command(&["new-log", "--reason", "a trial"]).good();
    let scene = Scene::at(home);
    use_a_key(&scene);
    is_proved(&scene.stop(), &[&third]);
}

#[test]
fn a_rotation_that_is_killed_is_done_again() {
    let scene = Scene::new();
    let old = keep_key(&scene, "old.json");
    let mut home = scene.stop();
    for (retire, delays) in
        [(false, [10, 60, 110, 160, 210, 260]), (true, [20, 70, 120, 170, 220, 270])]
    {
        for delay in delays {
            let mut command = Command::new(programs::path("clavigerd"));
            command.arg("rotate-logger-key").arg("--config").arg(home.at("claviger.toml"));
            command.args(retire.then_some("--retire"));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            thread::sleep(Duration::from_millis(delay));
            let _ = child.kill();
            // Its token worker, which has the other end too, may live a moment longer; two that write
            // at a time are more than SoftHSM's files take.
            std::io::copy(child.stderr.as_mut().unwrap(), &mut std::io::sink()).unwrap();
            child.wait().unwrap();
        }
        // The daemon goes on from whatever they left.
        let scene = Scene::at(home);
        use_a_key(&scene);
        let now = keep_key(&scene, "now.json");
        home = scene.stop();
        is_proved(&home, &[&old, &now]);
        let all: &[&str] = if retire { &["--retire"] } else { &[] };
        home.command(&[&["rotate-logger-key"], all].concat()).good();
    }
    assert_eq!(logger_keys(&home), (1, 1));
    let scene = Scene::at(home);
    use_a_key(&scene);
    let new = keep_key(&scene, "new.json");
    assert_ne!(fs::read(&old).unwrap(), fs::read(&new).unwrap());
    is_proved(&scene.stop(), &[&old, &new]);
}
