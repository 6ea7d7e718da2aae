//! What the other surfaces are asked: requests that are not one operation of a token, so that they have
//! no raw counterpart. What part of their CPU time the worker has, and the token, is measured.

use ::tests::client::Client;
use ::tests::daemon::USER;
use ::tests::e2e;
use ::tests::login::bearer;
use ::tests::make::Make;
use hsm_profiles::KeyType;
use serde_json::{Value, json};

use crate::subject::Subject;
use crate::trouble::Trouble;
use crate::wire::{post, post_with, request};

/// A request of another surface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Errand {
    /// `POST /rest/key-agreement` by this scheme.
    Agreement(&'static str),
    /// `POST /rest/login`: Argon2id, and answers that are held back.
    Login,
    /// `POST /v1/security/e2eKey`: RSA-2048.
    ExchangeKey,
    /// `POST /api/kc/encapsulate_key`: ML-KEM-768, after an ML-DSA-65 signature is verified.
    Encapsulate,
    /// `POST /api/kc/decapsulate_key`: ML-KEM-768.
    Decapsulate,
    /// `POST /api/signature/sign`: ML-DSA-65.
    Sign,
    /// `PUT /Service`: a short text, to be encrypted here.
    SendMessage,
    /// `GET /Service` with the passphrase: Argon2id, and one short text that the token opens.
    ReadMessage,
}

impl Errand {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 11] = [
        Self::Agreement("SCHEME-AES1"),
        Self::Agreement("SCHEME-AES2"),
        Self::Agreement("SCHEME-EC-AES1"),
        Self::Agreement("SCHEME-EC-AES2"),
        Self::Login,
        Self::ExchangeKey,
        Self::Encapsulate,
        Self::Decapsulate,
        Self::Sign,
        Self::SendMessage,
        Self::ReadMessage,
    ];

    /// What `--only` and the JSON of a report call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agreement(scheme) => scheme,
            Self::Login => "login",
            Self::ExchangeKey => "e2e-key",
            Self::Encapsulate => "encapsulate",
            Self::Decapsulate => "decapsulate",
            Self::Sign => "sign",
            Self::SendMessage => "send-message",
            Self::ReadMessage => "read-message",
        }
    }

    /// What people call it.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Agreement(scheme) => format!("key agreement, {scheme}"),
            Self::Login => "a login by a password".to_owned(),
            Self::ExchangeKey => "end-to-end key exchange, RSA-2048".to_owned(),
            Self::Encapsulate => "ML-KEM-768 encapsulation, signature verified".to_owned(),
            Self::Decapsulate => "ML-KEM-768 decapsulation, post-quantum API".to_owned(),
            Self::Sign => "ML-DSA-65 signature, post-quantum API".to_owned(),
            Self::SendMessage => "a message sent to the key service".to_owned(),
            Self::ReadMessage => {
                "a message read from the key service, by its passphrase".to_owned()
            }
        }
    }

    /// Whether it takes a key of a type that the token of this run lacks: the worker computes then,
    /// and all that the token does is to open the key.
    pub(crate) fn is_sealed(self) -> bool {
        let kind = match self {
            Self::Decapsulate => KeyType::MlKem768,
            Self::Sign => KeyType::MlDsa65,
            _ => return false,
        };
        !Make::current().holds(kind.name())
    }

    /// The bytes of the request; `None` where the token of this run does not do it.
    pub(crate) fn request(self, subject: &Subject) -> Result<Option<Vec<u8>>, Trouble> {
        let client = Client::of(&subject.daemon);
        match self {
            Self::Agreement(scheme) => agreement(subject, &client, scheme),
            Self::Login => login(subject).map(Some),
            Self::ExchangeKey => exchange(subject, &client).map(Some),
            Self::Encapsulate | Self::Decapsulate => key_exchange(self, subject, &client).map(Some),
            Self::SendMessage | Self::ReadMessage => message(self, subject, &client).map(Some),
            Self::Sign => {
                let token = bearer(&client, USER, "pqc:sign");
                let body = json!({ "algorithm": "ML-DSA-65", "data": "5a".repeat(16) });
                Ok(Some(post(&subject.place, "/api/signature/sign", &token, &body.to_string())))
            }
        }
    }
}

