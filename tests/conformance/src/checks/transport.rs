//! The rules of A1 that hold for every request: 418, 411, 413, 400, 404, 401, OPTIONS, headers.

use serde_json::{Value, json};

use super::{Check, check, is_claviger};
use crate::ask::Ask;
use crate::device::{Device, descr};
use crate::encoding::{base64, other_base64};
use crate::reply::Reply;
use crate::verdict::{OrFails, Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A1-418", "keys and cryptography are 418 over plain HTTP, no reason", needs_tls),
        check("A1-418-port", "plain HTTP on the TLS port is 418, then closed", needs_tls_there_too),
        check("A1-plain", "auth, system, logger are served in plain, or 418", serves_plain),
        check("A1-json", "every answer is called application/json", is_json),
        check("A1-empty", "errors have no body and say so", errors_are_empty),
        check("A1-headers", "headers in Title-Case with a length, never chunked", has_titles),
        check("A1-411", "a POST without a length is 411", wants_a_length),
        check("A1-413", "7300 bytes of JSON are read, 7301 are 413", has_a_limit),
        check("A1-400", "broken JSON, a missing field, no Content-Type: 400", wants_json),
        check("A1-404", "an unknown path is 404", has_no_such_path),
        check(
            "A1-401",
            "an invalid token is 401 on every path, before routing",
            checks_tokens_first,
        ),
        check("A1-401-forms", "tokens of other forms are 401", refuses_odd_tokens),
        check("A1-options", "OPTIONS of any path is 204 with what CORS needs", has_options),
        check("A1-continue", "Expect: 100-continue is answered before the body", continues),
        check("A1-base64", "base64 is taken in either alphabet, padded or not", takes_base64),
        check("A1-unknown", "unknown fields of a body are ignored", ignores_fields),
        check("A1-problem", "with Accept, Claviger says what is wrong (RFC 9457)", explains),
    ]
}

/// What can't be asked without TLS; the paths of the firmware's own quirk last.
const SECRET: [(&str, &str); 8] = [
    ("GET", "/api/keymgmt/list"),
    ("POST", "/api/keymgmt/create"),
    ("POST", "/api/keymgmt/search"),
    ("GET", "/api/keymgmt/get/00000000000000000000000000000000"),
    ("POST", "/api/crypto/ecdh"),
    ("POST", "/api/crypto/pqc/mldsa/verify"),
    ("DELETE", "/api/keymgmt/delete/00000000000000000000000000000000"),
    ("POST", "/api/crypto/hmac/hash"),
];

fn needs_tls(device: &Device) -> Verdict {
    let strict = is_claviger(device)?;
    for (number, (method, path)) in SECRET.into_iter().enumerate() {
        let body = if method == "POST" { &b"{}"[..] } else { b"" };
        let ask = Ask::new(method, path).header("Content-Type", "application/json").body(body);
        let reply = device.send_plain(&ask)?;
        if !strict && number >= 6 && reply.status == 409 {
            continue;
        }
        equal("the reason", &reply.refuses(418)?.reason.as_str(), &"")?;
    }
    Ok(())
}

fn needs_tls_there_too(device: &Device) -> Verdict {
    if !is_claviger(device)? {
        return not_applicable("promised by Claviger alone");
    }
    let wire = device.wire.without_tls();
    for path in ["/api/keymgmt/list", "/api/system/status", "/", "/nothing"] {
        let reply = device.send_by(&wire, &Ask::get(path))?.refuses(418)?;
        equal("the reason", &reply.reason.as_str(), &"")?;
        equal("Connection", &reply.header("connection"), &Some("close"))?;
    }
    Ok(())
}

fn serves_plain(device: &Device) -> Verdict {
    let status = device.send_plain(&Ask::get("/api/system/status"))?.one_of(&[200, 418])?;
    let statuses = [status.status];
    for path in ["/api/system/version", "/api/auth/token"] {
        device.send_plain(&Ask::get(path))?.one_of(&statuses)?;
    }
    let want = if status.status == 200 { 401 } else { 418 };
    device.send_plain(&Ask::get("/api/logger/key"))?.refuses(want)?;
    if status.status == 200 {
        ensure(status.field("https")?.is_boolean(), || "https is no boolean".to_owned())?;
    }
    Ok(())
}

