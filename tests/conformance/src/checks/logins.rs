//! Logins and tokens (A2, A3, A4, T-3). Last in a run, as failed logins make those after them slow.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{Check, check};
use crate::ask::Ask;
use crate::device::{Device, Role};
use crate::encoding::{base64url, unbase64};
use crate::jwt::{self, Opened};
use crate::login::{Challenge, LIFE, Secret};
use crate::reply::Reply;
use crate::verdict::{OrFails, Verdict, ensure, equal, fails};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A3-challenge", "a challenge has its fields and a new nonce each time", challenges),
        check("A3-user", "the user's token: header, order of claims, exp verbatim", |device| {
            logs_in(device, Role::User, "U")
        }),
        check("A3-master", "the administrator's token has sub M", |device| {
            logs_in(device, Role::Master, "M")
        }),
        check("A3-forms", "any order in the header, \\/ in JSON, ctx, odd scopes", takes_forms),
        check("A4", "every answer to a login takes half a second at least", is_slow),
        check("T-3.5", "a token dies at its exp: 401", expires),
        check("T-3.4", "a token whose exp was changed is 401", is_signed),
        check("A3-400", "no auth, or JSON that is none: 400", wants_auth),
        check("A3-401", "foreign keys, other nonces, replays, past exp: 401", refuses),
        check("T-3.3", "after 3 failures answers take 1.5 s, until 15 s after", slows_down),
    ]
}

fn challenges(device: &Device) -> Verdict {
    let first = device.get("/api/auth/token", None)?.is(200)?;
    for name in ["spk", "jti", "eid"] {
        first.bytes_of(name, 32)?;
    }
    first.text("lbl")?;
    let (one, two) = (Challenge::of(&first)?, device.challenge()?);
    ensure(one.exp > one.now, || format!("exp {} at {}", one.exp, one.now))?;
    ensure(one.jti != two.jti, || "twice the same jti".to_owned())?;
    equal("spk and eid", &(one.spk, one.eid), &(two.spk, two.eid))
}

fn logs_in(device: &Device, role: Role, subject: &str) -> Verdict {
    let token = device.login(role, "conformance:any:thing", 1234)?.is(200)?.text("token")?;
    let opened = Opened::of(&token)?;
    equal("header", &opened.header.as_str(), &r#"{"typ":"JWT","alg":"HS256"}"#)?;
    let places: Vec<_> = ["scope", "sub", "iat", "exp", "jti"]
        .iter()
        .map(|name| opened.payload.find(&format!("\"{name}\":")))
        .collect();
    ensure(places.is_sorted() && places.iter().all(Option::is_some), || {
        "the claims are not scope, sub, iat, exp, jti".to_owned()
    })?;
    equal("scope", &opened.text("scope")?.as_str(), &"conformance:any:thing")?;
    equal("sub", &opened.text("sub")?.as_str(), &subject)?;
    let jti = unbase64(&opened.text("jti")?).or_fails(|| "jti is not base64".to_owned())?;
    equal("bytes of jti", &jti.len(), &32)?;
    let time = jti.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    equal("the head of jti", &u64::from(time), &opened.number("iat")?)?;
    let life = opened.number("exp")?.saturating_sub(opened.number("iat")?);
    ensure((1230..=1234).contains(&life), || format!("exp is {life} s after iat, asked: 1234"))
}

/// Sends a login whose claims `change` has changed.
fn send(device: &Device, change: impl Fn(&mut Map<String, Value>)) -> Verdict<Reply> {
    let challenge = device.challenge()?;
    let who = device.secret(Role::User, &challenge.eid)?;
    let mut claims = challenge.claims(who, "system:config", challenge.now + LIFE);
    change(&mut claims);
    let auth = challenge.sign(who, claims)?;
    device.post("/api/auth/token", None, &json!({ "auth": auth }))
}

fn takes_forms(device: &Device) -> Verdict {
    let reply = send(device, |claims| drop(claims.insert("ctx".to_owned(), json!("a context"))))?;
    let token = Opened::of(&reply.is(200)?.text("token")?)?;
    equal("ctx", &token.text("ctx")?.as_str(), &"a context")?;
    let challenge = device.challenge()?;
    let who = device.secret(Role::User, &challenge.eid)?;
    let claims = challenge.claims(who, "system:config", challenge.now + LIFE);
    let claims = Value::Object(claims).to_string().replace('/', "\\/");
    for header in [
        r#"{"alg":"HS256","typ":"JWT","ecdh":"x25519"}"#,
        r#"{"ecdh":"x25519", "typ":"JWT", "alg":"HS256"}"#,
    ] {
        let challenge = device.challenge()?;
        let claims = claims_of(&claims, &challenge)?;
        let text = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
        let signature = jwt::hmac_sha256(&who.agree(&challenge.spk)?, text.as_bytes());
        let auth = format!("{text}.{}", base64url(&signature));
        device.post("/api/auth/token", None, &json!({ "auth": auth }))?.is(200)?;
    }
    Ok(())
}

/// Claims as a text, with another challenge's nonce.
fn claims_of(claims: &str, challenge: &Challenge) -> Verdict<String> {
    let mut value: Value = serde_json::from_str(claims).or_fails(|| "claims".to_owned())?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("jti".to_owned(), json!(challenge.jti));
    }
    Ok(value.to_string().replace('/', "\\/"))
}

