//! The settings (A8, T-4): what they say, what changes them, what follows at once. Each is put back.

use serde_json::{Value, json};

use super::{Check, check, has_fields};
use crate::ask::Ask;
use crate::device::Device;
use crate::encoding::base64;
use crate::reply::Reply;
use crate::verdict::{OrFails, Trouble, Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A8-config", "config has its fields, for three scopes and both roles", is_whole),
        check("T-4.1", "a change is kept, and uts grows strictly", changes),
        check("T-4.2", "unknown fields alone: updated false, uts as before", ignores),
        check("A8-config-fixed", "hostname and ip can't be set", is_fixed),
        check("A8-config-400", "a bad value is 400 with {\"updated\":false}", refuses),
        check("A8-config-406", "wipeout false is 406, and nothing is wiped", keeps),
        check("A8-config-csr", "gen_csr answers a certificate request", requests),
        check("A8-config-userkey", "a userkey without its proof is refused", guards_its_user),
        check(
            "A1-412",
            "a foreign Origin is 412 first of all; an allowed one is named",
            checks_origin,
        ),
        check("A1-hsts", "HSTS is there when it is switched on", has_hsts),
        check("T-10.4-closed", "allow_keysearch off closes the anonymous search", closes_search),
    ]
}

fn config(device: &Device) -> Verdict<Reply> {
    device.user_get("system:config", PATH)?.is(200)
}

fn set(device: &Device, body: &Value) -> Verdict<Reply> {
    device.user_post("system:config", PATH, body)
}

/// Sets a field to a value, looks, and puts the old value back whatever was seen.
fn meanwhile(device: &Device, name: &str, value: Value, look: impl Fn() -> Verdict) -> Verdict {
    let before = config(device)?;
    let old = before.json()?.get(name).cloned();
    let old = old.or_fails(|| format!("config without {name:?}"))?;
    if old == value {
        return not_applicable(format!("{name} is {value} already"));
    }
    let mut body = serde_json::Map::new();
    body.insert(name.to_owned(), value);
    let done = set(device, &Value::Object(body.clone()))?.is(200)?;
    equal("updated", &done.field("updated")?, &Value::Bool(true))?;
    let seen = look();
    body.insert(name.to_owned(), old.clone());
    let back = set(device, &Value::Object(body)).and_then(|reply| reply.is(200));
    if let Err(Trouble::Fails(why)) = back {
        return fails(format!("{name} could not be put back to {old}: {why}"));
    }
    seen
}

fn is_whole(device: &Device) -> Verdict {
    let reply = config(device)?;
    has_fields(
        "config",
        &reply.json()?,
        &[
            "iat",
            "uts",
            "devid",
            "instanceid",
            "eid",
            "eid_sign",
            "user",
            "email",
            "hostname",
            "trusted_ts",
            "trusted_backend",
            "allow_keysearch",
            "origin",
            "http_option_hsts",
            "http_option_dosprot_mode",
            "spk",
            "nonce",
        ],
    )?;
    for name in ["eid", "eid_sign", "spk"] {
        reply.bytes_of(name, 32)?;
    }
    let devid = reply.text("devid")?;
    ensure(devid.len() == 16 && devid.bytes().all(|byte| byte.is_ascii_hexdigit()), || {
        format!("devid {devid:?} is not 16 hex digits")
    })?;
    equal("eid", &reply.text("eid")?, &device.challenge()?.eid)?;
    for scope in ["logger:get", "auth:ext:pair"] {
        device.user_get(scope, PATH)?.is(200)?;
    }
    device.user_get("keymgmt:gen", PATH)?.refuses(403)?;
    device.get(PATH, None)?.refuses(401)?;
    device.get(PATH, Some(&device.master("system:config")?))?.is(200).map(drop)
}

fn changes(device: &Device) -> Verdict {
    let before = config(device)?.number("uts")?;
    let email = "conformance@example.org";
    let master = device.master("system:config");
    meanwhile(device, "email", json!(email), || {
        let after = config(device)?;
        equal("email", &after.text("email")?.as_str(), &email)?;
        let uts = after.number("uts")?;
        ensure(uts > before, || format!("uts {uts} after {before}"))?;
        // A second change within the same second.
        let body = json!({ "email": "another@example.org" });
        match &master {
            Ok(token) => device.post(PATH, Some(token), &body)?.is(200)?,
            Err(_) => set(device, &body)?.is(200)?,
        };
        let again = config(device)?.number("uts")?;
        ensure(again > uts, || format!("uts {again} after {uts}"))
    })
}

fn ignores(device: &Device) -> Verdict {
    let before = config(device)?.number("uts")?;
    let reply = set(device, &json!({ "something": "else", "number": 7 }))?.is(200)?;
    equal("updated", &reply.field("updated")?, &Value::Bool(false))?;
    equal("uts", &config(device)?.number("uts")?, &before)
}