/// One answer of each kind.
fn samples(device: &Device) -> Verdict<Vec<Reply>> {
    Ok(vec![
        device.get("/api/system/status", None)?.is(200)?,
        device.get("/api/nothing", None)?.is(404)?,
        device.get("/api/system/config", None)?.is(401)?,
        device.get("/api/system/status", Some("a.b.c"))?.is(401)?,
        device.send(&Ask::post_text("/api/auth/token", "{"))?.is(400)?,
        device.send(&Ask::new("POST", "/api/auth/token").without_length())?.is(411)?,
    ])
}

fn is_json(device: &Device) -> Verdict {
    for reply in samples(device)? {
        let kind = reply.header("content-type").unwrap_or_default();
        equal(&reply.about, &kind, &"application/json")?;
    }
    Ok(())
}

fn errors_are_empty(device: &Device) -> Verdict {
    for reply in samples(device)?.into_iter().filter(|reply| reply.status != 200) {
        reply.without_body()?;
    }
    Ok(())
}

fn has_titles(device: &Device) -> Verdict {
    for reply in samples(device)? {
        if !is_claviger(device)? && reply.header("transfer-encoding").is_none() {
            return not_applicable("promised by Claviger alone");
        }
        for (name, _) in &reply.headers {
            let title = name.split('-').all(|word| word.starts_with(|c: char| !c.is_lowercase()));
            ensure(title, || format!("{}: header {name}", reply.about))?;
        }
        equal("Transfer-Encoding", &reply.header("transfer-encoding"), &None)?;
        let length = reply.header("content-length").and_then(|text| text.parse().ok());
        equal(&reply.about, &length, &Some(reply.body.len()))?;
    }
    Ok(())
}

fn wants_a_length(device: &Device) -> Verdict {
    for path in ["/api/auth/token", "/api/keymgmt/search"] {
        device.send(&Ask::new("POST", path).without_length())?.refuses(411)?;
        device.send(&Ask::new("POST", path))?.refuses(411)?;
    }
    Ok(())
}

fn has_a_limit(device: &Device) -> Verdict {
    let padded = |length: usize| {
        let body = json!({ "descr": "^Q09ORk9STUFOQ0U6", "pad": "" }).to_string();
        let pad = "a".repeat(length - body.len());
        body.replace("\"pad\":\"\"", &format!("\"pad\":\"{pad}\""))
    };
    let token = device.user("keymgmt:search")?;
    let ask = |length| Ask::post_text("/api/keymgmt/search", &padded(length)).bearer(&token);
    equal("bytes", &padded(7300).len(), &7300)?;
    device.send(&ask(7300))?.is(200)?;
    device.send(&ask(7301))?.refuses(413)?;
    device.send(&ask(100_000))?.refuses(413).map(drop)
}

fn wants_json(device: &Device) -> Verdict {
    let (path, token) = ("/api/keymgmt/create", device.user("keymgmt:gen")?);
    for text in ["{\"checked\":\"somedata\"", "[]", "null", "{}", "{\"label\":1,\"type\":2}"] {
        device.send(&Ask::post_text(path, text).bearer(&token))?.refuses(400)?;
    }
    let bare = Ask::new("POST", path).body(b"{}").bearer(&token);
    device.send(&bare)?.refuses(400).map(drop)
}

fn has_no_such_path(device: &Device) -> Verdict {
    for path in ["/api/nothing", "/api/keymgmt", "/api/crypto/ecdh/more", "/api/"] {
        device.get(path, None)?.refuses(404)?;
    }
    let token = device.user("keymgmt:list")?;
    device.post("/api/keymgmt/list", Some(&token), &json!({ "a": 1 }))?.refuses(404).map(drop)
}

