//! `POST /api/crypto/ecdh`: every status and every log entry of its description (hem.md A10).

use std::collections::HashSet;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_384, Sha3_512};
use tests::client::{Client, Reply};
use tests::curves::{Curve, SoftKey};
use tests::daemon::Home;
use tests::log::LogReader;
use tests::login;
use tests::scene::Scene;
use tests::token::Token;
use tests::wire::over_tls;

#[test]
fn secrets_are_right_on_every_curve_and_under_every_hash() {
    let scene = Scene::new();
    for curve in Curve::ALL {
        let kid = scene.create(curve.name(), None);
        let public = scene.public(&kid);
        let own = SoftKey::random(curve);
        let expected = own.agree(&public);
        assert_eq!(expected.len(), curve.length());
        for peer in [own.public(), own.public_uncompressed()] {
            for text in [Base64::encode_string(&peer), Base64UrlUnpadded::encode_string(&peer)] {
                let reply = scene.ecdh(&kid, &json!({ "kid": kid, "pubkey": text }));
                assert_eq!(reply.bytes("ecdh"), expected, "{curve:?}");
            }
        }
        let peer = Base64::encode_string(&own.public());
        for (name, digest) in digests(&expected) {
            let body = json!({ "kid": kid, "pubkey": peer, "alg": name });
            assert_eq!(scene.ecdh(&kid, &body).bytes("ecdh"), digest, "{curve:?} {name}");
        }
        let capital = json!({ "kid": kid.to_uppercase(), "pubkey": peer, "more": [1] });
        assert_eq!(scene.ecdh(&kid, &capital).bytes("ecdh"), expected, "{curve:?}");
    }
    let objects = Token::of(&scene.stop()).list();
    let closed = |class: &str| matches!(class, "private" | "secret");
    let closed: Vec<_> = objects.iter().filter(|object| closed(&object.class)).collect();
    assert!(closed.len() >= Curve::ALL.len(), "{objects:?}");
    for object in closed {
        assert_eq!(object.sensitive, Some(true), "{object:?}");
        assert_eq!(object.extractable, Some(false), "{object:?}");
    }
}

#[test]
fn stored_peers_win_over_given_ones() {
    let scene = Scene::new();
    let (ours, theirs) = (scene.create("SECP256R1", None), scene.create("SECP256R1", None));
    let other = SoftKey::random(Curve::Secp256r1);
    let other_text = Base64::encode_string(&other.public());
    let by_kid = |ext: &str| json!({ "kid": ours, "ext_kid": ext, "pubkey": other_text });
    let expected = {
        let public = Base64::encode_string(&scene.public(&theirs));
        scene.ecdh(&ours, &json!({ "kid": ours, "pubkey": public })).bytes("ecdh")
    };
    assert_eq!(scene.ecdh(&ours, &by_kid(&theirs)).bytes("ecdh"), expected);
    let mirrored = scene.ecdh(&theirs, &json!({ "kid": theirs, "ext_kid": ours })).bytes("ecdh");
    assert_eq!(mirrored, expected, "both sides agree");

    let import = json!({ "label": "peer", "type": "SECP256R1", "pubkey": other_text });
    let imported = scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &import);
    let imported = imported.text("kid");
    let agreed = scene.ecdh(&ours, &json!({ "kid": ours, "ext_kid": imported })).bytes("ecdh");
    assert_eq!(agreed, other.agree(&scene.public(&ours)));

    let alone = scene.ecdh(&ours, &json!({ "kid": ours, "ext_kid": ours })).bytes("ecdh");
    let public = Base64::encode_string(&scene.public(&ours));
    assert_eq!(alone, scene.ecdh(&ours, &json!({ "kid": ours, "pubkey": public })).bytes("ecdh"));
    assert_eq!(scene.ecdh(&ours, &by_kid(&"0".repeat(32))).status, 406, "and no way back");
}

