//! Somebody who uses a key, and what comes of it.

use aws_lc_rs::hkdf;
use base64ct::{Base64, Encoding};
use serde_json::Value;

use crate::client::Reply;
use crate::curves::{Curve, SoftKey};
use crate::log::LogReader;
use crate::scene::Scene;

/// Somebody who may use one key.
pub struct User<'a> {
    /// Where.
    pub scene: &'a Scene,
    /// The key.
    pub kid: String,
    /// The entries that nobody has looked at.
    pub log: LogReader,
    token: String,
}

impl<'a> User<'a> {
    /// Somebody with a new key.
    pub fn new(scene: &'a Scene, kind: &str, mode: Option<&str>) -> Self {
        Self::of(scene, scene.create(kind, mode))
    }

    /// Somebody with this key.
    pub fn of(scene: &'a Scene, kid: String) -> Self {
        let token = scene.user_of(&kid);
        Self { scene, kid, token, log: scene.log() }
    }

    /// `POST path` for this key.
    pub fn ask(&self, path: &str, mut body: Value) -> Reply {
        body["kid"] = Value::from(self.kid.as_str());
        self.scene.client.post(path, &self.token, &body)
    }

    /// Expects this status, and one entry of this head and about this key.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn sees(&mut self, path: &str, body: Value, status: u16, head: &str) {
        let text = body.to_string();
        let reply = self.ask(path, body);
        assert_eq!(reply.status, status, "{path} {text}: {reply:?}");
        let empty = status != 200 || path.ends_with("/verify");
        assert_eq!(reply.body.is_empty(), empty, "{path} {text}: {reply:?}");
        let entries = self.log.news();
        assert_eq!(entries.len(), 1, "{path} {text}: {entries:?}");
        let seen = (entries[0].head(), entries[0].ext.clone(), entries[0].subject.clone());
        assert_eq!(seen, (head.to_owned(), self.kid.clone(), "user".to_owned()), "{path} {text}");
    }

    /// A peer's public key, and what both share.
    pub fn peer(&self, curve: Curve) -> (String, Vec<u8>) {
        let peer = SoftKey::random(curve);
        (b64(&peer.public()), peer.agree(&self.scene.public(&self.kid)))
    }
}

/// HKDF-SHA-256 without salt.
pub fn derive(secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = vec![0; length];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    extracted.expand(info, Length(length)).unwrap().fill(&mut key).unwrap();
    key
}

/// Standard base64.
pub fn b64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
