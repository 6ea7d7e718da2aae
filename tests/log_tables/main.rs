//! The tables of log entries that the HEM API's description has: every row leaves the entries that
//! stand there, no more and no less, and every type of entry stands in a row.

mod device;
mod keys;
mod trouble;
mod walk;

use std::collections::BTreeSet;

use audit::LogType;
use clavigerd::route::Route;
use clavigerd::routes::routes;
use serde_json::json;
use tests::authenticator::public;
use tests::backend::{Backend, LATER};
use tests::client::Client;
use tests::daemon::{Home, MASTER, USER};
use tests::log::{Entry, entries, files};
use tests::login::{self, Challenge};
use tests::scene::Scene;
use x25519_dalek::StaticSecret;

use crate::device::{GUARDS, LOGGER, LOGINS, START, SYSTEM, UNSERVED, life};
use crate::keys::{CRYPTO, KEYS};
use crate::trouble::{DAMAGED, STUCK, UNREADABLE};
use crate::walk::{Row, Walk, send};

#[test]
fn every_row_leaves_its_entries_and_no_others() {
    let first = Scene::new();
    let scene = Scene::at(first.stop());
    let mut walk = Walk::new(&scene);
    know_files(&mut walk);
    know_keys(&mut walk);
    for row in [KEYS, CRYPTO, SYSTEM, LOGGER].into_iter().flatten() {
        walk.take(row);
    }
    missing_scopes_and_roles_are_entered(&mut walk);
    refusals_at_the_door_are_not(&mut walk);
    for row in LOGINS {
        walk.take(row);
    }
    walk.settle();
}

#[test]
fn the_life_of_a_device_is_entered() {
    let backend = Backend::new();
    let home = Home::uninitialised();
    backend.configure(&home, true);
    let mut scene = Scene::serving(home);
    assert_eq!(start_of(&scene, 1), START);
    let mut walk = Walk::new(&scene);
    life::TIMELESS.iter().for_each(|row| walk.take(row));
    walk.know("checked", backend.words(&scene.client, "OK"));
    walk.take(&life::CHECKED_IN);
    life::FRESH.iter().for_each(|row| walk.take(row));
    nothing_is_entered_for(&mut walk, 409, |route| !route.always);
    walk.know("init", initialisation(&scene.client));
    walk.take(&life::INITIALISED);
    nothing_is_entered_for(&mut walk, 412, |_| true);

    walk.know("checked", backend.words(&scene.client, "L"));
    walk.take(&life::LOCKED);
    nothing_is_entered_for(&mut walk, 409, |route| !route.in_failure);
    walk.take(&life::REBOOTED);
    scene.serves_again(3);
    assert_eq!(start_of(&scene, 2), START);
    walk.reopen();
    walk.know("checked", backend.words(&scene.client, "OK"));
    walk.take(&life::CHECKED_IN);
    let login = Challenge::ask(&scene.client).answer(MASTER, "system:shutdown", LATER + 3600);
    walk.know("token", login.send(&scene.client).text("token"));
    walk.take(&life::SHUT_DOWN);
    walk.settle();
    scene.daemon.wait();
    let last: Vec<_> =
        entries(&files(&scene.home.at("audit"))[2]).iter().map(Entry::head).collect();
    assert_eq!(last.iter().filter(|head| *head == "SHUTDOWN OK").count(), 1, "{last:?}");
    assert_eq!(last.last().unwrap(), "SHUTDOWN OK", "nothing follows it");
}

#[test]
fn every_type_of_entry_that_an_endpoint_leaves_stands_in_a_row() {
    let rows = || tables().into_iter().flat_map(|row| row.kinds());
    let mut told: BTreeSet<_> = rows().collect();
    told.extend(START.iter().filter_map(|head| head.split(' ').next()));
    told.insert("FAILED_SCOPE_CHECK");
    let unserved: BTreeSet<_> = UNSERVED.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(told.intersection(&unserved).count(), 0, "{told:?}");
    let documented = LogType::ALL.iter().filter(|kind| kind.code() < 128);
    let documented: BTreeSet<_> =
        documented.map(|kind| kind.name().trim_start_matches("LOG_TYPE_")).collect();
    assert_eq!(told.union(&unserved).copied().collect::<BTreeSet<_>>(), documented);
}

#[test]
fn every_route_stands_in_the_tables() {
    let calls = || tables().into_iter().filter(|row| row.status == 200).map(|row| row.call);
    for route in hem() {
        let at = |call: &str| {
            let (method, path) = call.split_once(' ').unwrap();
            method == route.method.as_str() && is_at(&route, path)
        };
        // The one way that leads back to a fresh device alone.
        let closed = route.path == "/api/system/config/provisioning";
        assert!(closed || calls().any(at), "{} {}: no row has its 200", route.method, route.path);
        let guarded = !route.scopes.is_empty();
        let guard = GUARDS.iter().any(|guard| at(guard.call));
        assert_eq!(guard, guarded, "{} {}: who may not?", route.method, route.path);
    }
}

/// The routes of the HEM API; what the others leave is in the tests of each.
fn hem() -> impl Iterator<Item = Route> {
    routes().into_iter().filter(|route| route.surface.name() == "hem")
}