#[test]
fn each_outcome_has_its_status_and_its_entry() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let mut witness = Witness::new(&scene, &kid);
    let (good, absent) = (witness.good.clone(), "0".repeat(32));
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    assert_eq!(witness.sees(&good, 200, "CRYPTO_ECDH OK", &kid), "user");
    for bad in [json!("xyz"), json!(7), Value::Null, json!("00"), json!("0".repeat(33))] {
        witness.sees(&with("kid", bad), 400, "CRYPTO_ECDH ERROR", "");
    }
    witness.sees(&json!({ "pubkey": good["pubkey"] }), 400, "CRYPTO_ECDH ERROR", "");
    witness.sees(&json!([]), 400, "CRYPTO_ECDH ERROR", "");
    for (name, bad) in [
        ("alg", json!("SHA1")),
        ("alg", json!("sha2-256")),
        ("alg", json!("")),
        ("alg", json!(2)),
        ("pubkey", json!("*")),
        ("pubkey", json!(7)),
        ("ext_kid", json!("xyz")),
    ] {
        witness.sees(&with(name, bad), 400, "CRYPTO_ECDH ERROR", &kid);
    }
    for body in [
        json!({ "kid": kid }),
        json!({ "kid": kid, "alg": "SHA2-256" }),
        with("pubkey", json!("")),
        with("ext_kid", json!(absent)),
    ] {
        assert_eq!(witness.sees(&body, 406, "CRYPTO_ECDH FAILED", &kid), "user");
    }
    witness.token = scene.user_of(&absent);
    witness.log.news();
    witness.sees(&with("kid", json!(absent)), 406, "CRYPTO_ECDH FAILED", &absent);
}

#[test]
fn other_scopes_and_the_master_are_refused() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let needed = format!("keymgmt:use:{kid}");
    let kind = "FAILED_SCOPE_CHECK FAILED";
    let mut witness = Witness::new(&scene, &kid);
    let good = witness.good.clone();
    let mut bad = good.clone();
    bad["alg"] = json!("SHA1");
    for scope in [
        "keymgmt:use",
        "keymgmt:use:00000000000000000000000000000000",
        &format!("{needed}:more"),
        &format!("keymgmt:use:{kid}").to_uppercase(),
        "keymgmt:gen",
        "system:config",
    ] {
        witness.token = scene.user(scope);
        witness.log.news();
        // 403 comes before what is wrong with anything but the KID.
        for body in [&good, &bad, &json!({ "kid": kid })] {
            assert_eq!(witness.sees(body, 403, kind, &needed), "user", "{scope}");
        }
        witness.sees(&json!({ "kid": "xyz" }), 400, "CRYPTO_ECDH ERROR", "");
    }
    witness.token = scene.master(&needed);
    witness.log.news();
    assert_eq!(witness.sees(&good, 403, kind, &needed), "master");
}

#[test]
fn keys_that_can_not_agree_are_refused() {
    let scene = Scene::new();
    let peer = |curve| Base64::encode_string(&SoftKey::random(curve).public());
    let imported = {
        let body = json!({ "label": "p", "type": "SECP256R1", "pubkey": peer(Curve::Secp256r1) });
        scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body).text("kid")
    };
    for (kid, pubkey) in [
        (scene.create("SECP256R1", Some("ExDSA")), peer(Curve::Secp256r1)),
        (scene.create("ED25519", None), Base64::encode_string(&[9; 32])),
        (scene.create("AES256", None), Base64::encode_string(&[9; 32])),
        (scene.create("SHA2-256", None), Base64::encode_string(&[9; 32])),
        (imported.clone(), peer(Curve::Secp256r1)),
    ] {
        let mut witness = Witness::new(&scene, &kid);
        let body = json!({ "kid": kid, "pubkey": pubkey });
        witness.sees(&body, 406, "CRYPTO_ECDH FAILED", &kid);
        witness.sees(&json!({ "kid": kid, "ext_kid": kid }), 406, "CRYPTO_ECDH FAILED", &kid);
    }
    // Both keys must be of the same type.
    let kid = scene.create("SECP384R1", Some("ECDH,ExDSA"));
    let mut witness = Witness::new(&scene, &kid);
    for other in [Curve::Secp256r1, Curve::Secp521r1, Curve::Secp256k1, Curve::Curve25519] {
        let body = json!({ "kid": kid, "pubkey": peer(other) });
        witness.sees(&body, 406, "CRYPTO_ECDH FAILED", &kid);
    }
    let body = json!({ "kid": kid, "ext_kid": imported });
    witness.sees(&body, 406, "CRYPTO_ECDH FAILED", &kid);
    let body = json!({ "kid": kid, "pubkey": peer(Curve::Secp384r1) });
    witness.sees(&body, 200, "CRYPTO_ECDH OK", &kid);
}

