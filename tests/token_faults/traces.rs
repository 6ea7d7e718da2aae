//! What a key's making and destruction leave behind.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::client::Reply;
use tests::log::LogReader;
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::token::Token;

/// Asks for a key of this type.
pub(crate) fn create(scene: &Scene, kind: &str) -> Reply {
    let body = json!({ "label": "a key", "type": kind });
    scene.client.post("/api/keymgmt/create", &scene.user("keymgmt:gen"), &body)
}

/// Asks for the end of the key `kid`.
pub(crate) fn delete(scene: &Scene, kid: &str) -> Reply {
    let path = format!("/api/keymgmt/delete/{kid}");
    scene.client.call("DELETE", &path, Some(&scene.user("keymgmt:del")), None)
}

/// Waits until every key that is listed is in the token, and nothing else. Answers the keys.
pub(crate) fn settled(scene: &Scene) -> BTreeSet<String> {
    let mut last = (BTreeSet::new(), BTreeSet::new());
    until("the token holds what is listed", LONG, || {
        let seen = (listed(scene), in_the_token(scene));
        if seen != last && seen.0 != seen.1 {
            let differing: Vec<_> = seen.0.symmetric_difference(&seen.1).collect();
            eprintln!("listed, or in the token, but not both: {differing:?}");
        }
        last = seen;
        (last.0 == last.1).then(|| last.0.clone())
    })
}

/// Waits until there are entries of this type, and answers their results.
pub(crate) fn results(log: &mut LogReader, kind: &str) -> Vec<String> {
    until("its end is entered", LONG, || {
        let entries = log.news().into_iter().filter(|entry| entry.kind == kind);
        let results: Vec<_> = entries.map(|entry| entry.result).collect();
        (!results.is_empty()).then_some(results)
    })
}

/// The keys that should have an object. SoftHSM has no X448, so keys of it are sealed.
fn listed(scene: &Scene) -> BTreeSet<String> {
    let token = scene.user("keymgmt:list");
    let mut keys: Vec<Value> = Vec::new();
    loop {
        let path = format!("/api/keymgmt/list/{}", keys.len());
        let page = scene.client.get(&path, &token).json();
        keys.extend(page["list"].as_array().unwrap().iter().cloned());
        if page["listed"] == 0 || page["total"] == json!(keys.len()) {
            break;
        }
    }
    let resident = keys.iter().filter(|key| !key["type"].as_str().unwrap().contains("CURVE448"));
    resident.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The names of the objects that were made for callers, whatever their class.
fn in_the_token(scene: &Scene) -> BTreeSet<String> {
    let objects = Token::of(&scene.home).list().into_iter();
    let ours = objects.filter(|object| object.label.starts_with("claviger:"));
    ours.map(|object| object.id.iter().map(|byte| format!("{byte:02x}")).collect()).collect()
}
