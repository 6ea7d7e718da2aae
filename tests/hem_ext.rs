//! External authenticators: pairing, asking, consenting (hem.md A7), by an authenticator written
//! from the description alone.

use std::time::{Duration, Instant};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tests::authenticator::{
    PAIR, Phone, ask, bytes, eid, exchange, mac, offer, opened, public, seal, shared, validate,
};
use tests::login::now;
use tests::scene::Scene;

#[test]
fn a_phone_is_paired_consents_and_is_unpaired() {
    let scene = Scene::new();
    let (phone, eid) = (Phone::new(1), eid(&scene));
    let mut log = scene.log();
    let kid = phone.pair(&scene);
    let news = log.news();
    let paired = news.iter().find(|entry| entry.kind == "AUTH_PAIRED_EXTERNAL").unwrap();
    assert_eq!((paired.result.as_str(), paired.ext.as_str()), ("OK", kid.as_str()));
    let get = scene.client.get(&format!("/api/keymgmt/get/{kid}"), &scene.user("keymgmt:get"));
    assert_eq!(get.text("pubkey"), public(&phone.key));
    let search = json!({ "descr": "^RVhUQUlE" });
    let found = scene.client.post("/api/keymgmt/search", &scene.user(PAIR), &search).json();
    assert_eq!((found["total"].as_u64(), found["list"][0]["kid"].as_str()), (Some(1), Some(&*kid)));

    let body = json!({ "epk": phone.epk(), "scope": "keymgmt:list", "ctx": "a", "exp": 5,
        "note": "n".repeat(129) });
    let asked = ask(&scene, &body);
    let request = opened(&asked.text("authreq"), &shared(&phone.ephemeral, &eid));
    let life = request["exp"].as_u64().unwrap() - request["iat"].as_u64().unwrap();
    assert_eq!((life, &request["ctx"], request.get("note")), (3600, &json!("a"), None));
    let mut log = scene.log();
    let mut consent = phone.consent(&asked, &eid, |scope| scope);
    consent["ctx"] = json!("a");
    let begun = Instant::now();
    let token = exchange(&scene, &phone.sign(&consent, &eid)).text("token");
    assert!(begun.elapsed() >= Duration::from_millis(500));
    let news = log.news();
    let told = news.iter().find(|entry| entry.kind == "AUTH_SUCCESS_EXTERNAL").unwrap();
    assert_eq!((told.subject.as_str(), told.ext.as_str()), (kid.as_str(), "keymgmt:list"));
    assert_eq!(scene.client.get("/api/keymgmt/list", &token).status, 200);
    let again = exchange(&scene, &phone.sign(&consent, &eid));
    assert_eq!(again.status, 401, "a request is answered once");

    let path = format!("/api/keymgmt/delete/{kid}");
    let gone = scene.client.call("DELETE", &path, Some(&scene.user("keymgmt:del")), None);
    assert_eq!(gone.status, 200);
    assert_eq!(scene.client.get("/api/keymgmt/list", &token).status, 401, "its tokens end with it");
    let asked = ask(&scene, &json!({ "epk": phone.epk(), "scope": "keymgmt:list" }));
    let request = opened(&asked.text("authreq"), &shared(&phone.ephemeral, &eid));
    assert_eq!(request["scope"], json!({}));
}

#[test]
fn the_use_of_a_key_is_shown_with_its_name() {
    let scene = Scene::new();
    let (phone, eid) = (Phone::new(2), eid(&scene));
    phone.pair(&scene);
    let key = scene.create("SECP256R1", None);
    let scope = format!("keymgmt:use:{key}");
    let asked = ask(&scene, &json!({ "epk": phone.epk(), "scope": scope }));
    let request = opened(&asked.text("authreq"), &shared(&phone.ephemeral, &eid));
    assert_eq!(request["exp"].as_u64().unwrap() - request["iat"].as_u64().unwrap(), 900);
    let consent = phone.consent(&asked, &eid, |shown| {
        let (plain, caption) = shown.split_once('#').unwrap();
        assert_eq!(plain, scope);
        let caption: Value = serde_json::from_slice(&bytes(caption)).unwrap();
        assert_eq!(caption, json!({ "t": "E80A", "l": "a SECP256R1" }));
        shown
    });
    let token = exchange(&scene, &phone.sign(&consent, &eid)).text("token");
    let body = json!({ "kid": key, "ext_kid": key });
    let mut log = scene.log();
    assert_eq!(scene.client.post("/api/crypto/ecdh", &token, &body).status, 200);
    assert_eq!(log.news()[0].subject.len(), 32, "the entry names the authenticator");
}