#[test]
fn hostile_points_are_refused_and_the_token_stays_well() {
    let scene = Scene::new();
    for curve in Curve::ALL {
        let kid = scene.create(curve.name(), None);
        let mut witness = Witness::new(&scene, &kid);
        let own = SoftKey::random(curve);
        let good = json!({ "kid": kid, "pubkey": Base64::encode_string(&own.public()) });
        let hostile = hostile_points(curve);
        assert!(hostile.len() >= 7);
        for (name, point) in hostile {
            let body = json!({ "kid": kid, "pubkey": Base64::encode_string(&point) });
            let status = scene.ecdh(&kid, &body).status;
            assert_eq!(status, 406, "{curve:?}: {name}");
            let entries = witness.log.news();
            assert_eq!(entries.len(), 1, "{curve:?}: {name}");
            assert_eq!(entries[0].head(), "CRYPTO_ECDH FAILED", "{curve:?}: {name}");
        }
        witness.sees(&good, 200, "CRYPTO_ECDH OK", &kid);
    }
}

#[test]
fn what_never_gets_as_far_as_a_scope_leaves_no_entry() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let mut witness = Witness::new(&scene, &kid);
    let (client, body, token) = (&scene.client, witness.good.clone(), witness.token.clone());
    let path = "/api/crypto/ecdh";
    assert_eq!(client.call("POST", path, None, Some(&body)).status, 401);
    assert_eq!(client.post(path, "garbage", &body).status, 401);
    assert_eq!(client.call("POST", path, None, Some(&json!({}))).status, 401, "before 400");
    assert_eq!(client.post_bytes(path, Some(&token), vec![b' '; 7301]).status, 413);
    assert_eq!(client.get(path, &token).status, 404, "another method");
    assert_eq!(client.call("DELETE", path, Some(&token), None).status, 404);
    for length in ["", "Content-Length: 0\r\n"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{length}Connection: close\r\n\r\n"
        );
        assert_eq!(over_tls(&scene.daemon, request.as_bytes()).status(), 411);
    }
    let plain = Client::plain(&scene.daemon);
    assert_eq!(plain.post(path, &token, &body).status, 418);
    assert_eq!(witness.log.heads(), [""; 0]);
    // Bytes that are no JSON, or not said to be any, are bad arguments.
    let nonsense = client.post_bytes(path, Some(&token), b"nonsense".to_vec());
    assert_eq!(nonsense.status, 400);
    let untyped =
        client.send("POST", path, |request| request.bearer_auth(&token).body(body.to_string()));
    assert_eq!(untyped.status, 400);
    assert_eq!(witness.log.heads(), ["CRYPTO_ECDH ERROR"; 2]);
    let full = client.post_bytes(path, Some(&token), padded(&body));
    assert_eq!(full.status, 200, "7300 bytes are fine");
}

#[test]
fn a_fresh_device_and_a_foreign_page_are_refused_without_an_entry() {
    let home = Home::uninitialised();
    let daemon = home.serve();
    let client = Client::of(&daemon);
    let mut log = LogReader::of(&daemon);
    let body = json!({ "kid": "0".repeat(32), "pubkey": "AAAA" });
    assert_eq!(client.call("POST", "/api/crypto/ecdh", None, Some(&body)).status, 409);
    assert_eq!(log.heads(), [""; 0]);
    assert_eq!(login::initialise(&client, "https://app.example.org").status, 200);
    log.news();
    let foreign = client.send("POST", "/api/crypto/ecdh", |request| {
        request.header("Origin", "https://evil.example.org").json(&body)
    });
    assert_eq!(foreign.status, 412);
    assert_eq!(log.heads(), [""; 0]);
}

