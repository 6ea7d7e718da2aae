//! The page that describes the API to people: whole, to everybody, and closed to everything else.

use base64ct::{Base64, Encoding};
use clavigerd::openapi::document;
use clavigerd::routes::routes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tests::client::{Client, Reply};
use tests::daemon::Home;
use tests::scene::Scene;

const PATH: &str = "/docs";

fn page(reply: &Reply) -> String {
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    String::from_utf8(reply.body.clone()).unwrap()
}

#[test]
fn it_is_served_to_everybody_at_any_time() {
    let home = Home::uninitialised();
    let fresh = home.serve();
    let of_fresh = page(&Client::of(&fresh).call("GET", PATH, None, None));
    let scene = Scene::new();
    let mut log = scene.log();
    assert_eq!(page(&scene.client.call("GET", PATH, None, None)), of_fresh);
    assert_eq!(scene.client.get(PATH, "garbage").status, 401);
    assert_eq!(log.heads(), [""; 0]);
}

#[test]
fn it_tells_what_the_document_tells() {
    let scene = Scene::new();
    let html = page(&scene.client.call("GET", PATH, None, None));
    let document = document(&routes());
    let plain = html.replace("<code>", "").replace("</code>", "");
    let has = |text: &str| {
        let text = text.replace('`', "");
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let text = text.replace('"', "&quot;").replace('\'', "&#39;");
        assert!(plain.contains(&text), "no {text:?} on the page");
    };
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let card = html.split(&format!("<details id=\"{id}\">")).nth(1).unwrap();
            let card = card.split("</details>").next().unwrap();
            assert!(card.contains(&format!("<code>{path}</code>")), "{method} {path}");
            for status in operation["responses"].as_object().unwrap().keys() {
                assert!(card.contains(&format!(">{status}</b>")), "{method} {path}: {status}");
            }
            let listed = |name: &str| operation[name].as_array().cloned().unwrap_or_default();
            for scope in listed("x-claviger-scopes") {
                let scope = scope.as_str().unwrap().replace('<', "&lt;").replace('>', "&gt;");
                assert!(card.contains(&scope), "{method} {path}: {scope}");
            }
            assert!(card.contains("curl --cacert"), "{method} {path}");
            has(operation["summary"].as_str().unwrap());
        }
    }
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        for member in schema["properties"].as_object().into_iter().flatten() {
            if let Value::String(about) = &member.1["description"] {
                has(about);
            }
        }
    }
    has("application/problem+json");
}

#[test]
fn it_loads_and_runs_nothing() {
    let scene = Scene::new();
    let reply = scene.client.call("GET", PATH, None, None);
    let html = page(&reply);
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = Base64::encode_string(&Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    assert_eq!(reply.header("content-security-policy"), policy);
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(html.matches("<style").count(), 1);
    for forbidden in ["<script", " src=", "<link", "<img", "<iframe", " style=", "javascript:"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    // Inside a tag nothing begins with "on": those would be event handlers.
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        assert!(!tag.contains(" on"), "{tag}");
    }
    for link in html.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let inside = link.strip_prefix('#').map(|id| html.contains(&format!(" id=\"{id}\"")));
        assert!(inside == Some(true) || link == "/openapi.json", "{link}");
    }
}
