//! Which refusal comes first (A1, A2, A15 25, T-11.6), and what the administrator may not.

use serde_json::{Value, json};

use super::{Check, check};
use crate::device::{Device, Role};
use crate::kinds::{KINDS, Kind};
use crate::verdict::{OrFails, Verdict};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A1-order-401", "no token is 401 before all that is wrong with a body", token_first),
        check("A1-order-413", "a body that is too long is 413 before a missing token", size_first),
        check("T-11.6", "another key's token is 403, before any 406", scope_first),
        check("A2-exact", "cryptography takes the exact scope, not a longer one", is_exact),
        check("A2-prefix", "other scopes go on after a colon, and not after a letter", goes_on),
        check("A15-25", "a KID that is none is 400 before the scope is looked at", kid_first),
        check("A2-master-keys", "the administrator has no keys: 403 everywhere", master_has_none),
    ]
}

/// All of `crypto` with a body that would do if only a key were named.
const OPERATIONS: [(&str, &str); 13] = [
    ("hmac/hash", r#"{"msg":"AAAA"}"#),
    ("hmac/verify", r#"{"msg":"AAAA","mac":"AAAA"}"#),
    ("exdsa/sign", r#"{"msg":"AAAA","alg":"Ed25519"}"#),
    ("exdsa/verify", r#"{"msg":"AAAA","alg":"Ed25519","sign":"AAAA"}"#),
    ("cipher/encrypt", r#"{"msg":"AAAA","alg":"AES256-GCM"}"#),
    ("cipher/decrypt", r#"{"msg":"AAAAAAAAAAAAAAAAAAAAAA==","alg":"AES256-ECB"}"#),
    ("cipher/wrap", r#"{"msg":"AAAAAAAAAAAAAAAAAAAAAA=="}"#),
    ("cipher/unwrap", r#"{"msg":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#),
    ("ecdh", r#"{"pubkey":"AAAA"}"#),
    ("pqc/mlkem/encaps", "{}"),
    ("pqc/mlkem/decaps", r#"{"ct":"AAAA"}"#),
    ("pqc/mldsa/sign", r#"{"msg":"AAAA"}"#),
    ("pqc/mldsa/verify", r#"{"msg":"AAAA","sign":"AAAA"}"#),
];

fn operations() -> Verdict<Vec<(String, Value)>> {
    let each = |(path, body): (&str, &str)| {
        let body = serde_json::from_str(body).or_fails(|| path.to_owned())?;
        Ok((format!("/api/crypto/{path}"), body))
    };
    OPERATIONS.into_iter().map(each).collect()
}

fn token_first(device: &Device) -> Verdict {
    for (path, body) in operations()? {
        device.post(&path, None, &super::with(&body, "kid", "zz"))?.refuses(401)?;
    }
    for path in ["create", "import", "derive", "update"] {
        device.post(&format!("/api/keymgmt/{path}"), None, &json!({ "x": 1 }))?.refuses(401)?;
    }
    for path in ["keymgmt/list", "keymgmt/get/zz", "logger/key", "logger/list", "system/config"] {
        device.get(&format!("/api/{path}"), None)?.refuses(401)?;
    }
    for path in ["system/reboot", "system/shutdown", "logger/00000000"] {
        device.get(&format!("/api/{path}"), None)?.refuses(401)?;
    }
    for path in ["system/config", "auth/ext/init", "auth/ext/validate", "auth/ext/mac"] {
        device.post(&format!("/api/{path}"), None, &json!({ "x": 1 }))?.refuses(401)?;
    }
    Ok(())
}

fn size_first(device: &Device) -> Verdict {
    let body = json!({ "msg": "A".repeat(8000) });
    device.post("/api/crypto/hmac/hash", None, &body)?.refuses(413).map(drop)
}

fn scope_first(device: &Device) -> Verdict {
    device.deal()?;
    let [one, two, ..] = KINDS;
    let token = device.user(&format!("keymgmt:use:{}", device.key(two)?))?;
    let foreign = [device.key(one)?, "00000000000000000000000000000000".to_owned()];
    for (path, body) in operations()? {
        for kid in &foreign {
            let body = super::with(&body, "kid", kid.as_str());
            device.post(&path, Some(&token), &body)?.refuses(403)?;
        }
    }
    Ok(())
}

fn is_exact(device: &Device) -> Verdict {
    let kind = Kind::of(&[crate::kinds::Family::Hash]);
    let Some(kind) = kind.first() else { return Ok(()) };
    let kid = device.key(*kind)?;
    let body = json!({ "kid": kid, "msg": "AAAA" });
    let half: String = kid.chars().take(31).collect();
    for scope in
        [format!("keymgmt:use:{kid}:x"), format!("keymgmt:use:{half}"), "keymgmt:use".to_owned()]
    {
        device.user_post(&scope, "/api/crypto/hmac/hash", &body)?.refuses(403)?;
    }
    let upper = super::with(&body, "kid", kid.to_ascii_uppercase());
    let scope = format!("keymgmt:use:{kid}");
    device.user_post(&scope, "/api/crypto/hmac/hash", &upper)?.is(200).map(drop)
}

fn goes_on(device: &Device) -> Verdict {
    device.user_get("keymgmt:list:more", "/api/keymgmt/list")?.is(200)?;
    let glued = device.user_get("keymgmt:listXYZ", "/api/keymgmt/list")?;
    let statuses: &[u16] = if super::is_claviger(device)? { &[403] } else { &[403, 200] };
    glued.one_of(statuses)?;
    device.user_get("keymgmt", "/api/keymgmt/list")?.refuses(403).map(drop)
}

fn kid_first(device: &Device) -> Verdict {
    let token = device.user("system:wrong")?;
    for (path, body) in operations()? {
        for kid in [json!("zz"), json!(7), Value::Null] {
            let body = super::with(&body, "kid", kid);
            device.post(&path, Some(&token), &body)?.refuses(400)?;
        }
        let named = json!({ "kid": "00000000000000000000000000000000" });
        device.post(&path, Some(&token), &named)?.refuses(403)?;
    }
    Ok(())
}

fn master_has_none(device: &Device) -> Verdict {
    let [kind, ..] = KINDS;
    let kid = device.key(kind)?;
    let own = format!("keymgmt:use:{kid}");
    let scopes = [&own, "keymgmt:list", "keymgmt:del", "keymgmt:gen", "keymgmt:search"];
    device.log_in(Role::Master, &scopes.map(str::to_owned))?;
    let token = device.master(&own)?;
    for (path, body) in operations()? {
        let body = super::with(&body, "kid", kid.as_str());
        device.post(&path, Some(&token), &body)?.refuses(403)?;
    }
    device.get(&format!("/api/keymgmt/get/{kid}"), Some(&token))?.refuses(403)?;
    device.get("/api/keymgmt/list", Some(&device.master("keymgmt:list")?))?.refuses(403)?;
    let delete = device.master("keymgmt:del")?;
    device.delete(&format!("/api/keymgmt/delete/{kid}"), &delete)?.refuses(403)?;
    let body = json!({ "label": "conformance x", "type": "AES256" });
    let token = device.master("keymgmt:gen")?;
    device.post("/api/keymgmt/create", Some(&token), &body)?.refuses(403)?;
    let body = json!({ "descr": "AAAA" });
    let token = device.master("keymgmt:search")?;
    device.post("/api/keymgmt/search", Some(&token), &body)?.refuses(403).map(drop)
}