fn checks_tokens_first(device: &Device) -> Verdict {
    let mut token = device.user("system:config")?;
    let last = token.pop().unwrap_or_default();
    // Not the last bits of a segment, which may be unused.
    token.insert(token.len() - 8, if last == 'A' { 'B' } else { 'A' });
    for path in ["/api/system/status", "/api/system/version", "/api/nothing", "/api/auth/token"] {
        device.get(path, Some(&token))?.refuses(401)?;
    }
    device.post("/api/auth/token", Some(&token), &json!({ "auth": "" }))?.refuses(401).map(drop)
}

fn refuses_odd_tokens(device: &Device) -> Verdict {
    let good = device.user("system:config")?;
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    let claims = good.split('.').nth(1).unwrap_or_default().to_owned();
    for odd in ["", "x", "a.b", "a.b.c", &format!("{none}.{claims}."), &format!("{good}x")] {
        device.get("/api/system/config", Some(odd))?.refuses(401)?;
    }
    Ok(())
}

fn has_options(device: &Device) -> Verdict {
    for path in ["/api/system/status", "/api/keymgmt/create", "/api/nothing"] {
        let ask = Ask::new("OPTIONS", path);
        let reply = device.send(&ask)?.is(204)?;
        ensure(reply.body.is_empty(), || "204 with a body".to_owned())?;
        let list = |name: &str| {
            let text = reply.header(name).unwrap_or_default().to_ascii_lowercase();
            let mut parts: Vec<_> = text.split(',').map(|part| part.trim().to_owned()).collect();
            parts.sort();
            parts.join(" ")
        };
        let methods = list("access-control-allow-methods");
        equal("methods", &methods.as_str(), &"delete get options post")?;
        let headers = list("access-control-allow-headers");
        let want = "authorization cache-control content-disposition content-type expires pragma";
        equal("headers", &headers.as_str(), &want)?;
        equal("age", &reply.header("access-control-max-age"), &Some("86400"))?;
        let credentials = reply.header("access-control-allow-credentials");
        equal("credentials", &credentials, &Some("true"))?;
    }
    Ok(())
}

fn continues(device: &Device) -> Verdict {
    let ask = Ask::post("/api/auth/token", &json!({})).header("Expect", "100-continue");
    let (head, body) = ask.parts(device.wire.host());
    let reply = device.wire.exchange_in_two(&head, &body);
    let reply = reply.or_fails(|| "Expect: 100-continue".to_owned())?;
    equal("status after 100", &reply.status, &400)
}

fn takes_base64(device: &Device) -> Verdict {
    // 0xfb 0xff: `+` and `/` in the standard alphabet; 8 bytes: padding.
    let needle = [0xfb, 0xff, 0xfe, 1, 2, 3, 4, 5];
    for text in [base64(&needle)].into_iter().chain(other_base64(&needle)) {
        let body = json!({ "descr": format!("^{text}") });
        let reply = device.user_post("keymgmt:search", "/api/keymgmt/search", &body)?.is(200)?;
        equal("total", &reply.number("total")?, &0)?;
    }
    let body = json!({ "descr": "^!!!!!!!!" });
    device.user_post("keymgmt:search", "/api/keymgmt/search", &body)?.refuses(400).map(drop)
}

fn ignores_fields(device: &Device) -> Verdict {
    let body =
        json!({ "descr": format!("^{}", descr("nothing")), "mode": "x", "deep": { "a": [1] } });
    device.user_post("keymgmt:search", "/api/keymgmt/search", &body)?.is(200).map(drop)
}

fn explains(device: &Device) -> Verdict {
    if !is_claviger(device)? {
        return not_applicable("promised by Claviger alone");
    }
    let ask = Ask::get("/api/system/config").header("Accept", "application/problem+json");
    let reply = device.send(&ask)?.is(401)?;
    equal("type", &reply.header("content-type"), &Some("application/problem+json"))?;
    for name in ["type", "title", "detail", "request_id"] {
        reply.field(name)?;
    }
    match reply.field("status")? {
        Value::Number(number) if number.as_u64() == Some(401) => Ok(()),
        other => fails(format!("status {other} in the body")),
    }
}