#[test]
fn forged_and_foreign_answers_open_nothing() {
    let scene = Scene::new();
    let (phone, stranger, eid) = (Phone::new(3), Phone::new(4), eid(&scene));
    phone.pair(&scene);
    let asked = ask(&scene, &json!({ "epk": phone.epk(), "scope": "keymgmt:list" }));
    let good = phone.consent(&asked, &eid, |scope| scope);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        exchange(&scene, &phone.sign(&claims, &eid)).status
    };
    assert_eq!(exchange(&scene, &stranger.sign(&good, &eid)).status, 401, "another key's tag");
    assert_eq!(with("jti", json!(Base64::encode_string(&[5; 32]))), 401);
    assert_eq!(with("exp", json!(now() - 1)), 401);
    assert_eq!(with("pid", json!(stranger.pid())), 406);
    let mut imposter = good.clone();
    imposter["iss"] = json!(public(&stranger.key));
    assert_eq!(exchange(&scene, &stranger.sign(&imposter, &eid)).status, 406);
    assert_eq!(with("scope", json!(seal(&[1; 32], b"x", "keymgmt:list"))), 406);
    assert_eq!(with("scope", json!(good["scope"].as_str().unwrap().replacen('A', "B", 1))), 406);
    let begun = Instant::now();
    assert_eq!(exchange(&scene, "nonsense").status, 401);
    assert!(begun.elapsed() > Duration::from_millis(1500), "guessing gets slow");
    // Without an end of its own a consent is good for eight hours (hem.md A15, 11).
    let mut endless = good;
    endless["exp"] = json!(0);
    let token = exchange(&scene, &phone.sign(&endless, &eid)).text("token");
    let claims: Value = serde_json::from_slice(
        &Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap(),
    )
    .unwrap();
    let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(life, 28_800);
}

#[test]
fn only_the_user_pairs_and_each_offer_once() {
    let scene = Scene::new();
    let phone = Phone::new(5);
    let body = json!({ "epk": phone.epk() });
    for path in ["/api/auth/ext/init", "/api/auth/ext/mac"] {
        assert_eq!(scene.client.call("POST", path, None, Some(&body)).status, 401);
        assert_eq!(scene.client.post(path, &scene.master(PAIR), &body).status, 403);
        assert_eq!(scene.client.post(path, &scene.user("keymgmt:gen"), &body).status, 403);
        assert_eq!(scene.client.post(path, &scene.user("system:config"), &body).status, 200);
        for bad in ["AAAA", &Base64::encode_string(&[0; 32]), ""] {
            let body = json!({ "epk": bad });
            assert_eq!(scene.client.post(path, &scene.user(PAIR), &body).status, 400, "{bad}");
        }
    }
    let introduced = scene.client.post("/api/auth/ext/mac", &scene.user(PAIR), &body);
    let secret = shared(&phone.ephemeral, &introduced.text("eid"));
    assert_eq!(introduced.bytes("mac"), mac(&secret, &introduced.bytes("nonce")));

    let (claims, eid) = phone.reply(&offer(&scene, &phone.epk()));
    let text = phone.sign(&claims, &eid);
    assert_eq!(validate(&scene, "AAAA", &text).status, 400);
    assert_eq!(validate(&scene, &phone.pid(), &text.replace('.', "..")).status, 401);
    let mut misdirected = claims.clone();
    misdirected["aud"] = json!(phone.epk());
    assert_eq!(validate(&scene, &phone.pid(), &phone.sign(&misdirected, &eid)).status, 401);
    let mut wordy = claims.clone();
    wordy["label"] = json!("l".repeat(33));
    assert_eq!(validate(&scene, &phone.pid(), &phone.sign(&wordy, &eid)).status, 400);
    assert_eq!(validate(&scene, &phone.pid(), &text).status, 200);
    assert_eq!(validate(&scene, &phone.pid(), &text).status, 401, "an offer is answered once");
    let (claims, _) = phone.reply(&offer(&scene, &phone.epk()));
    assert_eq!(validate(&scene, &phone.pid(), &phone.sign(&claims, &eid)).status, 406, "twice");
    let silent = Phone::new(9);
    let (mut claims, eid) = silent.reply(&offer(&scene, &silent.epk()));
    claims.as_object_mut().unwrap().remove("aud");
    let paired = validate(&scene, &silent.pid(), &silent.sign(&claims, &eid));
    assert_eq!(paired.status, 200, "the tag says for whom it is");
    for number in 10..16 {
        Phone::new(number).pair(&scene);
    }
    let ninth = Phone::new(17);
    let (claims, _) = ninth.reply(&offer(&scene, &ninth.epk()));
    assert_eq!(validate(&scene, &ninth.pid(), &ninth.sign(&claims, &eid)).status, 406, "full");
}

#[test]
fn nobody_pairs_himself_through_the_keys() {
    let scene = Scene::new();
    let phone = Phone::new(6);
    let descr = Base64::encode_string(&[&b"EXTAID"[..], &phone.pid].concat());
    let import = json!({ "label": "mine", "type": "CURVE25519", "pubkey": public(&phone.key),
        "descr": descr });
    let imported = scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &import);
    assert_eq!(imported.status, 406);
    let create = json!({ "label": "mine", "type": "CURVE25519", "descr": descr });
    let created = scene.client.post("/api/keymgmt/create", &scene.user("keymgmt:gen"), &create);
    assert_eq!(created.status, 406);
    let plain = json!({ "label": "mine", "type": "CURVE25519", "pubkey": public(&phone.key) });
    let kid = scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &plain);
    let update = |kid: &str, descr: Option<&str>| {
        let body = json!({ "kid": kid, "label": "theirs", "descr": descr });
        scene.client.post("/api/keymgmt/update", &scene.user("keymgmt:upd"), &body).status
    };
    assert_eq!(update(&kid.text("kid"), Some(&descr)), 406);
    assert_eq!(update(&kid.text("kid"), None), 200);
    let paired = Phone::new(7);
    let (kid, its) = (paired.pair(&scene), [&b"EXTAID"[..], &paired.pid].concat());
    assert_eq!(update(&kid, None), 406, "an update does not unpair");
    assert_eq!(update(&kid, Some(&descr)), 406, "nor rename");
    assert_eq!(update(&kid, Some(&Base64::encode_string(&its))), 200, "a label may change");
}
