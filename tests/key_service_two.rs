//! A message for a key that was made here takes two things to be read: the token, and the passphrase.
//! Here somebody tries with one of them and the whole state file, and then with both.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::daemon::Home;
use tests::scene::Scene;
use tests::token::Token;
use tests::{programs, python};

#[test]
fn neither_the_passphrase_nor_the_token_reads_alone() {
    let scene = Scene::new();
    let send = |method: &str, form: String| {
        scene.client.send(method, "/Service", |request| {
            request.header("Content-Type", "application/x-www-form-urlencoded").body(form)
        })
    };
    let key = send("POST", format!("passphrase={PASSPHRASE}")).json();
    let token = key["KeyToken"].as_str().unwrap().to_owned();
    assert_eq!(send("PUT", format!("token={token}&message={MESSAGE}")).status, 200);
    let home = scene.stop();
    nothing_is_in_the_files(&home);

    // The state file and the passphrase: what is inside is still wrapped.
    let mut thief = python::client("key_service_two");
    let ran = programs::run(thief.arg(home.at("state.db")).args([&token, PASSPHRASE]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();

    // The state file and the token: no part of the layer is something that it unwraps.
    let layer = found["layer"].as_str().unwrap();
    for wrapped in [layer, &layer[2 * 37..], &layer[2 * 37..layer.len() - 32]] {
        let told = by_token(&home, &found, wrapped);
        assert!(told["failed"].as_str().is_some() && told["secret"].is_null(), "{told}");
    }

    // Both: it is the message.
    let told = by_token(&home, &found, found["inner"].as_str().unwrap());
    let secret = bytes(told["secret"].as_str().unwrap_or_else(|| panic!("{told}")));
    assert_eq!(opened(found["message"].as_str().unwrap(), &secret), MESSAGE.as_bytes());
    let left: Vec<_> = Token::of(&home).list();
    let labels: Vec<_> = left.iter().map(|object| object.label.as_str()).collect();
    assert!(!labels.contains(&"claviger once"), "nothing of the key is in the token: {labels:?}");
    let wrapping = left.iter().find(|object| object.label == "claviger-system:mailbox").unwrap();
    assert_eq!((wrapping.sensitive, wrapping.extractable), (Some(true), Some(false)));
}

fn by_token(home: &Home, found: &Value, wrapped: &str) -> Value {
    let asked = json!({
        "modulus": found["modulus"], "block": found["block"], "wrapped": wrapped,
    });
    serde_json::from_str(&Token::of(home).open_mailbox(&asked.to_string())).unwrap()
}

/// What is under AES-256-GCM, as docs/key-service.md has it.
fn opened(message: &str, secret: &[u8]) -> Vec<u8> {
    let sealed = Base64::decode_vec(message).unwrap();
    let (nonce, text) = sealed.split_first_chunk().unwrap();
    let mut text = text.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).unwrap());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    key.open_in_place(nonce, Aad::from(b"claviger1:text"), &mut text).unwrap().to_vec()
}

/// Neither the passphrase nor the message is in any file of the folder, the token's included.
fn nothing_is_in_the_files(home: &Home) {
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            for canary in [PASSPHRASE, MESSAGE] {
                let found = bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
                assert!(!found, "{canary} is in {}", path.display());
            }
        }
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    (0..digits.len() / 2).map(pair).collect()
}

const PASSPHRASE: &str = "canary-in-the-passphrase";
const MESSAGE: &str = "canary-in-the-message";
