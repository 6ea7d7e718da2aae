//! T-6 and A7: an authenticator in software is paired, consents to logins, and is unpaired.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lists::listed;
use super::{Check, check, is_claviger, with};
use crate::device::{Device, label};
use crate::encoding::{base64, random, unbase64};
use crate::jwt::{Opened, hmac_sha256};
use crate::login::Secret;
use crate::phone::Phone;
use crate::verdict::{OrFails, Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A7-mac", "ext/mac proves the identity key over a nonce", proves_itself),
        check("A7-pair", "pairing proves both sides and keeps the key as EXTAID", is_paired),
        check("A7-pair-refuses", "forged, replayed and doubled pairings are refused", refuses),
        check("T-3.2", "ext/init, validate and mac are the user's: 403 for M", is_the_users),
        check("T-6", "a login by consent: scheme A, sub, exp verbatim, and key use", consents),
        check("T-6-request", "authreq has its claims; use of a key says which", asks),
        check("A7-roles", "an authenticator may not configure or pair", may_not),
        check("A7-unpair", "deleting the key unpairs: consents are 406", is_unpaired),
        // The last of the room: it makes logins slow for a while.
        check("T-6-refuses", "answers that are forged, foreign or replayed open nothing", forged),
    ]
}

/// A phone that is paired.
fn paired(device: &Device) -> Verdict<(Phone, Value)> {
    let (phone, moment) = (Phone::new()?, Secret::of_bytes(random()?));
    let (request, eid) = invited(device, &phone)?;
    let epk = base64(&moment.public());
    let reply = phone.pair(&request.text("jti")?, &eid, &label("phone"), &epk)?;
    let body = json!({ "pid": phone.pid, "reply": reply });
    let answer = device.user_post(PAIR, "/api/auth/ext/validate", &body)?.is(200)?;
    equal("kid", &device.made(&answer)?, &phone.kid())?;
    let proof = hmac_sha256(&moment.agree(&eid)?, reply.as_bytes());
    equal("code", &answer.bytes("code")?, &proof)?;
    Ok((phone, body))
}

/// A request for pairing, verified, and the device's identity key.
fn invited(device: &Device, phone: &Phone) -> Verdict<(Opened, String)> {
    let moment = Secret::of_bytes(random()?);
    let body = json!({ "epk": base64(&moment.public()) });
    let reply = device.user_post(PAIR, "/api/auth/ext/init", &body)?.is(200)?;
    let (request, eid) = (Opened::of(&reply.text("request")?)?, reply.text("eid")?);
    request.is_by(&moment.agree(&eid)?)?;
    equal("header", &request.header.as_str(), &HEADER)?;
    equal("iss", &request.text("iss")?, &eid)?;
    equal("aud", &request.text("aud")?, &base64(&moment.public()))?;
    let now = device.challenge()?.now;
    let life = request.number("exp")?.saturating_sub(now);
    ensure((86_390..=86_400).contains(&life), || format!("it lives {life} s"))?;
    ensure(phone.public() != eid, || "the identity key is the phone's".to_owned())?;
    Ok((request, eid))
}

/// A request for a consent to `scope`, verified, and its key of the moment.
fn authreq(device: &Device, scope: &str) -> Verdict<Opened> {
    let moment = Secret::of_bytes(random()?);
    let body = json!({ "epk": base64(&moment.public()), "scope": scope, "ctx": "c", "note": "n" });
    let reply = device.post("/api/auth/ext/request", None, &body)?.is(200)?;
    let request = Opened::of(&reply.text("authreq")?)?;
    request.is_by(&moment.agree(&request.text("iss")?)?)?;
    equal("epk", &reply.text("epk")?, &base64(&moment.public()))?;
    Ok(request)
}

/// A token that a phone consents to.
fn consent(device: &Device, phone: &Phone, scope: &str) -> Verdict<String> {
    let request = authreq(device, scope)?;
    let eid = request.text("iss")?;
    let claims = phone.consent(&request, scope, request.number("iat")? + 600)?;
    let body = json!({ "authreply": phone.sign(&claims, &eid)? });
    device.post("/api/auth/ext/token", None, &body)?.is(200)?.text("token")
}

fn proves_itself(device: &Device) -> Verdict {
    let moment = Secret::of_bytes(random()?);
    let body = json!({ "epk": base64(&moment.public()) });
    let reply = device.user_post(PAIR, "/api/auth/ext/mac", &body)?.is(200)?;
    let nonce = reply.bytes_of("nonce", 32)?;
    let expected = hmac_sha256(&moment.agree(&reply.text("eid")?)?, &nonce);
    equal("mac", &reply.bytes("mac")?, &expected)?;
    equal("eid", &reply.text("eid")?, &device.challenge()?.eid)?;
    for path in ["/api/auth/ext/mac", "/api/auth/ext/init"] {
        for odd in [json!({}), json!({ "epk": base64(&[1; 31]) }), json!({ "epk": 1 })] {
            device.user_post(PAIR, path, &odd)?.refuses(400)?;
        }
    }
    Ok(())
}

