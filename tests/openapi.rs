//! The description of the API is valid OpenAPI 3.1, says what the table of routes says, and is there
//! for everybody at any time.

use std::collections::{BTreeMap, BTreeSet};

use clavigerd::openapi::document;
use clavigerd::route::Route;
use clavigerd::routes::routes;
use policies::Door;
use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::{Home, write};
use tests::scene::Scene;

#[test]
fn the_description_is_as_it_was_agreed_on() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/openapi.json");
    let text = format!("{:#}\n", document(&routes()));
    if std::env::var_os("BLESS").is_some() {
        write(golden.as_ref(), &text);
    }
    let agreed = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(
        text == agreed,
        "the description changed: run with BLESS=1 to write tests/golden/openapi.json, and review"
    );
}

#[test]
fn it_is_served_to_everybody_at_any_time() {
    let expected = document(&routes());
    let home = Home::uninitialised();
    let fresh = home.serve();
    let reply = Client::of(&fresh).call("GET", PATH, None, None);
    assert_eq!((reply.status, reply.json()), (200, expected.clone()));
    let scene = Scene::new();
    let mut log = scene.log();
    let reply = scene.client.call("GET", PATH, None, None);
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.json(), expected);
    assert_eq!(scene.client.get(PATH, "garbage").status, 401);
    assert_eq!(log.heads(), [""; 0]);
}

#[test]
fn every_row_is_an_operation_and_nothing_else_is() {
    let document = document(&routes());
    let described: BTreeSet<_> =
        operations(&document).map(|(method, path, _)| (method.to_uppercase(), path)).collect();
    let path = |row: &Route| row.path.replace("{*", "{");
    let rows: BTreeSet<_> =
        routes().iter().map(|row| (row.method.to_string(), path(row))).collect();
    assert_eq!(described, rows);
    for row in routes() {
        let operation = &document["paths"][path(&row)][row.method.as_str().to_lowercase()];
        let security = match row.door {
            Door::Bearer => json!([{ "bearer": [] }]),
            Door::Conditional => json!([{ "bearer": [] }, {}]),
            Door::Open => json!([]),
        };
        assert_eq!(operation["security"], security, "{}", row.path);
        let scopes = if row.door == Door::Open { json!(null) } else { json!(row.scopes) };
        assert_eq!(operation["x-claviger-scopes"], scopes, "{}", row.path);
        let statuses: BTreeSet<_> = row.statuses.iter().map(u16::to_string).collect();
        let answers: BTreeSet<_> =
            operation["responses"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(answers, statuses, "{}", row.path);
        let has_body = ["POST", "PUT"].contains(&row.method.as_str());
        assert_eq!(operation["requestBody"].is_object(), has_body, "{}", row.path);
    }
}

#[test]
fn it_is_well_formed() {
    let document = document(&routes());
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.contains("#/components/schemas/Problem"), "{references:?}");
    for reference in &references {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap().keys();
    for name in schemas {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "{name} is unused");
        assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "{name}: two types of one name");
    }
    let mut ids = BTreeMap::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert_eq!(ids.insert(id, path.clone()), None, "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let in_path: BTreeSet<_> =
            path.split(['{', '}']).skip(1).step_by(2).map(str::to_owned).collect();
        let none = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&none).iter();
        let parameters = parameters.filter(|one| one["in"] == "path");
        let declared: BTreeSet<_> =
            parameters.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(in_path, declared, "{method} {path}");
    }
}

#[test]
fn answers_have_the_shape_that_it_describes() {
    let scene = Scene::new();
    let document = document(&routes());
    let kid = scene.create("SECP256R1", None);
    let paths = [
        ("/api/auth/token", "/api/auth/token", "any"),
        ("/api/system/version", "/api/system/version", "any"),
        ("/api/system/status", "/api/system/status", "any"),
        ("/api/system/checkin", "/api/system/checkin", "any"),
        ("/api/system/config", "/api/system/config", "system:config"),
        ("/api/system/config/attestation", "/api/system/config/attestation", "any"),
        ("/api/system/selftest", "/api/system/selftest", "any"),
        ("/api/keymgmt/list", "/api/keymgmt/list", "keymgmt:list"),
        ("/api/keymgmt/get/{kid}", &format!("/api/keymgmt/get/{kid}"), "keymgmt:get"),
        ("/api/logger/key", "/api/logger/key", "logger:get"),
        ("/api/logger/list", "/api/logger/list", "logger:get"),
    ];
    for (row, path, scope) in paths {
        let reply = scene.client.get(path, &scene.user(scope));
        assert_eq!(reply.status, 200, "{path}");
        let answer = &document["paths"][row]["get"]["responses"]["200"];
        judge(&document, &answer["content"]["application/json"]["schema"], &reply.json(), path);
    }
}

/// Every member is described, none that must be there lacks, and each has its type.
fn judge(document: &Value, schema: &Value, value: &Value, what: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    let kind = match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => "integer",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    };
    assert_eq!(schema["type"], kind, "{what}: {value}");
    for item in value.as_array().into_iter().flatten() {
        judge(document, &schema["items"], item, what);
    }
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        judge(document, &schema["properties"][name], member, &format!("{what}: {name}"));
    }
    for name in schema["required"].as_array().unwrap() {
        assert!(members.contains_key(name.as_str().unwrap()), "{what}: {name} lacks");
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (String, String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.clone(), path.clone(), operation))
    })
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("$ref", Value::String(reference)) => drop(found.insert(reference.clone())),
                    _ => collect_references(member, found),
                }
            }
        }
        _ => {}
    }
}

const PATH: &str = "/openapi.json";
