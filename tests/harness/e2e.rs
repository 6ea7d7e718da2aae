//! A client of the API for end-to-end key exchanges, in each of its forms.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptingKey, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::client::{Client, Reply};

/// Where keys are sent to and fetched from.
pub const KEY: &str = "/v1/security/e2eKey";
/// Where payloads are opened.
pub const DATA: &str = "/v1/security/e2eData";
/// What the client and its installation call themselves.
pub const VISITOR: [(&str, &str); 2] =
    [("uuid", "an-installation"), ("X-IBM-Client-Id", "a-client")];

/// How a session is begun, with the keys that the client has made for it.
#[derive(Clone, Copy)]
pub enum Form {
    /// The key of the device is fetched.
    Browser,
    /// A key and an initialisation vector are sent.
    One([u8; 32], [u8; 16]),
    /// A key, an initialisation vector and a key for MACs are sent.
    Two([u8; 32], [u8; 16], [u8; 32]),
}

/// The device's RSA key.
pub struct DeviceKey(Pkcs1PublicEncryptingKey);

/// A session, and the event that is due in it.
pub struct Session {
    device: DeviceKey,
    form: Form,
    /// As the next payload has to name it.
    pub event: String,
}

impl DeviceKey {
    /// The one that the device shows; for whoever asks that begins a browser's session.
    pub fn shown(reply: &Reply) -> Self {
        let part = |name: &str| {
            let digits = reply.text(name);
            unhex(&if digits.len().is_multiple_of(2) { digits } else { format!("0{digits}") })
        };
        let numbers = PublicKeyComponents { n: part("modulus"), e: part("exponent") };
        let public: PublicEncryptingKey = numbers.try_into().unwrap();
        Self(Pkcs1PublicEncryptingKey::new(public).unwrap())
    }

    /// `plain`, encrypted: hexadecimal digits.
    pub fn seal(&self, plain: &[u8]) -> String {
        let mut sealed = vec![0; self.0.ciphertext_size()];
        hex(self.0.encrypt(plain, &mut sealed).unwrap())
    }
}

impl Form {
    /// Where the keys of this form are sent to, and what is sent.
    pub fn offer(&self, device: &DeviceKey) -> Option<(&'static str, Value)> {
        match self {
            Self::Browser => None,
            Self::One(key, iv) => Some((
                KEY,
                json!({
                    "encryptedKey": hex(iv) + &device.seal(key),
                    "checkDigit": check_digit(key, iv),
                    "algorithm": "AES",
                }),
            )),
            Self::Two(key, iv, mac) => Some((
                "/security/e2e/key",
                json!({
                    "algorithm": "AES",
                    "encryptedPayload": device.seal((hex(key) + &hex(iv) + &hex(mac)).as_bytes()),
                    "encKeyCheckDigit": check_digit(key, iv),
                    "hmacKeyCheckDigit": check_digit(mac, iv),
                }),
            )),
        }
    }

    /// The event in an answer.
    fn event(&self, reply: &Reply) -> String {
        let shown = reply.header("eventid");
        match self {
            Self::Browser => shown.to_owned(),
            Self::One(key, iv) => decrypted(key, iv, unhex(shown)),
            Self::Two(key, iv, mac) => {
                let (sealed, tag) = shown.split_once('.').unwrap();
                let sealed = Base64::decode_vec(sealed).unwrap();
                hmac::verify(&mac_key(mac), &sealed, &Base64::decode_vec(tag).unwrap()).unwrap();
                decrypted(key, iv, sealed)
            }
        }
    }
}

impl Session {
    /// Begins one, by a token with both scopes.
    ///
    /// # Panics
    /// When the device refuses.
    pub fn begin(client: &Client, token: &str, form: Form) -> Self {
        let shown = ask(client, "GET", KEY, token, None);
        let device = DeviceKey::shown(&shown);
        let begun = form.offer(&device).map(|(path, body)| {
            let reply = ask(client, "POST", path, token, Some(&body));
            assert!([200, 201].contains(&reply.status), "{reply:?}");
            reply
        });
        let event = form.event(begun.as_ref().unwrap_or(&shown));
        Self { device, form, event }
    }

    /// A payload with this text, a letter for what it is and the data, for the event that is due.
    pub fn frame(&self, text: &str) -> String {
        let (event, before) = (&self.event, "c".repeat(32));
        match &self.form {
            Form::Browser => self.device.seal(format!("{event},{text}").as_bytes()),
            Form::One(key, iv) => hex(&encrypted(key, iv, &format!("{before}{event}{text}"))),
            Form::Two(key, iv, mac) => {
                let sealed = encrypted(key, iv, &format!("{before}{event}{text}"));
                let tag = hmac::sign(&mac_key(mac), &sealed);
                [sealed.as_slice(), tag.as_ref()].map(Base64::encode_string).join(".")
            }
        }
    }

    /// Sends a payload; `more` is what else the body has.
    ///
    /// # Panics
    /// When the device refuses.
    pub fn send(&mut self, client: &Client, token: &str, text: &str, more: &Value) -> Reply {
        let mut body = json!({ "encryptedPayload": self.frame(text) });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = ask(client, "POST", DATA, token, Some(&body));
        assert_eq!(reply.status, 200, "{reply:?}");
        self.event = self.form.event(&reply);
        reply
    }
}

/// A request by this client.
pub fn ask(client: &Client, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
    try_ask(client, method, path, token, body)
        .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
}

/// A request by this client, which may remain without an answer.
///
/// # Errors
/// What the HTTP client says.
pub fn try_ask(
    client: &Client,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> reqwest::Result<Reply> {
    client.try_send(method, path, |request| {
        let request = request.bearer_auth(token);
        let request =
            VISITOR.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    })
}

/// The beginning of sixteen spaces in CBC.
fn check_digit(key: &[u8; 32], iv: &[u8; 16]) -> String {
    let mut block = iv.map(|byte| byte ^ b' ');
    let cipher = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, key).unwrap()).unwrap();
    cipher.encrypt(&mut block).unwrap();
    hex(&block[..3])
}

fn encrypted(key: &[u8; 32], iv: &[u8; 16], plain: &str) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, key).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut text = plain.as_bytes().to_vec();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(iv.into())).unwrap();
    text
}

fn decrypted(key: &[u8; 32], iv: &[u8; 16], mut sealed: Vec<u8>) -> String {
    let key = UnboundCipherKey::new(&AES_256, key).unwrap();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let plain = key.decrypt(&mut sealed, DecryptionContext::Iv128(iv.into())).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

fn mac_key(mac: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
