//! The matrix of scopes and endpoints in `docs/scopes.md` is what the table of routes says, and what
//! the daemon does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use clavigerd::route::Route;
use clavigerd::routes::routes;
use policies::Door;
use serde_json::json;
use tests::daemon::write;
use tests::scene::Scene;

#[test]
fn the_matrix_is_the_table_of_routes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scopes.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for route in routes() {
        rows.entry(route.surface.name()).or_default().push(described(&route));
    }
    let text = match std::env::var_os("BLESS") {
        None => text,
        Some(_) => {
            let text = written(&text, &rows);
            write(&file, &text);
            text
        }
    };
    for (surface, rows) in rows {
        let part = text.split("\n## ").find(|part| part.starts_with(&format!("`{surface}`")));
        let part = part.unwrap_or_else(|| panic!("docs/scopes.md has no part for {surface}"));
        let found: Vec<_> = part.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(found, rows, "{surface}: run with BLESS=1 to write docs/scopes.md, and review");
    }
}

#[test]
fn a_scope_opens_what_the_matrix_says_and_nothing_else() {
    let home = Scene::new().stop();
    home.configure("anonymous = true", "anonymous = false");
    let scene = Scene::serving(home);
    let kid = scene.create("SECP256R1", None);
    let routes: Vec<_> = routes().into_iter().filter(|row| !row.scopes.is_empty()).collect();
    let scopes: BTreeSet<_> = routes.iter().flat_map(|row| row.scopes).collect();
    let filled = |scope: &str| scope.replace("<KID>", &kid);
    // Logins are held back, at the same time.
    thread::scope(|threads| {
        for scope in &scopes {
            threads.spawn(|| scene.user(&filled(scope)));
        }
    });
    let body = json!({ "kid": kid });
    for route in &routes {
        for scope in &scopes {
            let opens = route.scopes.contains(scope);
            if opens && ENDS_THE_RUN.contains(&route.path) {
                continue;
            }
            let path = filled_path(route, &kid);
            let body = (route.method == "POST").then_some(&body);
            let token = scene.user(&filled(scope));
            let status = scene.client.call(route.method.as_str(), &path, Some(&token), body).status;
            assert_eq!(status != 403, opens, "{} {path} with {scope}: {status}", route.method);
        }
    }
}

/// A line of the matrix.
fn described(route: &Route) -> String {
    let scopes: Vec<_> = route.scopes.iter().map(|scope| format!("`{scope}`")).collect();
    let scopes = match route.door {
        Door::Open => "none".to_owned(),
        _ if scopes.is_empty() => "any token".to_owned(),
        _ => scopes.join(" or "),
    };
    let door = match route.door {
        Door::Conditional => "; or as the request allows",
        Door::Bearer | Door::Open => "",
    };
    let roles = [
        (route.roles.user, "U"),
        (route.roles.master, "M"),
        (route.roles.external, "Ext"),
        (route.roles.account, "Acc"),
    ];
    let roles: Vec<_> = roles.into_iter().filter_map(|(may, role)| may.then_some(role)).collect();
    let roles = if route.door == Door::Open { "anyone".to_owned() } else { roles.join(" ") };
    format!("| `{} {}` | {scopes}{door} | {roles} |", route.method, route.path)
}

/// The document with these rows in the parts of their surfaces.
fn written(text: &str, rows: &BTreeMap<&str, Vec<String>>) -> String {
    let mut parts = text.split("\n## ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let surface = part.split('`').nth(1).unwrap_or_default();
        let lines = part.lines().filter(|line| !line.starts_with("| `"));
        let kept: Vec<_> = lines.map(str::to_owned).collect();
        let head = kept.iter().position(|line| line.starts_with("|---"));
        let (before, after) = kept.split_at(head.map_or(kept.len(), |head| head + 1));
        let own = rows.get(surface).map_or(&[][..], Vec::as_slice);
        whole.push_str("\n## ");
        whole.push_str(&[before, own, after].concat().join("\n"));
        whole.push('\n');
    }
    format!("{}\n", whole.trim_end())
}

fn filled_path(route: &Route, kid: &str) -> String {
    let path = route.path.replace("{*number}", "0");
    // Not the key of the test: it is used up to the end.
    let path = match route.method == "DELETE" {
        true => path.replace("{kid}", &"0".repeat(32)),
        false => path.replace("{kid}", kid),
    };
    let open = |part: &str| if part.starts_with('{') { "0".to_owned() } else { part.to_owned() };
    let path = path.split('/').map(open).collect::<Vec<_>>().join("/");
    // Without a token there is a page for anybody.
    if path == "/Service" { format!("{path}?token=0") } else { path }
}

/// With the right scope these do what they say.
const ENDS_THE_RUN: [&str; 2] = ["/api/system/reboot", "/api/system/shutdown"];
