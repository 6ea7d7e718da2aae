//! An external authenticator in software (A7): its key, its answers, scheme A.

use serde_json::{Value, json};

use crate::encoding::{base64, kid_of, random, unbase64};
use crate::jwt::{self, Opened, hmac_sha256};
use crate::login::Secret;
use crate::software::cipher;
use crate::verdict::{OrFails, Verdict, ensure};

/// A phone, or whatever else somebody consents with.
pub(crate) struct Phone {
    secret: Secret,
    /// The name under which it is paired, base64 of 32 bytes.
    pub(crate) pid: String,
}

impl Phone {
    /// A phone with fresh keys.
    pub(crate) fn new() -> Verdict<Self> {
        Ok(Self { secret: Secret::of_bytes(random()?), pid: base64(&random::<32>()?) })
    }

    /// The KID under which the device keeps its public key.
    pub(crate) fn kid(&self) -> String {
        kid_of(&self.secret.public())
    }

    /// Its public key, base64.
    pub(crate) fn public(&self) -> String {
        base64(&self.secret.public())
    }

    /// Its answer to a request for pairing with the device `eid`; `epk`: a key of the moment, base64.
    pub(crate) fn pair(&self, jti: &str, eid: &str, label: &str, epk: &str) -> Verdict<String> {
        let claims = json!({
            "jti": jti, "iss": self.public(), "aud": eid, "label": label, "epk": epk,
        });
        Ok(jwt::sign(&header(), &claims, &self.secret.agree(eid)?))
    }

    /// What the request for a consent asks this phone for.
    pub(crate) fn read(&self, request: &Opened, eid: &str) -> Verdict<String> {
        let scope = request.claims.get("scope").and_then(|scopes| scopes.get(&self.pid));
        let scope = scope.and_then(Value::as_str);
        let scope = scope.or_fails(|| "authreq: no scope for this authenticator".to_owned())?;
        open_scope(&self.secret.agree(eid)?, &request.text("jti")?, scope)
    }

    /// Its consent to `scope` until `exp`.
    pub(crate) fn consent(&self, request: &Opened, scope: &str, exp: u64) -> Verdict<Value> {
        let (eid, jti) = (request.text("iss")?, request.text("jti")?);
        let sealed = seal_scope(&self.secret.agree(&eid)?, &jti, scope)?;
        Ok(json!({
            "aud": eid, "jti": jti, "exp": exp, "iat": request.number("iat")?,
            "pid": self.pid, "iss": self.public(), "scope": sealed,
        }))
    }

    /// Such claims, signed.
    pub(crate) fn sign(&self, claims: &Value, eid: &str) -> Verdict<String> {
        Ok(jwt::sign(&header(), claims, &self.secret.agree(eid)?))
    }
}

/// Scheme A: `A`, then base64 of a ciphertext and a MAC, both under keys of this one request.
fn seal_scope(shared: &[u8], jti: &str, scope: &str) -> Verdict<String> {
    let keys = keys(shared, jti)?;
    let (key, iv) = keys.split_at(16);
    let sealed = cipher::seal_cbc(key, iv, scope.as_bytes())?;
    let mac = hmac_sha256(&keys, scope.as_bytes());
    Ok(format!("A{}", base64(&[sealed, mac].concat())))
}

fn open_scope(shared: &[u8], jti: &str, text: &str) -> Verdict<String> {
    let bytes = text.strip_prefix('A').and_then(unbase64);
    let bytes = bytes.or_fails(|| "a scope that is not of scheme A".to_owned())?;
    let length = bytes.len().checked_sub(32).or_fails(|| "a scope without a MAC".to_owned())?;
    let (sealed, mac) = bytes.split_at(length);
    let keys = keys(shared, jti)?;
    let (key, iv) = keys.split_at(16);
    let plain = cipher::open_cbc(key, iv, sealed)?;
    ensure(hmac_sha256(&keys, &plain) == mac, || "a scope with another MAC".to_owned())?;
    String::from_utf8(plain).or_fails(|| "a scope that is not text".to_owned())
}

fn keys(shared: &[u8], jti: &str) -> Verdict<Vec<u8>> {
    let jti = unbase64(jti).or_fails(|| "a jti that is not base64".to_owned())?;
    Ok(hmac_sha256(shared, &jti))
}

fn header() -> Value {
    json!({ "ecdh": "x25519", "alg": "HS256", "typ": "JWT" })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{open_scope, seal_scope};
    use crate::encoding::{unbase64, unhex};
    use crate::jwt::Opened;
    use crate::login::Secret;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../vectors/hem.json")).unwrap()
    }

    #[test]
    fn the_published_scopes_open_and_the_changed_one_does_not() {
        let vectors = &vectors()["ext_scheme_A_authenticator"];
        let shared = unbase64(vectors["z"].as_str().unwrap()).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let opened = open_scope(&shared, text("jti"), text("value"));
            if case["mac_valid"] == Value::Bool(true) {
                assert_eq!(opened.unwrap(), text("plain"));
                let sealed = seal_scope(&shared, text("jti"), text("plain")).unwrap();
                assert_eq!(sealed, text("value"));
            } else {
                assert!(opened.is_err());
            }
        }
    }

    #[test]
    fn the_request_of_a_real_device_opens() {
        let vector = &vectors()["ext_authreq_real_device"];
        let text = |name: &str| vector[name].as_str().unwrap();
        let secret = |name| Secret::of_bytes(unhex(text(name)).unwrap().try_into().unwrap());
        let request = Opened::of(text("authreq")).unwrap();
        // The authenticator's keys, one of which it is paired with; the device's are its own.
        let (identity, ephemeral) = (secret("identity_priv"), secret("eph_priv"));
        let eid = request.text("iss").unwrap();
        assert_eq!(crate::encoding::base64(&ephemeral.public()), request.text("aud").unwrap());
        request.is_by(&ephemeral.agree(&eid).unwrap()).unwrap();
        let sealed = request.claims["scope"][text("pid")].as_str().unwrap();
        let jti = request.text("jti").unwrap();
        let scope = open_scope(&identity.agree(&eid).unwrap(), &jti, sealed).unwrap();
        assert_eq!(scope, text("scope"));
    }
}
