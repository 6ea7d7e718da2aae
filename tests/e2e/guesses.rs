//! Failures that may be guesses at what is inside a ciphertext are counted (docs/e2e.md).

use serde_json::json;
use tests::client::Client;
use tests::e2e::{DATA, Form, KEY, Session, ask};
use tests::scene::Scene;

use crate::{ALL, code};

#[test]
fn whoever_is_wrong_too_often_is_stopped_and_told_of_in_the_log() {
    let home = Scene::new().stop();
    home.configure("[e2e]\n", "[e2e]\nfailures = 6\nfailures_per_minute = 1\n");
    let scene = Scene::serving(home);
    let (exchange, open) = (scene.user("e2e:exchange"), scene.user("e2e:use"));
    let one = Client::from(&scene.daemon, "127.0.0.2");
    let session = Session::begin(&one, &scene.user(ALL), Form::Browser);
    let mut log = scene.log();
    // Of version 1, of version 2, of a browser; what anybody can see to be wrong does not count.
    let mut told = Vec::new();
    let refused = loop {
        let (path, token, body) = [
            (KEY, &exchange, json!({ "encryptedKey": "01".repeat(272), "checkDigit": "000000" })),
            (DATA, &open, json!({ "encryptedPayload": "01".repeat(256) })),
            (
                "/security/e2e/key",
                &exchange,
                json!({
                    "algorithm": "AES", "encryptedPayload": "1", "encKeyCheckDigit": "000000",
                    "hmacKeyCheckDigit": "000000",
                }),
            ),
        ][told.len() % 3]
            .clone();
        let visible = json!({ "encryptedKey": "01", "checkDigit": "000000" });
        assert_eq!(code(&ask(&one, "POST", KEY, &exchange, Some(&visible))), "cannotDecryptKey");
        let reply = ask(&one, "POST", path, token, Some(&body));
        if reply.status == 429 {
            break reply;
        }
        told.push((reply.status, code(&reply)));
        // One comes back in a minute.
        assert!(told.len() < 20, "{told:?}");
    };
    assert!(told.len() >= 6, "{told:?}");
    for (at, (status, code)) in told.iter().enumerate() {
        let expected = ["chkDigitNotMatch", "invalidRequest", "chkDigitNotMatch"][at % 3];
        assert_eq!((*status, code.as_str()), (400, expected), "{told:?}");
    }
    assert_eq!(code(&refused), "businessValidationFailed");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let entry = log.news().pop().unwrap();
    assert_eq!((entry.head().as_str(), entry.subject.as_str()), ("GUESSING FAILED", "user"));
    assert_eq!(entry.ext, "e2e caller 127.0.0.2 an-installation a-client");
    others_go_on(&scene, &session);
}

/// The caller is stopped wherever he is, with good frames too, and without another alarm; others at his
/// address are not.
fn others_go_on(scene: &Scene, session: &Session) {
    let mut log = scene.log();
    let token = scene.user("e2e:exchange");
    let body = json!({ "encryptedKey": "01".repeat(272), "checkDigit": "000000" });
    assert_eq!(ask(&scene.client, "POST", KEY, &token, Some(&body)).status, 429);
    assert_eq!(log.heads(), ["E2E_KEY_STORED FAILED"]);
    let good = json!({ "encryptedPayload": session.frame("b1") });
    assert_eq!(ask(&scene.client, "POST", DATA, &scene.user(ALL), Some(&good)).status, 429);
    log.news();
    let other = scene.external("e2e:exchange");
    let one = Client::from(&scene.daemon, "127.0.0.2");
    assert_eq!(code(&ask(&one, "POST", KEY, &other, Some(&body))), "chkDigitNotMatch");
}
