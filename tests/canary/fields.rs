//! A canary in every field of every request that the API's description has, and in whatever else a
//! request is made of.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};
use tests::client::Reply;
use tests::daemon::USER;
use tests::login;
use tests::scene::Scene;

use crate::needles::{Secret, canary};
use crate::places::Places;
use crate::work::Keys;

/// Sends them, and keeps the refusals; answers how many there were, and the tokens that were used.
pub(crate) fn send(scene: &Scene, keys: &Keys, places: &mut Places) -> (usize, Vec<Secret>) {
    let uses: String = keys.all().iter().map(|kid| format!(" keymgmt:use:{kid}")).collect();
    let token = login::bearer(&scene.client, USER, &format!("{SCOPES}{uses}"));
    let mut told = |to: &str, reply: &Reply| {
        assert!(reply.status < 500, "{to}: {reply:?}");
        if reply.status >= 400 {
            places.answer(to, reply);
        }
    };
    let mut count = 0;
    for (method, path, fields) in operations(scene) {
        let url = path.replace(['{', '}', '*'], "");
        let url = if url == path { path.clone() } else { url.replace("kid", &canary("path-kid")) };
        for body in bodies(&path, &fields, keys) {
            count += body.as_ref().map_or(1, |body| body.as_object().map_or(0, Map::len));
            let reply = scene.client.send(&method, &url, |request| {
                // End-to-end key exchanges look at nothing without it; it is meant for the log.
                let request = request.bearer_auth(&token).header("uuid", "an-installation");
                match &body {
                    Some(body) => request.json(body),
                    None => request,
                }
            });
            told(&url, &reply);
        }
    }
    elsewhere(scene, &token, &mut told);
    (count, vec![Secret::new("the bearer token", token)])
}

/// Method, path and fields of every operation, but for those that end the run.
fn operations(scene: &Scene) -> Vec<(String, String, Vec<String>)> {
    let api = scene.client.call("GET", "/openapi.json", None, None).json();
    let mut all = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if let Some(name) = schema["$ref"].as_str() {
                schema = api.pointer(name.trim_start_matches('#')).unwrap();
            }
            let fields = schema["properties"].as_object().map(|all| all.keys().cloned().collect());
            if !path.ends_with("/reboot") && !path.ends_with("/shutdown") {
                all.push((method.to_uppercase(), path.clone(), fields.unwrap_or_default()));
            }
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// All fields at once as they are and in base64; then for a key that may be used, so that more is looked
/// at, and each field by itself.
fn bodies(path: &str, fields: &[String], keys: &Keys) -> Vec<Option<Value>> {
    if fields.is_empty() {
        return vec![None];
    }
    let text = |field: &String| json!(canary(field));
    // A label is a text everywhere, and this one is good enough to be taken.
    let coded = |field: &String| match field.as_str() {
        "label" => text(field),
        _ => json!(Base64::encode_string(canary(field).as_bytes())),
    };
    let whole = |value: &dyn Fn(&String) -> Value| {
        Value::Object(fields.iter().map(|field| (field.clone(), value(field))).collect())
    };
    let mut all =
        vec![whole(&text), whole(&coded), whole(&|_| json!(7)), whole(&|f| json!([canary(f)]))];
    // A failed login makes the next one wait.
    if path.starts_with("/api/auth") {
        all.truncate(2);
    } else if fields.iter().any(|field| field == "kid") {
        for kid in keys.all() {
            let mut body = whole(&coded);
            body["kid"] = json!(kid);
            for alg in
                [json!("Ed25519ctx"), json!("AES256-GCM"), json!("SHA2-256"), text(&fields[0])]
            {
                if body.get("alg").is_some() {
                    body["alg"] = alg;
                }
                all.push(body.clone());
            }
        }
    } else {
        all.extend(fields.iter().map(|field| json!({ field: text(field) })));
    }
    let mut unknown = whole(&coded);
    unknown[canary("name")] = text(&"value".to_owned());
    all.push(unknown);
    all.into_iter().map(Some).collect()
}

/// Everything of a request that is no field.
fn elsewhere(scene: &Scene, token: &str, told: &mut impl FnMut(&str, &Reply)) {
    let get = |path: &str, value: &str| {
        scene.client.send("GET", path, |request| request.header("Authorization", value))
    };
    let path = "/api/keymgmt/list";
    for value in [
        canary("authorization"),
        format!("Bearer {}", canary("bearer")),
        format!("Bearer {token}{}", "x"),
    ] {
        told("a bad token", &get(path, &value));
    }
    let good = format!("Bearer {token}");
    for path in [
        format!("/{}", canary("nowhere")),
        format!("{path}?{}={}", canary("query"), canary("answer")),
        format!("{path}/{}", canary("offset")),
        format!("/api/logger/{}", canary("logger-id")),
        format!("/api/logger/proof/{}", canary("proof")),
        format!("/api/keymgmt/get/{}", canary("get")),
    ] {
        told(&path.clone(), &get(&path, &good));
    }
    for name in ["User-Agent", "Cookie", "Referer", "X-Request-Id", "X-Forwarded-For", "Origin"] {
        let reply = scene.client.send("GET", path, |request| {
            request.header("Authorization", &good).header(name, canary("header"))
        });
        told(name, &reply);
    }
    let cut = format!("{{\"label\": \"{}\", ", canary("cut"));
    let doubled = format!("{{\"label\": \"{0}\", \"label\": \"{0}\"}}", canary("doubled"));
    for body in [cut, doubled, canary("no-json")] {
        told(
            "no JSON",
            &scene.client.post_bytes("/api/keymgmt/create", Some(token), body.into_bytes()),
        );
    }
    let other = scene.user("keymgmt:list");
    let body = json!({ "label": canary("no-scope"), "type": "AES256" });
    told("another scope", &scene.client.post("/api/keymgmt/create", &other, &body));
}

const SCOPES: &str = "keymgmt:gen keymgmt:list keymgmt:search keymgmt:get keymgmt:imp keymgmt:upd \
    keymgmt:del keymgmt:derive logger:get system:config auth:ext:pair token:new pqc:kem \
    pqc:sign pqc:aes account:manage e2e:exchange e2e:use";
