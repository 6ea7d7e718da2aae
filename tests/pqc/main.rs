//! The post-quantum API (docs/pqc.md).

mod keys;
mod refusals;
mod tickets;

use serde_json::Value;
use tests::scene::Scene;
use tests::{programs, python};

#[test]
fn a_client_from_the_description_alone_gets_what_openssl_says() {
    let scene = Scene::new();
    let (ready, all) = (scene.daemon.ready(), scene.user(ALL));
    let mut client = python::client("pqc");
    client.arg(&ready.url).arg(&ready.ca_file).args([all, scene.external("pqc:kem")]);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let counts: Value = serde_json::from_str(&ran.stdout).unwrap();
    println!("{counts:#}");
    for (what, times) in [
        ("verification signature, by OpenSSL", 6),
        ("encapsulation by OpenSSL, opened here", 4),
        ("encapsulation here, opened by OpenSSL", 2),
        ("ML-DSA-44 signature, verified by OpenSSL", 3),
        ("ML-DSA-65 signature, verified by OpenSSL", 3),
        ("ML-DSA-87 signature, verified by OpenSSL", 3),
        ("AES by the API, opened by OpenSSL", 4),
        ("AES by OpenSSL, opened by the API", 4),
        ("undecipherable, one answer", 6),
        ("somebody else's key, refused", 6),
        ("malformed, 422", 20),
    ] {
        assert_eq!(counts[what], times, "{what}");
    }
}

/// All that the post-quantum API asks for.
pub(crate) const ALL: &str = "token:new pqc:kem pqc:sign pqc:aes";
