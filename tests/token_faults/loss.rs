//! Modules that die, and tokens that are dead for as long as it pleases them.

use cryptoki_sys::*;
use serde_json::json;
use tests::curves::Curve;
use tests::daemon::write;
use tests::fault::{Act, Fault, Faults};
use tests::make::{SOFTHSM2, only_on};
use tests::patience::{LONG, until};
use tests::process::worker;
use tests::scene::Scene;
use tests::user::{User, b64};

use crate::traces::{create, delete, settled};

#[test]
fn a_module_that_dies_is_replaced_and_the_request_is_answered() {
    if !Faults::applies("a_module_that_dies_is_replaced_and_the_request_is_answered") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut user = User::new(&scene, "SECP256R1", None);
    let (peer, secret) = user.peer(Curve::Secp256r1);
    user.log.news();
    for first in [1, 2, 3] {
        let old = worker(&scene.daemon);
        faults.fail("C_DeriveKey", Fault { first, times: 1, act: Act::Die });
        for _ in 0..first {
            let reply = user.ask("/api/crypto/ecdh", json!({ "pubkey": peer }));
            assert_eq!(reply.bytes("ecdh"), secret);
        }
        assert_eq!(faults.failures("C_DeriveKey"), first);
        assert_ne!(worker(&scene.daemon), old);
        let heads = user.log.heads();
        assert_eq!(heads.len(), usize::try_from(first).unwrap(), "{heads:?}");
        assert!(heads.iter().all(|head| head == "CRYPTO_ECDH OK"), "{heads:?}");
    }
}

/// A type that can't be tried is not one that the token lacks.
#[test]
fn a_start_while_the_token_fails_is_none_with_fewer_types() {
    if !Faults::applies("a_start_while_the_token_fails_is_none_with_fewer_types") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let home = scene.stop();
    for value in [CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID, CKR_HOST_MEMORY] {
        faults.fail("C_GenerateKeyPair", Fault::once(value));
        let ran = home.command(&["serve"]);
        assert_eq!(ran.code, 1, "{value:#x}: {ran:?}");
        assert!(ran.stderr.contains("C_GenerateKeyPair"), "{value:#x}: {ran:?}");
    }
    let scene = Scene::serving(home);
    assert_eq!(create(&scene, "SECP256R1").status, 200);
}

/// Two workers died of it: it may be what kills them.
#[test]
fn a_request_that_kills_two_workers_is_not_given_to_a_third() {
    if !Faults::applies("a_request_that_kills_two_workers_is_not_given_to_a_third") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut user = User::new(&scene, "AES256", None);
    let path = "/api/crypto/cipher/encrypt";
    let body = json!({ "msg": b64(b"0123456789abcdef"), "alg": "AES256-GCM" });
    let ask = || user.ask(path, body.clone());
    assert_eq!(ask().status, 200);
    let die = Fault { first: 1, times: u64::MAX, act: Act::Die };
    let (reply, deaths) = faults.during("C_GenerateRandom", die, ask);
    assert_eq!((reply.status, deaths), (409, 2), "{reply:?}");
    until("it works again", LONG, || (ask().status == 200).then_some(()));
    let heads = user.log.heads();
    assert_eq!(heads, ["ENCRYPT OK"; 2].map(|head| format!("CRYPTO_{head}")));
}

#[test]
fn a_dead_token_is_no_reason_to_restart_the_daemon() {
    if !Faults::applies("a_dead_token_is_no_reason_to_restart_the_daemon") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let agreeing = User::new(&scene, "SECP256R1", None);
    let signing = User::new(&scene, "SECP256R1", Some("ExDSA"));
    let sealed = User::new(&scene, "CURVE448", None);
    let cipher = User::new(&scene, "AES256", None);
    let (peer, secret) = agreeing.peer(Curve::Secp256r1);
    let own = b64(&scene.public(&sealed.kid));
    let ask = || {
        [
            agreeing.ask("/api/crypto/ecdh", json!({ "pubkey": peer })),
            signing.ask(
                "/api/crypto/exdsa/sign",
                json!({ "msg": b64(b"m"), "alg": "SHA256WithECDSA" }),
            ),
            sealed.ask("/api/crypto/ecdh", json!({ "pubkey": own })),
            cipher.ask(
                "/api/crypto/cipher/encrypt",
                json!({ "msg": b64(b"0123456789abcdef"), "alg": "AES256-GCM" }),
            ),
            create(&scene, "SECP256R1"),
            create(&scene, "CURVE448"),
        ]
        .map(|reply| reply.status)
    };
    assert_eq!(ask(), [200; 6]);
    scene.user("keymgmt:del");
    let before = settled(&scene);
    faults.fail_all(Fault::for_good(CKR_DEVICE_REMOVED));
    for _ in 0..3 {
        assert_eq!(ask(), [409; 6]);
        assert_eq!(delete(&scene, &agreeing.kid).status, 409);
        let status = scene.client.call("GET", "/api/system/status", None, None).json();
        assert_eq!(status["fls_state"], 0, "{status}");
        assert_eq!(scene.client.get("/api/keymgmt/list", &scene.user("keymgmt:list")).status, 200);
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    faults.lift_all();
    until("the token is back", LONG, || {
        let reply = agreeing.ask("/api/crypto/ecdh", json!({ "pubkey": peer }));
        (reply.status == 200).then(|| assert_eq!(reply.bytes("ecdh"), secret))
    });
    assert_eq!(settled(&scene), before);
    assert_eq!(ask(), [200; 6]);
    assert_eq!(delete(&scene, &agreeing.kid).status, 200);
}

/// SoftHSM cuts its token's file to nothing at each login, before it writes it again.
#[test]
fn a_login_that_was_cut_off_takes_no_key_away() {
    let name = "a_login_that_was_cut_off_takes_no_key_away";
    if !only_on(&SOFTHSM2, name, "another token's files are never cut") {
        return;
    }
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let secret = scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).json();
    let home = scene.stop();
    let folders = std::fs::read_dir(home.at("tokens")).unwrap();
    let file = folders.map(|entry| entry.unwrap().path().join("token.object"));
    let file = file.filter(|path| path.exists()).last().unwrap();
    write(&file, "");
    let scene = Scene::at(home);
    assert_eq!(scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).json(), secret);
    assert!(scene.home.messages().contains("put back"), "{}", scene.home.messages());
}
