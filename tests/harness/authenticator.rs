//! An external authenticator, as hem.md A7 describes it and with none of the daemon's code.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::client::Reply;
use crate::login::{encode, now};
use crate::scene::Scene;

/// The scope that pairs.
pub const PAIR: &str = "auth:ext:pair";

/// A phone.
pub struct Phone {
    /// Its long-term key.
    pub key: StaticSecret,
    /// Its key of the moment.
    pub ephemeral: StaticSecret,
    /// The name it pairs under.
    pub pid: [u8; 32],
}

impl Phone {
    /// One of several; `number` is at most 100.
    pub fn new(number: u8) -> Self {
        Self {
            key: StaticSecret::from([number; 32]),
            ephemeral: StaticSecret::from([number + 100; 32]),
            pid: [number + 50; 32],
        }
    }

    /// Its key of the moment, base64.
    pub fn epk(&self) -> String {
        public(&self.ephemeral)
    }

    /// The name it pairs under, base64.
    pub fn pid(&self) -> String {
        Base64::encode_string(&self.pid)
    }

    /// Answers an offer: the claims of the answer and the device's identity.
    pub fn reply(&self, offer: &Reply) -> (Value, String) {
        let eid = offer.text("eid");
        let claims = opened(&offer.text("request"), &shared(&self.ephemeral, &eid));
        assert_eq!((&claims["aud"], &claims["iss"]), (&json!(self.epk()), &json!(eid)));
        let reply = json!({
            "jti": claims["jti"], "iss": public(&self.key), "aud": eid, "label": "my phone",
            "epk": self.epk(),
        });
        (reply, eid)
    }

    /// Signs claims for the device.
    pub fn sign(&self, claims: &Value, eid: &str) -> String {
        let header = encode(r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#);
        let text = format!("{header}.{}", encode(&claims.to_string()));
        let tag = mac(&shared(&self.key, eid), text.as_bytes());
        format!("{text}.{}", Base64UrlUnpadded::encode_string(&tag))
    }

    /// Pairs and answers its KID.
    pub fn pair(&self, scene: &Scene) -> String {
        let offer = offer(scene, &self.epk());
        let (claims, eid) = self.reply(&offer);
        let text = self.sign(&claims, &eid);
        let paired = validate(scene, &self.pid(), &text);
        let code = mac(&shared(&self.ephemeral, &eid), text.as_bytes());
        assert_eq!(paired.bytes("code"), code);
        paired.text("kid")
    }

    /// A bearer token for `scope`, by its consent; it is paired.
    pub fn bearer(&self, scene: &Scene, scope: &str) -> String {
        let asked = ask(scene, &json!({ "epk": self.epk(), "scope": scope }));
        let eid = eid(scene);
        let consent = self.consent(&asked, &eid, |scope| scope);
        exchange(scene, &self.sign(&consent, &eid)).text("token")
    }

    /// Consents to what a request asks for, as `change` has it.
    pub fn consent(
        &self,
        asked: &Reply,
        eid: &str,
        change: impl FnOnce(String) -> String,
    ) -> Value {
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

/// What base64 stands for.
pub fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

/// The public half of a key, base64.
pub fn public(key: &StaticSecret) -> String {
    Base64::encode_string(PublicKey::from(key).as_bytes())
}

/// The X25519 secret that a key and a base64 public key share.
pub fn shared(key: &StaticSecret, peer: &str) -> [u8; 32] {
    let peer: [u8; 32] = bytes(peer).try_into().unwrap();
    key.diffie_hellman(&PublicKey::from(peer)).to_bytes()
}

/// HMAC-SHA-256.
pub fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// The claims of a token whose tag holds under `secret`.
pub fn opened(token: &str, secret: &[u8]) -> Value {
    let (text, tag) = token.rsplit_once('.').unwrap();
    assert_eq!(Base64UrlUnpadded::decode_vec(tag).unwrap(), mac(secret, text.as_bytes()));
    let (_, claims) = text.split_once('.').unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap()
}

/// A scope as scheme A encloses it.
pub fn seal(secret: &[u8], jti: &[u8], scope: &str) -> String {
    let k = mac(secret, jti);
    let key = UnboundCipherKey::new(&AES_128, &k[..16]).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut sealed = scope.as_bytes().to_vec();
    let iv: [u8; 16] = k[16..].try_into().unwrap();
    key.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
    sealed.extend(mac(&k, scope.as_bytes()));
    format!("A{}", Base64::encode_string(&sealed))
}

/// A scope that scheme A encloses.
pub fn unseal(secret: &[u8], jti: &[u8], text: &str) -> String {
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

/// `POST /api/auth/ext/init` by the user.
pub fn offer(scene: &Scene, epk: &str) -> Reply {
    scene.client.post("/api/auth/ext/init", &scene.user(PAIR), &json!({ "epk": epk }))
}

/// `POST /api/auth/ext/validate` by the user.
pub fn validate(scene: &Scene, pid: &str, reply: &str) -> Reply {
    let body = json!({ "pid": pid, "reply": reply });
    scene.client.post("/api/auth/ext/validate", &scene.user(PAIR), &body)
}

/// `POST /api/auth/ext/request`.
pub fn ask(scene: &Scene, body: &Value) -> Reply {
    scene.client.call("POST", "/api/auth/ext/request", None, Some(body))
}

/// `POST /api/auth/ext/token`.
pub fn exchange(scene: &Scene, consent: &str) -> Reply {
    let body = json!({ "authreply": consent });
    scene.client.call("POST", "/api/auth/ext/token", None, Some(&body))
}

/// The device's identity key, base64.
pub fn eid(scene: &Scene) -> String {
    scene.client.call("GET", "/api/auth/token", None, None).text("eid")
}