fn is_slow(device: &Device) -> Verdict {
    let challenge = device.challenge()?;
    let who = device.secret(Role::User, &challenge.eid)?;
    let claims = challenge.claims(who, "system:config", challenge.now + LIFE);
    let body = json!({ "auth": challenge.sign(who, claims)? });
    let begin = Instant::now();
    device.post("/api/auth/token", None, &body)?.is(200)?;
    let took = begin.elapsed();
    ensure(took >= Duration::from_millis(500), || format!("{took:?}"))
}

fn expires(device: &Device) -> Verdict {
    let token = device.login(Role::User, "system:config", 3)?.is(200)?.text("token")?;
    device.get(CONFIG, Some(&token))?.is(200)?;
    std::thread::sleep(Duration::from_millis(3_600));
    device.get(CONFIG, Some(&token))?.refuses(401)?;
    device.get("/api/system/status", Some(&token))?.refuses(401).map(drop)
}

fn is_signed(device: &Device) -> Verdict {
    let token = device.user("system:config")?;
    let opened = Opened::of(&token)?;
    let exp = opened.number("exp")?;
    let later = opened.payload.replace(&exp.to_string(), &(exp + 1000).to_string());
    let parts: Vec<_> = token.split('.').collect();
    let [header, _, signature] = parts.as_slice() else { return fails("a token") };
    let changed = format!("{header}.{}.{signature}", base64url(later.as_bytes()));
    device.get(CONFIG, Some(&changed))?.refuses(401).map(drop)
}

fn wants_auth(device: &Device) -> Verdict {
    for body in ["{", "{}", "{\"auth\":7}", "[]"] {
        device.send(&Ask::post_text("/api/auth/token", body))?.refuses(400)?;
    }
    Ok(())
}

fn refuses(device: &Device) -> Verdict {
    let set = |name: &'static str, value: Value| {
        move |claims: &mut Map<String, Value>| drop(claims.insert(name.to_owned(), value.clone()))
    };
    send(device, set("jti", json!("AAAA")))?.refuses(401)?;
    send(device, set("exp", json!(1_700_000_000)))?.refuses(401)?;
    let challenge = device.challenge()?;
    let who = device.secret(Role::User, &challenge.eid)?;
    let claims = challenge.claims(who, "system:config", challenge.now + LIFE);
    let body = json!({ "auth": challenge.sign(who, claims)? });
    device.post("/api/auth/token", None, &body)?.is(200)?;
    device.post("/api/auth/token", None, &body)?.refuses(401)?;
    failed_login(device)?.refuses(401)?;
    // A15, 11: at 0 the live device refuses, its description has it live 8 hours.
    let zero = send(device, set("exp", json!(0)))?.one_of(&[401, 200])?;
    if zero.status == 200 {
        let token = Opened::of(&zero.text("token")?)?;
        equal("life", &(token.number("exp")? - token.number("iat")?), &28_800)?;
    }
    Ok(())
}

/// A login with a key that nobody knows.
fn failed_login(device: &Device) -> Verdict<Reply> {
    let challenge = device.challenge()?;
    let stranger = Secret::of_bytes(crate::encoding::random()?);
    let claims = challenge.claims(&stranger, "system:config", challenge.now + LIFE);
    let auth = challenge.sign(&stranger, claims)?;
    device.post("/api/auth/token", None, &json!({ "auth": auth }))
}

fn slows_down(device: &Device) -> Verdict {
    let long = Duration::from_millis(1500);
    for number in 1..=5 {
        let begin = Instant::now();
        failed_login(device)?.refuses(401)?;
        let took = begin.elapsed();
        ensure(number <= 3 || took > long, || format!("failure {number} took {took:?}"))?;
        std::thread::sleep(Duration::from_secs(1).saturating_sub(took));
    }
    let last = Instant::now();
    loop {
        let begin = Instant::now();
        device.login(Role::User, "system:config", LIFE)?.is(200)?;
        let took = begin.elapsed();
        if last.elapsed() > Duration::from_secs(15) && took < long {
            return Ok(());
        }
        ensure(last.elapsed() < Duration::from_secs(25), || format!("still {took:?} after 25 s"))?;
        std::thread::sleep(Duration::from_secs(1).saturating_sub(took));
    }
}

const CONFIG: &str = "/api/system/config";
