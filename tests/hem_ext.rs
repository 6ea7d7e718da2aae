//! External authenticators: pairing, asking, consenting (hem.md A7), by an authenticator written
//! from the description alone.

use std::time::{Duration, Instant};

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tests::client::Reply;
use tests::login::{encode, now};
use tests::scene::Scene;
use x25519_dalek::{PublicKey, StaticSecret};

const PAIR: &str = "auth:ext:pair";

/// A phone.
struct Phone {
    key: StaticSecret,
    ephemeral: StaticSecret,
    pid: [u8; 32],
}

impl Phone {
    fn new(number: u8) -> Self {
        Self {
            key: StaticSecret::from([number; 32]),
            ephemeral: StaticSecret::from([number + 100; 32]),
            pid: [number + 50; 32],
        }
    }

    fn epk(&self) -> String {
        public(&self.ephemeral)
    }

    fn pid(&self) -> String {
        Base64::encode_string(&self.pid)
    }

    /// Answers an offer.
    fn reply(&self, offer: &Reply) -> (Value, String) {
        let eid = offer.text("eid");
        let claims = opened(&offer.text("request"), &shared(&self.ephemeral, &eid));
        assert_eq!((&claims["aud"], &claims["iss"]), (&json!(self.epk()), &json!(eid)));
        let reply = json!({
            "jti": claims["jti"], "iss": public(&self.key), "aud": eid, "label": "my phone",
            "epk": self.epk(),
        });
        (reply, eid)
    }

    fn sign(&self, claims: &Value, eid: &str) -> String {
        let header = encode(r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#);
        let text = format!("{header}.{}", encode(&claims.to_string()));
        let tag = mac(&shared(&self.key, eid), text.as_bytes());
        format!("{text}.{}", Base64UrlUnpadded::encode_string(&tag))
    }

    /// Pairs and answers its KID.
    fn pair(&self, scene: &Scene) -> String {
        let offer = offer(scene, &self.epk());
        let (claims, eid) = self.reply(&offer);
        let text = self.sign(&claims, &eid);
        let paired = validate(scene, &self.pid(), &text);
        let code = mac(&shared(&self.ephemeral, &eid), text.as_bytes());
        assert_eq!(paired.bytes("code"), code);
        paired.text("kid")
    }

    /// Consents to what a request asks for, as `change` has it.
    fn consent(&self, asked: &Reply, eid: &str, change: impl FnOnce(String) -> String) -> Value {
        let request = opened(&asked.text("authreq"), &shared(&self.ephemeral, eid));
        let jti = request["jti"].as_str().unwrap();
        let sealed = request["scope"][self.pid()].as_str().unwrap();
        let secret = shared(&self.key, eid);
        let scope = change(unseal(&secret, &bytes(jti), sealed));
        json!({
            "jti": jti, "iss": public(&self.key), "aud": eid, "iat": now(), "exp": now() + 900,
            "pid": self.pid(), "scope": seal(&secret, &bytes(jti), &scope),
        })
    }
}

fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

fn public(key: &StaticSecret) -> String {
    Base64::encode_string(PublicKey::from(key).as_bytes())
}

fn shared(key: &StaticSecret, peer: &str) -> [u8; 32] {
    let peer: [u8; 32] = bytes(peer).try_into().unwrap();
    key.diffie_hellman(&PublicKey::from(peer)).to_bytes()
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// The claims of a token whose tag holds under `secret`.
fn opened(token: &str, secret: &[u8]) -> Value {
    let (text, tag) = token.rsplit_once('.').unwrap();
    assert_eq!(Base64UrlUnpadded::decode_vec(tag).unwrap(), mac(secret, text.as_bytes()));
    let (_, claims) = text.split_once('.').unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap()
}

fn seal(secret: &[u8], jti: &[u8], scope: &str) -> String {
    let k = mac(secret, jti);
    let key = UnboundCipherKey::new(&AES_128, &k[..16]).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut sealed = scope.as_bytes().to_vec();
    let iv: [u8; 16] = k[16..].try_into().unwrap();
    key.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
    sealed.extend(mac(&k, scope.as_bytes()));
    format!("A{}", Base64::encode_string(&sealed))
}

fn unseal(secret: &[u8], jti: &[u8], text: &str) -> String {
    let k = mac(secret, jti);
    let mut sealed = bytes(text.strip_prefix('A').unwrap());
    let tag = sealed.split_off(sealed.len() - 32);
    let key = UnboundCipherKey::new(&AES_128, &k[..16]).unwrap();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let iv: [u8; 16] = k[16..].try_into().unwrap();
    let plain = key.decrypt(&mut sealed, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap();
    assert_eq!(tag, mac(&k, plain));
    String::from_utf8(plain.to_vec()).unwrap()
}

fn offer(scene: &Scene, epk: &str) -> Reply {
    scene.client.post("/api/auth/ext/init", &scene.user(PAIR), &json!({ "epk": epk }))
}

fn validate(scene: &Scene, pid: &str, reply: &str) -> Reply {
    let body = json!({ "pid": pid, "reply": reply });
    scene.client.post("/api/auth/ext/validate", &scene.user(PAIR), &body)
}

fn ask(scene: &Scene, body: &Value) -> Reply {
    scene.client.call("POST", "/api/auth/ext/request", None, Some(body))
}

fn exchange(scene: &Scene, consent: &str) -> Reply {
    let body = json!({ "authreply": consent });
    scene.client.call("POST", "/api/auth/ext/token", None, Some(&body))
}

fn eid(scene: &Scene) -> String {
    scene.client.call("GET", "/api/auth/token", None, None).text("eid")
}

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
        assert_eq!(caption["l"], "a SECP256R1");
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
    assert_eq!(exchange(&scene, &phone.sign(&good, &eid)).status, 200, "and the good one is good");
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
    for number in 10..17 {
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
