//! Logging in, as the description of the API has it (hem.md A3) and with none of the daemon's code.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{hmac, pbkdf2};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::client::{Client, Reply};
use crate::daemon::{MASTER, USER};

/// What `GET /api/auth/token` and `GET /api/auth/init` answer.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The deadline, in Unix seconds.
    pub exp: u64,
    /// The session key, base64.
    pub spk: String,
    /// The nonce, base64.
    pub jti: String,
    /// The identity key, base64.
    pub eid: String,
}

/// A login token in the making; every part may be changed before it is signed.
#[derive(Clone, Debug)]
pub struct Login {
    /// The header's JSON, to the letter.
    pub header: String,
    /// The claims.
    pub claims: Value,
    seed: [u8; 32],
    spk: String,
}

impl Challenge {
    /// Asks for one.
    pub fn ask(client: &Client) -> Self {
        Self::from(&client.call("GET", "/api/auth/token", None, None))
    }

    /// An answer to it by the owner of `passphrase`.
    pub fn answer(&self, passphrase: &str, scope: &str, exp: u64) -> Login {
        let seed = seed(passphrase, &self.eid);
        let iss = Base64::encode_string(PublicKey::from(&StaticSecret::from(seed)).as_bytes());
        let claims = json!({
            "jti": self.jti, "aud": self.spk, "exp": exp, "iat": now() - 5, "iss": iss,
            "scope": scope,
        });
        let header = r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#.to_owned();
        Login { header, claims, seed, spk: self.spk.clone() }
    }
}

impl From<&Reply> for Challenge {
    fn from(reply: &Reply) -> Self {
        Self {
            exp: reply.json()["exp"].as_u64().unwrap(),
            spk: reply.text("spk"),
            jti: reply.text("jti"),
            eid: reply.text("eid"),
        }
    }
}

impl Login {
    /// Signs it.
    pub fn sign(&self) -> String {
        self.sign_text(&self.claims.to_string())
    }

    /// Signs these claims instead, to the letter.
    pub fn sign_text(&self, claims: &str) -> String {
        let spk: [u8; 32] = Base64::decode_vec(&self.spk).unwrap().try_into().unwrap();
        let secret = StaticSecret::from(self.seed).diffie_hellman(&PublicKey::from(spk));
        let text = format!("{}.{}", encode(&self.header), encode(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = Base64UrlUnpadded::encode_string(hmac::sign(&key, text.as_bytes()).as_ref());
        format!("{text}.{tag}")
    }

    /// Signs it and sends it.
    pub fn send(&self, client: &Client) -> Reply {
        send(client, &self.sign())
    }
}

/// Sends a login token.
pub fn send(client: &Client, token: &str) -> Reply {
    client.call("POST", "/api/auth/token", None, Some(&json!({ "auth": token })))
}

/// The `cfg` of an initialisation, for the owner of `passphrase` as the user.
pub fn new_settings(passphrase: &str, eid: &str, origin: &str) -> Value {
    json!({
        "user": "user", "masterkey": public(passphrase, eid), "userkey": public(passphrase, eid),
        "hostname": "localhost", "origin": origin, "trusted_ts": false, "trusted_backend": false,
        "allow_keysearch": false, "email": "user@example.org",
    })
}

/// Initialises a fresh device: the master key is that of [`MASTER`], the user's that of [`USER`].
pub fn initialise(client: &Client, origin: &str) -> Reply {
    let challenge = Challenge::from(&client.call("GET", "/api/auth/init", None, None));
    let mut init = challenge.answer(MASTER, "", challenge.exp);
    init.claims["cfg"] = new_settings(USER, &challenge.eid, origin);
    client.call("POST", "/api/auth/init", None, Some(&json!({ "init": init.sign() })))
}

/// A bearer token for `scope`, good for an hour.
///
/// # Panics
/// When the login fails.
pub fn bearer(client: &Client, passphrase: &str, scope: &str) -> String {
    let login = Challenge::ask(client).answer(passphrase, scope, now() + 3600);
    login.send(client).text("token")
}

/// The private key that `passphrase` stands for on the device with this `eid`.
pub fn seed(passphrase: &str, eid: &str) -> [u8; 32] {
    static SEEDS: LazyLock<Mutex<Seeds>> = LazyLock::new(Mutex::default);
    let name = (passphrase.to_owned(), eid.to_owned());
    let known = SEEDS.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
    known.unwrap_or_else(|| {
        let mut seed = [0; 32];
        let (rounds, salt) = (NonZeroU32::new(600_000).unwrap(), eid.as_bytes());
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, passphrase.as_bytes(), &mut seed);
        SEEDS.lock().unwrap_or_else(PoisonError::into_inner).insert(name, seed);
        seed
    })
}

/// The public key of [`seed`], base64.
pub fn public(passphrase: &str, eid: &str) -> String {
    let secret = StaticSecret::from(seed(passphrase, eid));
    Base64::encode_string(PublicKey::from(&secret).as_bytes())
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// base64url without padding.
pub fn encode(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

/// Private keys by passphrase and `eid`.
type Seeds = HashMap<(String, String), [u8; 32]>;
