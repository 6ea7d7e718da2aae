//! The first start (A6): a fresh device gets its user, its administrator and its settings, once.

use serde_json::{Value, json};

use super::{Check, check};
use crate::device::{Device, Role};
use crate::encoding::base64;
use crate::login::Challenge;
use crate::verdict::{Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("T-2.1-refuses", "a fresh device has no logins, and wants all settings", refuses),
        check("T-2.1", "a fresh device is initialised by a token of the master key", initialises),
        check("T-2.2", "an initialised device can't be initialised: 406", is_done),
    ]
}

fn refuses(device: &Device) -> Verdict {
    fresh(device)?;
    device.get("/api/auth/token", None)?.refuses(409)?;
    let body = json!({ "descr": "^QUFBQUFB" });
    device.post("/api/keymgmt/search", None, &body)?.refuses(409)?;
    device.post("/api/auth/init", None, &json!({}))?.refuses(400)?;
    let incomplete = signed(device, &json!({ "user": "conformance" }))?;
    device.post("/api/auth/init", None, &incomplete)?.refuses(400)?;
    Ok(())
}

fn initialises(device: &Device) -> Verdict {
    fresh(device)?;
    let eid = Challenge::of(&device.get("/api/auth/init", None)?.is(200)?)?.eid;
    let host = device.wire.host().split(':').next().unwrap_or_default();
    let settings = json!({
        "user": "conformance",
        "masterkey": base64(&device.secret(Role::Master, &eid)?.public()),
        "userkey": base64(&device.secret(Role::User, &eid)?.public()),
        "hostname": host, "origin": "*", "email": "conformance@example.org",
        "trusted_ts": true, "trusted_backend": false, "allow_keysearch": true,
        "ip": "192.168.7.1/24", "storage_mode": 81, "storage_disk0size": 8_388_608,
        "dnsd": false,
    });
    let reply = device.post("/api/auth/init", None, &signed(device, &settings)?)?.is(200)?;
    let id = reply.text("instanceid")?;
    equal("the form of instanceid", &id.split('-').count(), &5)?;
    let token = crate::jwt::Opened::of(&reply.text("token")?)?;
    equal("scope", &token.text("scope")?.as_str(), &"system:config")?;
    equal("sub", &token.text("sub")?.as_str(), &"U")?;
    equal("life", &(token.number("exp")? - token.number("iat")?), &28_800)?;
    let status = device.get("/api/system/status", None)?.is(200)?.json()?;
    ensure(status.get("inited").is_none(), || format!("inited is still there: {status}"))?;
    let config = device.user_get("system:config", "/api/system/config")?.is(200)?;
    equal("user", &config.text("user")?.as_str(), &"conformance")?;
    equal("eid", &config.text("eid")?, &eid)
}

fn is_done(device: &Device) -> Verdict {
    device.get("/api/auth/init", None)?.refuses(406)?;
    let forged = json!({ "init": "e30.e30.AAAA" });
    device.post("/api/auth/init", None, &forged)?.refuses(406).map(drop)
}

fn fresh(device: &Device) -> Verdict {
    let status = device.get("/api/system/status", None)?.is(200)?.json()?;
    match status.get("inited") {
        None => not_applicable("the device is initialised"),
        Some(Value::Bool(false)) if device.may.provision => Ok(()),
        Some(Value::Bool(false)) => not_applicable("without --provision"),
        Some(other) => fails(format!("inited is {other}; it is false or not there")),
    }
}

/// The request for an initialisation with these settings.
fn signed(device: &Device, settings: &Value) -> Verdict<Value> {
    let challenge = Challenge::of(&device.get("/api/auth/init", None)?.is(200)?)?;
    let master = device.secret(Role::Master, &challenge.eid)?;
    let mut claims = challenge.claims(master, "", challenge.exp);
    claims.remove("scope");
    claims.insert("cfg".to_owned(), settings.clone());
    Ok(json!({ "init": challenge.sign(master, claims)? }))
}
