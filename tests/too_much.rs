//! Bodies that are longer, deeper or denser than they may be, on every API that takes bodies.

use clavigerd::route::Route;
use clavigerd::routes::routes;
use tests::scene::Scene;
use tests::wire::over_tls;

#[test]
fn none_of_it_is_believed_and_memory_stays_flat() {
    let scene = Scene::new();
    let token = scene.user(SCOPES);
    let head = |route: &Route, media_type: &str, length: u64| {
        format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {media_type}\r\nContent-Length: {length}\r\n",
            route.method, route.path,
        )
    };
    let before = scene.daemon.peak();
    let mut apis = std::collections::BTreeSet::new();
    for route in routes().into_iter().filter(takes_a_body) {
        let ask = |media_type: &str, more: &str, body: &[u8]| {
            let head = head(&route, media_type, u64::try_from(body.len()).unwrap());
            let request = [head.as_bytes(), more.as_bytes(), b"\r\n", body].concat();
            over_tls(&scene.daemon, &request).status()
        };
        let what = format!("{} {}", route.method, route.path);
        let endless = format!("{}\r\n{{\"", head(&route, "application/json", 10 << 30));
        assert_eq!(over_tls(&scene.daemon, endless.as_bytes()).status(), 413, "{what}, 10 GiB");
        let room = route.body_limit.min(60_000) - 20;
        for (what_of_it, media_type, more, body) in [
            ("nested lists", "application/json", "", "[".repeat(room)),
            ("nested objects", "application/json", "", "{\"a\":".repeat(room / 5)),
            ("nested in a member", "application/json", "", deep_member(room)),
            ("entities", "application/xml", "", ENTITIES.to_owned()),
            ("compressed", "application/json", "Content-Encoding: gzip\r\n", "\x1f\u{8}".repeat(9)),
        ] {
            let status = ask(media_type, more, body.as_bytes());
            let fits = (400..500).contains(&status) || (status == 200 && ignores(&route, &body));
            assert!(fits, "{what}, {what_of_it}: {status}");
        }
        apis.insert(route.surface.name());
    }
    assert_eq!(apis.len(), 5, "{apis:?}");
    let grown = scene.daemon.peak() - before;
    println!("{grown} KiB more than before");
    assert!(grown < 32 << 10, "{grown} KiB");
}

/// Those of the HEM API are read in the same way: two stand for them.
fn takes_a_body(route: &Route) -> bool {
    let stands = ["/api/crypto/ecdh", "/api/keymgmt/create"].contains(&route.path);
    (route.method == "POST" || route.method == "PUT") && (stands || route.surface.name() != "hem")
}

/// Members that a request does not know are passed over, however deep they are.
fn ignores(route: &Route, body: &str) -> bool {
    let needs_none = ["/generate_keys", "/token/new"].iter().any(|end| route.path.ends_with(end));
    needs_none && body.starts_with("{\"unknown\"")
}

fn deep_member(room: usize) -> String {
    let depth = room / 2 - 20;
    format!("{{\"unknown\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
}

const ENTITIES: &str = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\">\
    <!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]><l>&b;&c;</l>";
const SCOPES: &str = "token:new pqc:kem pqc:sign pqc:aes e2e:exchange keymgmt:gen";
