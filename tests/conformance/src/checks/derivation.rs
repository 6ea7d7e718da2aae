//! T-10.1, second half: keys derived from what two keys agree on, 6 sources by 17 targets (A9).

use serde_json::{Value, json};

use super::lists::listed;
use super::{Check, check, is_claviger, with};
use crate::device::{Device, descr, label};
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::reply::Reply;
use crate::software::agree::Party;
use crate::verdict::{OrFails, Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let each = |kind: Kind| {
        let says =
            format!("{} derives into 17 types; the list grows by the number of 200s", kind.name);
        check(format!("T-10.1-derive-{}", kind.name), says, move |device| derives(device, kind))
    };
    let mut all: Vec<_> = Kind::agreeing().into_iter().map(each).collect();
    all.push(check("A9-derive-same", "the same secret again is the same key: 406", is_unique));
    all.push(check("A9-derive-ends", "both ends of a secret derive the same key", is_shared));
    all.push(check(
        "A9-derive-refuses",
        "other types of peer, no peer, no key: 406 or 400",
        refuses,
    ));
    all.push(check("A9-derive-scopes", "derive takes its scopes, and no others", wants_scope));
    all
}

/// The bytes that a key of this type is made of.
fn needs(target: Kind) -> usize {
    if target.family == Family::Edwards { target.public } else { target.secret }
}

fn derives(device: &Device, source: Kind) -> Verdict {
    let kid = device.key(source)?;
    let peer = Party::random(source)?.public()?;
    let before = listed(device)?.len();
    let mut derived = Vec::new();
    for target in Kind::derived() {
        let reply = derive(device, &body(&kid, target, &peer))?;
        if reply.status == 200 {
            derived.push((target, device.made(&reply)?));
        } else {
            reply.refuses(406)?;
        }
        let short = source.secret < needs(target);
        let made = derived.last().is_some_and(|(kind, _)| *kind == target);
        // A scalar out of the curve's range may be refused; whatever is too short has to be.
        let may_fail = target.family == Family::Secp;
        ensure(if short { !made } else { made || may_fail }, || {
            let answer = if made { "200" } else { "406" };
            format!("{} ({} bytes) to {}: {answer}", source.name, source.secret, target.name)
        })?;
    }
    let keys = listed(device)?;
    equal("keys", &keys.len(), &(before + derived.len()))?;
    for (target, kid) in derived {
        let key = keys.iter().find(|key| key.kid == kid);
        let key = key.or_fails(|| format!("{} is not listed", target.name))?;
        let last = key.kind.rsplit(',').next();
        equal("the last of type", &last, &Some(target.name))?;
        if target.public > 0 {
            ensure(key.flags().contains("PKEY"), || format!("{} without PKEY", key.kind))?;
            equal("bytes of pubkey", &device.public(&kid)?.len(), &target.public)?;
        }
        device.remove(&kid)?;
    }
    Ok(())
}

fn is_unique(device: &Device) -> Verdict {
    let (x25519, peer) = a_curve()?;
    let first = body(&device.key(x25519)?, x25519, &peer.public()?);
    let kid = device.made(&derive(device, &first)?.is(200)?)?;
    derive(device, &first)?.refuses(406)?;
    device.remove(&kid)
}

/// Two keys of the device: a secret that both can compute gives one and the same public key.
fn is_shared(device: &Device) -> Verdict {
    let (x25519, _) = a_curve()?;
    let (one, two) = (device.key(x25519)?, device.create(x25519, None)?);
    let from = |kid: &str, peer: &str| -> Verdict<Vec<u8>> {
        let good = body(kid, x25519, &[]);
        let good = with(&with(&good, "pubkey", Value::Null), "ext_kid", peer);
        let made = device.made(&derive(device, &good)?.is(200)?)?;
        let public = device.public(&made)?;
        device.remove(&made)?;
        Ok(public)
    };
    equal("public keys", &from(&one, &two)?, &from(&two, &one)?)?;
    device.remove(&two)
}

fn refuses(device: &Device) -> Verdict {
    let (x25519, peer) = a_curve()?;
    let good = body(&device.key(x25519)?, x25519, &peer.public()?);
    let secp = Party::random(Kind::agreeing().first().copied().unwrap_or(x25519))?;
    let none = Value::Null;
    for (name, value, status) in [
        ("pubkey", none.clone(), 406),
        ("pubkey", json!(base64(&secp.public()?)), 406),
        ("type", json!("MLKEM768"), 400),
        ("type", json!("RSA2048"), 400),
        ("type", none.clone(), 400),
        ("label", none.clone(), 400),
        ("kid", json!("zz"), 400),
        ("kid", none, 400),
        ("kid", json!("00000000000000000000000000000000"), 406),
    ] {
        let odd = with(&good, name, value);
        // The description names neither 400 nor 406 for types that exist and can't be derived.
        let either = if odd.get("type") == Some(&json!("MLKEM768")) { 406 } else { status };
        derive(device, &odd)?.one_of(&[status, either])?.without_body()?;
    }
    Ok(())
}

fn wants_scope(device: &Device) -> Verdict {
    let (x25519, peer) = a_curve()?;
    let good = body(&device.key(x25519)?, x25519, &peer.public()?);
    // A15, 7: the third name of the scope stands in the documentation alone.
    let third = if is_claviger(device)? { &["keymgmt:ecdh"][..] } else { &[] };
    for scope in ["keymgmt:gen", "keymgmt:derive"].iter().chain(third) {
        let reply = device.user_post(scope, "/api/keymgmt/derive", &good)?;
        let kid = device.made(&reply.is(200)?)?;
        device.remove(&kid)?;
    }
    for scope in ["keymgmt:imp", &format!("keymgmt:use:{}", device.key(x25519)?)] {
        device.user_post(scope, "/api/keymgmt/derive", &good)?.refuses(403)?;
    }
    Ok(())
}

fn a_curve() -> Verdict<(Kind, Party)> {
    let x25519 = Kind::agreeing().into_iter().find(|kind| kind.name == "CURVE25519");
    let x25519 = x25519.or_fails(|| "no CURVE25519".to_owned())?;
    Ok((x25519, Party::random(x25519)?))
}

fn derive(device: &Device, body: &Value) -> Verdict<Reply> {
    device.user_post("keymgmt:gen", "/api/keymgmt/derive", body)
}

fn body(kid: &str, target: Kind, peer: &[u8]) -> Value {
    let good = json!({
        "kid": kid, "label": label(target.name), "type": target.name, "pubkey": base64(peer),
        "descr": descr("derived"),
    });
    target.full_mode().map_or(good.clone(), |mode| with(&good, "mode", mode))
}
