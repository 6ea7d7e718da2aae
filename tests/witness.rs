//! Checkpoints that a witness has cosigned (C2SP tlog-witness), by `aics-witness`.

use std::io::Write;
use std::process::Command;

use audit::{Checkpoint, LogKey, WitnessKey};
use tests::daemon::{Home, write};
use tests::patience::{LONG, until};
use tests::programs;
use tests::scene::Scene;
use tests::witness::Witness;

const LOG: &str = "logger:get";

fn witnessed(home: Home, url: &str, vkey: &str) -> Scene {
    let mut config = home.config();
    config.truncate(config.find("[audit.witness]").unwrap_or(config.len()));
    let table = format!("{config}\n[audit.witness]\nurl = {url:?}\nkey = {vkey:?}\n");
    write(&home.at("claviger.toml"), table);
    Scene::at(home)
}

/// A checkpoint with a cosignature over at least `size` lines.
fn cosigned(scene: &Scene, witness: &WitnessKey, size: u64) -> (Checkpoint, String) {
    let key = read(&scene.home, "logger.vkey");
    let key = LogKey::parse(&key).unwrap();
    until("a checkpoint is cosigned", LONG, || {
        let reply = scene.client.get("/api/logger/checkpoint", &scene.user(LOG));
        let note = String::from_utf8(reply.body).unwrap();
        let checkpoint = Checkpoint::open(&note, &key).unwrap();
        let (_, lines) = note.split_once("\n\n").unwrap();
        witness.check(&checkpoint, lines).ok()?;
        (checkpoint.size() >= size).then_some((checkpoint, note))
    })
}

fn read(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.at("audit").join(name)).unwrap()
}

#[test]
fn a_witness_cosigns_what_only_grew() {
    let home = Home::new();
    home.start().stop();
    let vkey = read(&home, "logger.vkey");
    let mut witness = match Witness::new(&home.at("witness"), vkey.trim()) {
        Ok(witness) => witness,
        Err(why) => {
            // Past the test's own capture, so that it is seen.
            writeln!(std::io::stderr(), "a_witness_cosigns: not run: {why}").unwrap();
            return;
        }
    };
    let key = WitnessKey::parse(witness.vkey()).unwrap();
    let scene = witnessed(home, &witness.url(), witness.vkey());
    let is_told = |scene: &Scene, what: &str, times: usize| {
        until(what, LONG, || (scene.home.messages().matches(what).count() >= times).then_some(()));
    };
    is_told(&scene, "does not cosign", 1);
    witness.start();
    let (first, _) = cosigned(&scene, &key, 1);
    is_told(&scene, "cosigns again", 1);
    scene.create("SECP256R1", None);
    let (second, note) = cosigned(&scene, &key, first.size() + 1);
    assert_eq!(note.matches('\u{2014}').count(), 2, "{note}");
    assert!(second.size() > first.size());
    // The proof of an entry comes with it.
    let proof = scene.client.get("/api/logger/proof/1", &scene.user(LOG));
    assert!(String::from_utf8(proof.body).unwrap().contains(" witness.example/w1 "));
    let home = scene.stop();
    let kept = read(&home, "checkpoint");
    let last = Checkpoint::open(&kept, &LogKey::parse(&vkey).unwrap()).unwrap();
    let (_, lines) = kept.split_once("\n\n").unwrap();
    key.check(&last, lines).expect("the last one is cosigned, too");
    let mut verify = Command::new(programs::path("claviger-audit"));
    verify.arg("verify").arg(home.at("audit")).arg("--key").arg(vkey.trim());
    programs::run(&mut verify).good();
    // It goes on from where the witness is, and a wrong key is not believed.
    let scene = witnessed(home, &witness.url(), witness.vkey());
    cosigned(&scene, &key, last.size() + 1);
    let other = Witness::new(&scene.home.at("other"), vkey.trim()).unwrap();
    let home = scene.stop();
    let told = home.messages().matches("does not cosign").count();
    let scene = witnessed(home, &witness.url(), other.vkey());
    is_told(&scene, "does not cosign", told + 1);
    assert!(scene.home.messages().contains("no line is by this witness"));
    let reply = scene.client.get("/api/logger/checkpoint", &scene.user(LOG));
    assert!(!String::from_utf8(reply.body).unwrap().contains(" witness.example/w1 "));
}