#[test]
fn problems_are_described_to_those_who_ask() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let token = scene.user_of(&kid);
    let ask = |body: &Value| -> Reply {
        scene.client.send("POST", "/api/crypto/ecdh", |request| {
            request.bearer_auth(&token).header("Accept", "application/problem+json").json(body)
        })
    };
    let mut ids = HashSet::new();
    for (body, status) in [
        (json!({ "kid": kid, "alg": "SHA1", "pubkey": "AAAA" }), 400),
        (json!({ "kid": kid }), 406),
        (json!({ "kid": "0".repeat(32) }), 403),
    ] {
        let reply = ask(&body);
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("Content-Type"), "application/problem+json");
        let problem: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["audit_index"].is_u64(), "{problem}");
        for member in ["type", "title", "detail", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        assert!(ids.insert(problem["request_id"].as_str().unwrap().to_owned()));
    }
}

/// Sends requests for one key with one token, and looks at the entry of each.
struct Witness<'a> {
    scene: &'a Scene,
    token: String,
    good: Value,
    log: LogReader,
}

impl<'a> Witness<'a> {
    fn new(scene: &'a Scene, kid: &str) -> Self {
        let token = scene.user_of(kid);
        let peer = Base64::encode_string(&SoftKey::random(Curve::Secp256r1).public());
        let good = json!({ "kid": kid, "pubkey": peer });
        Self { scene, token, good, log: scene.log() }
    }

    /// Expects this status, and one entry of this head and about this; answers its subject.
    fn sees(&mut self, body: &Value, status: u16, head: &str, ext: &str) -> String {
        let reply = self.scene.client.post("/api/crypto/ecdh", &self.token, body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert_eq!(reply.body.is_empty(), status != 200, "{body}: {reply:?}");
        assert_eq!(reply.header("Content-Type"), "application/json", "{body}");
        let entries = self.log.news();
        assert_eq!(entries.len(), 1, "{body}: {entries:?}");
        assert_eq!((entries[0].head().as_str(), entries[0].ext.as_str()), (head, ext), "{body}");
        entries[0].subject.clone()
    }
}

fn digests(secret: &[u8]) -> [(&'static str, Vec<u8>); 6] {
    [
        ("SHA2-256", Sha256::digest(secret).to_vec()),
        ("SHA2-384", Sha384::digest(secret).to_vec()),
        ("SHA2-512", Sha512::digest(secret).to_vec()),
        ("SHA3-256", Sha3_256::digest(secret).to_vec()),
        ("SHA3-384", Sha3_384::digest(secret).to_vec()),
        ("SHA3-512", Sha3_512::digest(secret).to_vec()),
    ]
}

/// What nobody should agree with.
fn hostile_points(curve: Curve) -> Vec<(&'static str, Vec<u8>)> {
    let good = SoftKey::random(curve);
    let (short, long) = (good.public(), good.public_uncompressed());
    if curve == Curve::Curve25519 {
        let mut points: Vec<_> =
            SMALL_ORDER.iter().map(|hex| ("small order", bytes(hex))).collect();
        let twin = |hex: &str| {
            let mut point = bytes(hex);
            point[31] |= 0x80;
            point
        };
        points.extend(SMALL_ORDER.iter().map(|hex| ("small order, top bit set", twin(hex))));
        points.extend([("short", short[1..].to_vec()), ("long", [&short[..], &[0]].concat())]);
        return points;
    }
    let length = curve.length();
    let mut off = long.clone();
    off[2 * length] ^= 1;
    let mut hybrid = long.clone();
    hybrid[0] = 6 | (long[2 * length] & 1);
    let not_reduced = [&[4][..], &vec![0xff; 2 * length]].concat();
    vec![
        ("off the curve", off),
        ("x and y zero", [&[4][..], &vec![0; 2 * length]].concat()),
        ("infinity", vec![0]),
        ("infinity at length", vec![0; 2 * length + 1]),
        ("coordinates above the prime", not_reduced),
        ("compressed, x above the prime", [&[2][..], &vec![0xff; length]].concat()),
        ("hybrid", hybrid),
        ("without its form", long[1..].to_vec()),
        ("cut off", long[..long.len() - 1].to_vec()),
        ("with a tail", [&long[..], &[0]].concat()),
        ("DER octet string", [&[4, 65][..], &long].concat()),
        ("compressed and cut off", short[..length].to_vec()),
    ]
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// `body` with white space up to 7300 bytes.
fn padded(body: &Value) -> Vec<u8> {
    let mut text = body.to_string().into_bytes();
    text.resize(7300, b' ');
    text
}

/// Curve25519: 0, 1, both of order 8, p - 1, p, p + 1.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
