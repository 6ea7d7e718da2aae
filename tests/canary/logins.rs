//! Logins with a password, and sessions of end-to-end key exchanges: what is secret of them.

use serde_json::{Value, json};
use tests::agreement::Agreed;
use tests::client::Reply;
use tests::e2e::{DATA, Form, Session, ask};
use tests::scene::Scene;

use crate::needles::{Secret, canary};
use crate::places::Places;

/// Logs in to an account in every way, also in vain, and answers what is secret of it.
pub(crate) fn done(scene: &Scene, places: &mut Places) -> Vec<Secret> {
    let password = canary("password-of-an-account");
    let account = json!({ "username": NAME, "scope": "keymgmt:list", "password": password });
    let manage = scene.user("account:manage");
    assert_eq!(scene.client.post("/rest/accounts", &manage, &account).status, 200);
    let mut secrets = vec![Secret::new("a password", password.clone())];
    let agreed = Agreed::with(&scene.client);
    let sealed = agreed.seal(("a domain", NAME), &password);
    let first = log_in(scene, "", &password);
    let second = log_in(scene, &format!("?client_reference_id={}", agreed.reference), &sealed);
    for reply in [&first, &second] {
        secrets.extend(tokens(reply));
    }
    let refresh = json!({ "refresh_token": first.text("refresh_token") });
    let renewed = scene.client.call("POST", "/rest/refresh", None, Some(&refresh));
    secrets.push(Secret::new("an access token", renewed.text("access_token")));
    assert_eq!(scene.client.call("POST", "/rest/logout", None, Some(&refresh)).status, 200);
    // Used up, ended, wrong: what is refused says nothing either.
    let wrong = canary("wrong-password");
    for (path, body, status) in [
        (format!("login?client_reference_id={}", agreed.reference), login(&sealed), 400),
        ("login".to_owned(), login(&wrong), 401),
        ("refresh".to_owned(), refresh.clone(), 400),
        ("logout".to_owned(), refresh, 400),
    ] {
        let reply = scene.client.call("POST", &format!("/rest/{path}"), None, Some(&body));
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        places.answer(&path, &reply);
    }
    secrets.extend([
        Secret::new("a wrong password", wrong),
        Secret::new("a reference", agreed.reference),
        Secret::new("an agreed secret", agreed.secret),
        Secret::new("the key of a login", agreed.key),
        Secret::new("an encrypted password", sealed),
    ]);
    secrets.extend(sessions(scene, &password, places));
    secrets
}

/// A session in each form, payloads that are handed out, one that logs in, one that is refused.
fn sessions(scene: &Scene, password: &str, places: &mut Places) -> Vec<Secret> {
    let token = scene.user("e2e:exchange e2e:use");
    let key = |number: u8| -> [u8; 32] {
        format!("c4naRy-e2e-key-of-32-bytes.{number:05}").into_bytes().try_into().unwrap()
    };
    let iv = *b"an-iv-of-16-byte";
    let forms = [Form::Browser, Form::One(key(1), iv), Form::Two(key(2), iv, key(3))];
    let mut secrets: Vec<_> =
        (1..=3).map(|number| Secret::new(format!("session key {number}"), key(number))).collect();
    for (number, form) in forms.into_iter().enumerate() {
        let mut session = Session::begin(&scene.client, &token, form);
        let data = canary(&format!("payload-{number}"));
        let mut keep = |name: &str, bytes: &str| {
            secrets.push(Secret::new(format!("{name} {number}"), bytes));
        };
        keep("an event", &session.event);
        keep("a payload", &data);
        let stale = session.frame(&format!("c{data}"));
        session.send(&scene.client, &token, &format!("c{data}"), &json!({}));
        keep("the next event", &session.event);
        let more = json!({ "purpose": "login", "username": NAME });
        let reply = session.send(&scene.client, &token, &format!("b{password}"), &more);
        keep("an access token by a payload", &reply.text("access_token"));
        keep("a refresh token by a payload", &reply.text("refresh_token"));
        let body = json!({ "encryptedPayload": stale });
        let refused = ask(&scene.client, "POST", DATA, &token, Some(&body));
        assert_eq!(refused.status, 400, "{refused:?}");
        places.answer("a payload that is used up", &refused);
    }
    secrets
}

fn log_in(scene: &Scene, query: &str, password: &str) -> Reply {
    scene.client.call("POST", &format!("/rest/login{query}"), None, Some(&login(password)))
}

fn login(password: &str) -> Value {
    json!({ "domain": "a domain", "username": NAME, "password": password })
}

fn tokens(reply: &Reply) -> [Secret; 2] {
    ["access_token", "refresh_token"].map(|name| Secret::new(name, reply.text(name)))
}

const NAME: &str = "somebody";