fn is_paired(device: &Device) -> Verdict {
    let (phone, body) = paired(device)?;
    let key = listed(device)?.into_iter().find(|key| key.kid == phone.kid());
    let key = key.or_fails(|| "the phone's key is not listed".to_owned())?;
    equal("flags", &key.flags(), &["CURVE25519", "ECDH"].into_iter().collect())?;
    equal("label", &key.label, &label("phone"))?;
    let pid = unbase64(&phone.pid).unwrap_or_default();
    equal("descr", &key.descr, &Some(base64(&[b"EXTAID", &pid[..]].concat())))?;
    let found = json!({ "descr": "^RVhUQUlE" });
    let found = device.user_post(PAIR, "/api/keymgmt/search", &found)?.is(200)?;
    ensure(found.number("total")? >= 1, || "EXTAID finds nobody".to_owned())?;
    // The nonce is used up.
    device.user_post(PAIR, "/api/auth/ext/validate", &body)?.refuses(401)?;
    device.remove(&phone.kid())
}

fn refuses(device: &Device) -> Verdict {
    let (phone, other) = (Phone::new()?, Phone::new()?);
    let (request, eid) = invited(device, &phone)?;
    let epk = base64(&Secret::of_bytes(random()?).public());
    let ask = |body: Value| device.user_post(PAIR, "/api/auth/ext/validate", &body);
    let good = phone.pair(&request.text("jti")?, &eid, &label("phone"), &epk)?;
    ask(json!({ "pid": phone.pid }))?.refuses(400)?;
    ask(json!({ "reply": good }))?.refuses(400)?;
    let unknown = phone.pair(&base64(&[1; 32]), &eid, &label("phone"), &epk)?;
    ask(json!({ "pid": phone.pid, "reply": unknown }))?.refuses(401)?;
    let claims = Opened::of(&good)?.claims;
    let forged = other.sign(&claims, &eid)?;
    ask(json!({ "pid": phone.pid, "reply": forged }))?.refuses(401)?;
    // A key that is there already.
    let (first, _) = paired(device)?;
    let (request, _) = invited(device, &first)?;
    let again = first.pair(&request.text("jti")?, &eid, &label("phone"), &epk)?;
    ask(json!({ "pid": first.pid, "reply": again }))?.refuses(406)?;
    device.remove(&first.kid())
}

fn is_the_users(device: &Device) -> Verdict {
    let token = device.master(PAIR)?;
    let body = json!({ "epk": base64(&Secret::of_bytes(random()?).public()) });
    for path in ["init", "mac", "validate"] {
        let path = format!("/api/auth/ext/{path}");
        let asked = if path.ends_with("validate") {
            json!({ "pid": "", "reply": "" })
        } else {
            body.clone()
        };
        device.post(&path, Some(&token), &asked)?.refuses(403)?;
        device.user_post("keymgmt:gen", &path, &asked)?.refuses(403)?;
    }
    device.user_post("system:config", "/api/auth/ext/mac", &body)?.is(200).map(drop)
}

fn consents(device: &Device) -> Verdict {
    let (phone, _) = paired(device)?;
    let [kind, ..] = crate::kinds::KINDS;
    let kid = device.key(kind)?;
    let scope = format!("keymgmt:use:{kid}");
    let request = authreq(device, &scope)?;
    let eid = request.text("iss")?;
    let asked = phone.read(&request, &eid)?;
    let (plain, hint) = asked.split_once('#').unwrap_or((&asked, ""));
    equal("the scope asked for", &plain, &scope.as_str())?;
    let hint = unbase64(hint).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let hint = hint.or_fails(|| "no type and label behind the scope".to_owned())?;
    equal("the label shown", &hint.get("l"), &Some(&Value::from(label(kind.name))))?;
    let exp = request.number("iat")? + 600;
    let claims = phone.consent(&request, &asked, exp)?;
    let body = json!({ "authreply": phone.sign(&claims, &eid)? });
    let token = device.post("/api/auth/ext/token", None, &body)?.is(200)?.text("token")?;
    let opened = Opened::of(&token)?;
    equal("scope", &opened.text("scope")?, &scope)?;
    equal("exp", &opened.number("exp")?, &exp)?;
    let subject = crate::encoding::unhex(&phone.kid()).unwrap_or_default();
    equal("sub", &opened.text("sub")?, &base64(&subject))?;
    let use_it = json!({ "kid": kid, "ext_kid": kid });
    device.post("/api/crypto/ecdh", Some(&token), &use_it)?.is(200)?;
    device.post("/api/auth/ext/token", None, &body)?.refuses(401)?;
    let list = consent(device, &phone, "keymgmt:list")?;
    device.get("/api/keymgmt/list", Some(&list))?.is(200)?;
    device.remove(&phone.kid())
}