/// Every row of every table.
fn tables() -> Vec<&'static Row> {
    let tables = [KEYS, CRYPTO, SYSTEM, LOGGER, LOGINS, life::TIMELESS, life::FRESH];
    let broken = [DAMAGED, STUCK, UNREADABLE];
    let single =
        [&life::CHECKED_IN, &life::INITIALISED, &life::LOCKED, &life::REBOOTED, &life::SHUT_DOWN];
    tables.into_iter().chain(broken).flatten().chain(single).collect()
}

/// Whether a path of a table is one of this route's; other rows have what is fixed in it.
fn is_at(route: &Route, path: &str) -> bool {
    let (fixed, path): (Vec<_>, Vec<_>) =
        (route.path.split('/').collect(), path.split('/').collect());
    let fits = |(fixed, given): (&&str, &&str)| {
        fixed == given
            || fixed.starts_with('{') && !["list", "key", "checkpoint", "entries"].contains(given)
    };
    let rest = route.path.contains("{*") && path.len() >= fixed.len();
    (fixed.len() == path.len() || rest) && fixed.iter().zip(&path).all(fits)
}

fn know_files(walk: &mut Walk<'_>) {
    let files = files(&walk.scene.home.at("audit"));
    for (name, file) in ["old-file", "this-file"].into_iter().zip(&files) {
        walk.know(name, file.file_stem().unwrap().to_str().unwrap());
    }
}

fn know_keys(walk: &mut Walk<'_>) {
    let scene = walk.scene;
    for (name, kind, mode) in [
        ("aes", "AES256", None),
        ("dsa", "MLDSA44", None),
        ("ec", "SECP256R1", Some("ECDH,ExDSA")),
        ("kem", "MLKEM512", None),
        ("mac-key", "SHA2-256", None),
    ] {
        walk.know(name, scene.create(kind, mode));
    }
    walk.know("absent", "0".repeat(32));
    walk.know("long", "QUFB".repeat(23));
    walk.know("pairing", format!("RVhUQUlE{}", "QUFB".repeat(10)));
    walk.know("public", public(&StaticSecret::from([3; 32])));
    // The one that the scene pairs at its first use.
    scene.external("logger:get");
    let search = json!({ "descr": "^RVhUQUlE" });
    let found = scene.client.post("/api/keymgmt/search", &scene.user("keymgmt:list"), &search);
    walk.know("phone", found.json()["list"][0]["kid"].as_str().unwrap());
    walk.reopen();
}

/// 403, each with its entry.
fn missing_scopes_and_roles_are_entered(walk: &mut Walk<'_>) {
    const BODY: &str = r#"{"kid":"<ec>","descr":"^QUFBQUFB"}"#;
    for guard in GUARDS {
        let log = |subject: &str| format!("FAILED_SCOPE_CHECK FAILED {subject} {}", guard.needs);
        let callers = guard.refused.iter().map(|role| (*role, guard.needs));
        for (role, scope) in [("user", "some:other")].into_iter().chain(callers) {
            let subject = if role == "phone" { "<phone>" } else { role };
            walk.refused(guard.call, &format!("{role} {scope}"), BODY, &log(subject));
        }
    }
}

/// 401, 411, 413 and 418 leave nothing.
fn refusals_at_the_door_are_not(walk: &mut Walk<'_>) {
    let (client, plain) = (walk.scene.client.clone(), Client::plain(&walk.scene.daemon));
    let mut nothing = |client: &Client, route: &Route, token: Option<&str>, body: &str, status| {
        let call = sample(route);
        let body = body.as_bytes().to_vec();
        walk.see(&call, status, "", || send(client, &call, token, body));
    };
    for route in hem() {
        nothing(&client, &route, Some("garbage"), "{}", 401);
        nothing(&plain, &route, None, "{}", 418);
        if route.door == policies::Door::Bearer {
            nothing(&client, &route, None, "{}", 401);
        }
        if route.method == "POST" {
            nothing(&client, &route, None, "", 411);
            nothing(&client, &route, None, &"x".repeat(route.body_limit + 1), 413);
        }
    }
}

/// This status, for all these routes; 412 is for a page of another origin.
fn nothing_is_entered_for(walk: &mut Walk<'_>, status: u16, which: impl Fn(&Route) -> bool) {
    let client = walk.scene.client.clone();
    for route in hem().filter(which) {
        let call = sample(&route);
        let (method, path) = call.split_once(' ').unwrap();
        walk.see(&call, status, "", || {
            client.send(method, path, |request| {
                let request = match status {
                    412 => request.header("Origin", "https://a.example"),
                    _ => request,
                };
                match method {
                    "POST" => request.header("Content-Type", "application/json").body("{}"),
                    _ => request,
                }
            })
        });
    }
}

/// A request for this route; what its path leaves open is filled.
fn sample(route: &Route) -> String {
    let zero = "0".repeat(32);
    let filled: Vec<_> = route
        .path
        .split('/')
        .map(|part| match part {
            "{kid}" => &zero,
            open if open.starts_with('{') => "0",
            fixed => fixed,
        })
        .collect();
    format!("{} {}", route.method, filled.join("/"))
}

/// The heads of the file with this number, as far as a start writes them.
fn start_of(scene: &Scene, file: usize) -> Vec<String> {
    entries(&files(&scene.home.at("audit"))[file]).iter().map(Entry::head).collect()
}

fn initialisation(client: &Client) -> String {
    let challenge = Challenge::from(&client.call("GET", "/api/auth/init", None, None));
    let mut init = challenge.answer(MASTER, "", challenge.exp);
    init.claims["cfg"] = login::new_settings(USER, &challenge.eid, "https://b.example");
    init.sign()
}
