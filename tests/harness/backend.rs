//! The backend that a device checks in with, as hem.md A8 describes it and with none of the daemon's
//! code.

use aws_lc_rs::hmac;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::client::{Client, Reply};
use crate::daemon::{Home, write};
use crate::login::encode;
use crate::scene::Scene;

/// The path of a check-in.
pub const PATH: &str = "/api/system/checkin";
/// In 2033.
pub const LATER: u64 = 2_000_000_000;

/// The vendor's side of a check-in.
pub struct Backend(StaticSecret);

impl Default for Backend {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend {
    /// The one that the devices of [`scene`](Self::scene) believe.
    pub fn new() -> Self {
        Self(StaticSecret::from([42; 32]))
    }

    /// One that nobody believes.
    pub fn other() -> Self {
        Self(StaticSecret::from([43; 32]))
    }

    /// Its key, base64.
    pub fn public(&self) -> String {
        Base64::encode_string(PublicKey::from(&self.0).as_bytes())
    }

    /// A device that checks in here, and waits for the time to come from here if `relies`.
    pub fn scene(&self, relies: bool) -> Scene {
        let home = Home::new();
        home.start().stop();
        self.configure(&home, relies);
        Scene::at(home)
    }

    /// Makes the device in `home` check in here, as [`scene`](Self::scene) does.
    pub fn configure(&self, home: &Home, relies: bool) {
        let source = if relies { "checkin" } else { "host" };
        let section =
            format!("\n[hem]\ntrusted_time = \"{source}\"\nbackend_key = \"{}\"\n", self.public());
        write(&home.at("claviger.toml"), home.config() + &section);
    }

    /// The claims of a check that is meant for this backend.
    pub fn read(&self, check: &str) -> Value {
        let (text, tag) = check.rsplit_once('.').unwrap();
        let (header, claims) = text.split_once('.').unwrap();
        let header = String::from_utf8(Base64UrlUnpadded::decode_vec(header).unwrap()).unwrap();
        assert_eq!(header, r#"{"ecdh":"x25519","typ":"JWT","alg":"HS256"}"#);
        let claims = Base64UrlUnpadded::decode_vec(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let tag = Base64UrlUnpadded::decode_vec(tag).unwrap();
        let secret = self.shared(claims["iss"].as_str().unwrap());
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text.as_bytes(), &tag).unwrap();
        claims
    }

    /// What to answer to a fresh check.
    pub fn answer(&self, client: &Client, status: &str) -> Value {
        let check = client.call("GET", PATH, None, None).text("check");
        let claims = self.read(&check);
        json!({
            "jti": claims["jti"], "iat": LATER, "iss": self.public(), "aud": claims["iss"],
            "status": status,
        })
    }

    /// Signs claims for the device with this session key.
    pub fn sign(&self, claims: &Value, device: &Value) -> String {
        let header = encode(r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#);
        let text = format!("{header}.{}", encode(&claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.shared(device.as_str().unwrap()));
        let tag = hmac::sign(&key, text.as_bytes());
        format!("{text}.{}", Base64UrlUnpadded::encode_string(tag.as_ref()))
    }

    fn shared(&self, device: &str) -> [u8; 32] {
        let device: [u8; 32] = Base64::decode_vec(device).unwrap().try_into().unwrap();
        self.0.diffie_hellman(&PublicKey::from(device)).to_bytes()
    }

    /// A whole check-in.
    pub fn say(&self, client: &Client, status: &str) -> Reply {
        send(client, &self.words(client, status))
    }

    /// What to send for a whole check-in.
    pub fn words(&self, client: &Client, status: &str) -> String {
        let claims = self.answer(client, status);
        self.sign(&claims, &claims["aud"])
    }
}

/// Sends an answer to a check.
pub fn send(client: &Client, checked: &str) -> Reply {
    client.call("POST", PATH, None, Some(&json!({ "checked": checked })))
}