fn is_fixed(device: &Device) -> Verdict {
    let before = config(device)?;
    let body = json!({ "hostname": "other.example", "ip": "10.0.0.1/24" });
    let reply = set(device, &body)?.is(200)?;
    equal("updated", &reply.field("updated")?, &Value::Bool(false))?;
    equal("hostname", &config(device)?.text("hostname")?, &before.text("hostname")?)
}

fn refuses(device: &Device) -> Verdict {
    let before = config(device)?;
    for body in [
        json!({ "user": "u".repeat(75) }),
        json!({ "http_option_dosprot_mode": 5 }),
        json!({ "allow_keysearch": "yes" }),
        json!({ "email": 7 }),
        json!({ "email": "good@example.org", "user": "u".repeat(75) }),
    ] {
        let reply = set(device, &body)?.is(400)?;
        equal("updated", &reply.field("updated")?, &Value::Bool(false))?;
    }
    let after = config(device)?;
    equal("uts", &after.number("uts")?, &before.number("uts")?)?;
    equal("email", &after.text("email")?, &before.text("email")?)
}

fn keeps(device: &Device) -> Verdict {
    set(device, &json!({ "wipeout": false }))?.refuses(406)?;
    let status = device.get("/api/system/status", None)?.is(200)?.json()?;
    equal("inited", &status.get("inited"), &None)
}

fn requests(device: &Device) -> Verdict {
    let reply = set(device, &json!({ "gen_csr": true }))?.is(200)?;
    let csr = reply.text("csr")?;
    ensure(csr.contains("BEGIN CERTIFICATE REQUEST"), || format!("csr {csr:.40}"))
}

fn guards_its_user(device: &Device) -> Verdict {
    let nonce = config(device)?.text("nonce")?;
    let forged = json!({
        "userkey": base64(&[9; 32]), "userkey_nonce": nonce, "userkey_hmac": base64(&[1; 32]),
    });
    let alone = json!({ "userkey": base64(&[9; 32]) });
    for body in [forged, alone] {
        set(device, &body)?.one_of(&[400, 401, 406])?;
    }
    // The passphrase still logs in.
    device.login(crate::device::Role::User, "system:config", 60)?.is(200).map(drop)
}

fn checks_origin(device: &Device) -> Verdict {
    let good = "https://conformance.example";
    meanwhile(device, "origin", json!(good), || {
        let from = |path: &str, origin: &str| device.send(&Ask::get(path).header("Origin", origin));
        for path in ["/api/system/status", "/api/nothing", "/api/keymgmt/list"] {
            for foreign in ["https://other.example", "http://conformance.example"] {
                from(path, foreign)?.refuses(412)?;
            }
        }
        let bad_token = Ask::get("/api/system/status").header("Origin", "https://other.example");
        device.send(&bad_token.bearer("a.b.c"))?.refuses(412)?;
        let reply = from("/api/system/status", good)?.is(200)?;
        equal("allowed", &reply.header("access-control-allow-origin"), &Some(good))?;
        let vary = reply.header("vary").unwrap_or_default().to_ascii_lowercase();
        ensure(vary.contains("origin"), || format!("Vary {vary:?}"))?;
        device.get("/api/system/status", None)?.is(200).map(drop)
    })?;
    meanwhile(device, "origin", json!("*.conformance.example"), || {
        let from =
            |origin: &str| device.send(&Ask::get("/api/system/status").header("Origin", origin));
        from("https://a.conformance.example")?.is(200)?;
        from("https://conformance.example.org")?.refuses(412)?;
        from("https://xconformance.example")?.refuses(412).map(drop)
    })
}

fn has_hsts(device: &Device) -> Verdict {
    let header = || -> Verdict<Option<String>> {
        let reply = device.get("/api/system/status", None)?.is(200)?;
        Ok(reply.header("strict-transport-security").map(str::to_owned))
    };
    let on = config(device)?.field("http_option_hsts")? == Value::Bool(true);
    equal("header", &header()?.is_some(), &on)?;
    meanwhile(device, "http_option_hsts", json!(!on), || {
        equal("header", &header()?.is_some(), &!on)
    })
}

fn closes_search(device: &Device) -> Verdict {
    let ask = || {
        let body = json!({ "descr": format!("^{}", base64(b"CONFORMANCE:")) });
        device.post("/api/keymgmt/search", None, &body)
    };
    let open = config(device)?.field("allow_keysearch")? == Value::Bool(true);
    let status = |open: bool| if open { 200 } else { 401 };
    ask()?.is(status(open))?;
    meanwhile(device, "allow_keysearch", json!(!open), || ask()?.is(status(!open)).map(drop))
}

const PATH: &str = "/api/system/config";
