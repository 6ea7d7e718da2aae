//! What the daemon is asked, again and again, for each deed.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::USER;
use tests::login::bearer;

use crate::deed::Deed;
use crate::subject::Subject;
use crate::trouble::Trouble;
use crate::wire::post;

/// The bytes of a request for `deed`, by a key that is made for it.
pub(crate) fn question(subject: &Subject, deed: Deed) -> Result<Vec<u8>, Trouble> {
    let client = Client::of(&subject.daemon);
    let kid = make_key(&client, deed)?;
    let token = bearer(&client, USER, &format!("keymgmt:use:{kid}"));
    let mut body = json!({ "kid": kid });
    let (path, rest) = match deed {
        Deed::Agree => ("ecdh", json!({ "pubkey": PEER })),
        Deed::Hmac => ("hmac/hash", message(deed)),
        Deed::Ecdsa => ("exdsa/sign", with(message(deed), "alg", "SHA256WithECDSA")),
        Deed::Ed25519 => ("exdsa/sign", with(message(deed), "alg", "Ed25519")),
        Deed::Encrypt => ("cipher/encrypt", with(message(deed), "alg", "AES256-GCM")),
        Deed::MlDsa => ("pqc/mldsa/sign", message(deed)),
        Deed::Decapsulate => {
            let made = client.post("/api/crypto/pqc/mlkem/encaps", &token, &body);
            ("pqc/mlkem/decaps", json!({ "ct": made.text("ct") }))
        }
    };
    for (name, value) in rest.as_object().into_iter().flatten() {
        body[name.as_str()] = value.clone();
    }
    Ok(post(&subject.place, &format!("/api/crypto/{path}"), &token, &body.to_string()))
}

fn make_key(client: &Client, deed: Deed) -> Result<String, Trouble> {
    let mut body = json!({ "label": format!("for {}", deed.name()), "type": deed.kind().name() });
    match deed {
        Deed::Agree => body["mode"] = Value::from("ECDH"),
        Deed::Ecdsa => body["mode"] = Value::from("ExDSA"),
        _ => {}
    }
    let made = client.post("/api/keymgmt/create", &bearer(client, USER, "keymgmt:gen"), &body);
    match made.status {
        200 => Ok(made.text("kid")),
        _ => Err(format!("a key for {} can't be made: {made:?}", deed.title()).into()),
    }
}

fn message(deed: Deed) -> Value {
    json!({ "msg": Base64::encode_string(&deed.message()) })
}

fn with(mut body: Value, name: &str, value: &str) -> Value {
    body[name] = Value::from(value);
    body
}

/// The generator of P-256, uncompressed: what a client has at hand.
const PEER: &str =
    "BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=";