fn agreement(subject: &Subject, client: &Client, scheme: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let file: Value = serde_json::from_str(VECTORS)?;
    let cases = file.get("cases").and_then(Value::as_array);
    let case = cases.into_iter().flatten().find(|case| case["scheme"] == scheme);
    let offer = json!({
        "identifier": file["identifier_client_b64"],
        "nonce": file["nonce_b64"],
        "public_key": case.ok_or("the vectors lack a scheme")?["client_pub_raw"],
        "supported_schemes": [scheme],
    });
    let path = "/rest/key-agreement";
    match client.call("POST", path, None, Some(&offer)).status {
        200 => Ok(Some(post_with(&subject.place, path, &[], &offer.to_string()))),
        _ => Ok(None),
    }
}

fn login(subject: &Subject) -> Result<Vec<u8>, Trouble> {
    // `clavigerd dev` leaves it beside the certificate.
    let file = subject.daemon.ready().ca_file.with_file_name("operator-password");
    let password = std::fs::read_to_string(file)?;
    let body = json!({ "domain": "", "username": "operator", "password": password.trim() });
    Ok(post_with(&subject.place, "/rest/login", &[], &body.to_string()))
}

/// An AES key under the device's RSA key, with its check digit.
fn exchange(subject: &Subject, client: &Client) -> Result<Vec<u8>, Trouble> {
    let token = bearer(client, USER, "e2e:exchange");
    let shown = e2e::ask(client, "GET", e2e::KEY, &token, None);
    let offer = e2e::Form::One([0x5a; 32], [0xa5; 16]).offer(&e2e::DeviceKey::shown(&shown));
    let (path, body) = offer.ok_or("nothing is sent")?;
    let bearer = format!("Bearer {token}");
    let [one, other] = e2e::VISITOR;
    let headers = [("Authorization", bearer.as_str()), one, other];
    Ok(post_with(&subject.place, path, &headers, &body.to_string()))
}

fn key_exchange(errand: Errand, subject: &Subject, client: &Client) -> Result<Vec<u8>, Trouble> {
    let token = bearer(client, USER, "pqc:kem");
    let ask = |path: &str, body: &Value| client.post(&format!("/api/kc/{path}"), &token, body);
    let made = ask("generate_keys", &json!({ "algorithm": "ML-KEM-768" })).json();
    let offer = json!({
        "pk": made["pk"], "signature": made["signature"], "verif_key": made["verification_key"],
    });
    let (path, body) = match errand {
        Errand::Decapsulate => {
            let sent = ask("encapsulate_key", &offer).json();
            ("decapsulate_key", json!({ "cipher": sent["cipher"], "pk": made["pk"] }))
        }
        _ => ("encapsulate_key", offer),
    };
    Ok(post(&subject.place, &format!("/api/kc/{path}"), &token, &body.to_string()))
}

fn message(errand: Errand, subject: &Subject, client: &Client) -> Result<Vec<u8>, Trouble> {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let ask = |method: &str, body: String| {
        let reply = client.send(method, "/Service", |ask| ask.header(form.0, form.1).body(body));
        if reply.status == 200 { Ok(reply) } else { Err(format!("{method}: {reply:?}")) }
    };
    let key = ask("POST", "passphrase=bench".to_owned())?.text("KeyToken");
    let (send, read) =
        (format!("token={key}&message=bench"), format!("token={key}&passphrase=bench"));
    if errand == Errand::SendMessage {
        return Ok(request(&subject.place, "PUT /Service", &[form], &send));
    }
    ask("PUT", send)?;
    Ok(request(&subject.place, &format!("GET /Service?{read}"), &[], ""))
}

const VECTORS: &str = include_str!("../vectors/key-agreement.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deed::Deed;

    #[test]
    fn each_has_a_name_of_its_own() {
        let names = Errand::ALL.map(Errand::name);
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name) && Deed::from_name(name).is_none(), "{name}");
        }
    }
}