fn asks(device: &Device) -> Verdict {
    let (phone, _) = paired(device)?;
    let request = authreq(device, "keymgmt:list")?;
    equal("header", &request.header.as_str(), &HEADER)?;
    let eid = request.text("iss")?;
    equal("iss", &eid, &device.challenge()?.eid)?;
    equal("life", &(request.number("exp")? - request.number("iat")?), &3600)?;
    equal("ctx", &request.text("ctx")?.as_str(), &"c")?;
    equal("note", &request.text("note")?.as_str(), &"n")?;
    equal("the scope asked for", &phone.read(&request, &eid)?.as_str(), &"keymgmt:list")?;
    let [kind, ..] = crate::kinds::KINDS;
    let request = authreq(device, &format!("keymgmt:use:{}", device.key(kind)?))?;
    let life = request.number("exp")? - request.number("iat")?;
    equal("life for the use of a key", &life, &900)?;
    let epk = base64(&Secret::of_bytes(random()?).public());
    for odd in [json!({}), json!({ "epk": epk }), json!({ "epk": "AAAA", "scope": "x" })] {
        device.post("/api/auth/ext/request", None, &odd)?.refuses(400)?;
    }
    let long = json!({ "epk": epk, "scope": "keymgmt:list", "ctx": "c".repeat(65) });
    let reply = device.post("/api/auth/ext/request", None, &long)?.is(200)?;
    let claims = Opened::of(&reply.text("authreq")?)?.claims;
    ensure(claims.get("ctx").is_none(), || "a ctx of 65 characters is kept".to_owned())?;
    device.remove(&phone.kid())
}

fn forged(device: &Device) -> Verdict {
    let (phone, _) = paired(device)?;
    let stranger = Phone::new()?;
    // A15, 34: late, as the answers to logins are.
    let least = Duration::from_millis(if is_claviger(device)? { 500 } else { 0 });
    let ask = |reply: String| {
        let begin = Instant::now();
        let reply = device.post("/api/auth/ext/token", None, &json!({ "authreply": reply }))?;
        let took = begin.elapsed();
        ensure(took >= least, || format!("an answer after {took:?}"))?;
        Ok(reply)
    };
    device.post("/api/auth/ext/token", None, &json!({}))?.refuses(400)?;
    let fresh = || -> Verdict<(Value, String)> {
        let request = authreq(device, "keymgmt:list")?;
        let exp = request.number("iat")? + 600;
        Ok((phone.consent(&request, "keymgmt:list", exp)?, request.text("iss")?))
    };
    let (claims, eid) = fresh()?;
    ask(stranger.sign(&claims, &eid)?)?.refuses(401)?;
    let (claims, eid) = fresh()?;
    ask(phone.sign(&with(&claims, "jti", base64(&[1; 32])), &eid)?)?.refuses(401)?;
    let (claims, eid) = fresh()?;
    let foreign = with(&with(&claims, "pid", stranger.pid.as_str()), "iss", stranger.public());
    ask(stranger.sign(&foreign, &eid)?)?.refuses(406)?;
    let (claims, eid) = fresh()?;
    let other = with(&claims, "scope", format!("B{}", base64(&[0; 48])));
    ask(phone.sign(&other, &eid)?)?.refuses(406)?;
    let (claims, eid) = fresh()?;
    let other = with(&claims, "scope", format!("A{}", base64(&[0; 48])));
    ask(phone.sign(&other, &eid)?)?.refuses(406)?;
    device.remove(&phone.kid())
}

fn may_not(device: &Device) -> Verdict {
    let (phone, _) = paired(device)?;
    let token = consent(device, &phone, "system:config")?;
    device.get("/api/system/config", Some(&token))?.is(200)?;
    device.post("/api/system/config", Some(&token), &json!({ "x": 1 }))?.refuses(403)?;
    let body = json!({ "epk": base64(&Secret::of_bytes(random()?).public()) });
    for path in ["init", "mac"] {
        device.post(&format!("/api/auth/ext/{path}"), Some(&token), &body)?.refuses(403)?;
    }
    device.remove(&phone.kid())
}

fn is_unpaired(device: &Device) -> Verdict {
    let (phone, _) = paired(device)?;
    let request = authreq(device, "keymgmt:list")?;
    let eid = request.text("iss")?;
    let claims = phone.consent(&request, "keymgmt:list", request.number("iat")? + 600)?;
    device.remove(&phone.kid())?;
    let body = json!({ "authreply": phone.sign(&claims, &eid)? });
    device.post("/api/auth/ext/token", None, &body)?.refuses(406)?;
    let request = authreq(device, "keymgmt:list")?;
    let scopes = request.claims.get("scope").and_then(Value::as_object);
    let gone = scopes.is_some_and(|scopes| !scopes.contains_key(&phone.pid));
    ensure(gone, || "authreq still has a scope for it".to_owned())
}

const PAIR: &str = "auth:ext:pair";
const HEADER: &str = r#"{"ecdh":"x25519","typ":"JWT","alg":"HS256"}"#;
