//! T-10.1, first half: creation of all 23 types, and T-10.5, their deletion (A9).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lists::{Key, listed};
use super::{Check, check, with};
use crate::device::{Device, descr, label};
use crate::encoding::{kid_of, unhex};
use crate::kinds::{KINDS, Kind};
use crate::verdict::{OrFails, Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let mut all =
        vec![check("A9-deal", "the run's own keys are made, one of every type", Device::deal)];
    for kind in KINDS {
        let says = format!("{} is created, listed with its flags, and read", kind.name);
        all.push(check(format!("T-10.1-{}", kind.name), says, move |device| creates(device, kind)));
    }
    all.extend([
        check("A9-mode", "mode counts for SECP alone, and is ECDH where absent", knows_modes),
        check("A9-label", "labels have 1 to 32 printable ASCII characters", bounds_labels),
        check("A9-descr", "descriptions have up to 128 bytes", bounds_descriptions),
        check("A9-create-400", "an unknown type, an odd mode, a missing field: 400", refuses),
        check("A9-kid-symmetric", "KIDs of symmetric keys differ from each other", has_random_kids),
        check("A9-get", "get: 400 for no KID, 406 for no key, any case of hex", gets),
        check("T-10.5", "delete removes a key at once; again it is 406", deletes),
    ]);
    all
}

fn creates(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let bytes = unhex(&kid).filter(|_| !kid.contains(|c: char| c.is_ascii_uppercase()));
    equal("bytes of the KID", &bytes.map(|bytes| bytes.len()), &Some(16))?;
    let key = find(device, &kid)?;
    equal("flags", &key.flags(), &kind.flags(true))?;
    equal("the last of type", &key.kind.rsplit(',').next(), &Some(kind.name))?;
    equal("label", &key.label, &label(kind.name))?;
    equal("descr", &key.descr, &Some(descr(kind.name)))?;
    ensure(key.updated >= key.created, || "updated is before created".to_owned())?;
    let reply = device.user_get("keymgmt:get", &format!("/api/keymgmt/get/{kid}"))?.is(200)?;
    let body = reply.json()?;
    ensure(body.get("label").is_none() && body.get("descr").is_none(), || format!("{body}"))?;
    equal("updated", &reply.number("updated")?, &key.updated)?;
    if kind.public == 0 {
        equal("type", &reply.text("type")?, &format!("ATT,{}", kind.name))?;
        return equal("pubkey", &body.get("pubkey"), &None);
    }
    equal("type", &reply.text("type")?.as_str(), &kind.name)?;
    let public = reply.bytes_of("pubkey", kind.public)?;
    equal("KID", &kid, &kid_of(&public))
}

fn knows_modes(device: &Device) -> Verdict {
    let secp = Kind::agreeing();
    let Some(p256) = secp.first().copied() else { return Ok(()) };
    for (mode, has, has_not) in [
        (None, &["ECDH"][..], &["ExDSA"][..]),
        (Some("ECDH"), &["ECDH"], &["ExDSA"]),
        (Some("ExDSA"), &["ExDSA"], &["ECDH"]),
        (Some("ECDH,ExDSA"), &["ECDH", "ExDSA"], &[]),
    ] {
        let kid = device.create(p256, mode)?;
        let key = find(device, &kid)?;
        let flags = key.flags();
        let right = has.iter().all(|flag| flags.contains(flag));
        let right = right && !has_not.iter().any(|flag| flags.contains(flag));
        ensure(right, || format!("mode {mode:?} makes {}", key.kind))?;
        device.remove(&kid)?;
    }
    for kind in KINDS.into_iter().filter(|kind| kind.full_mode().is_none()) {
        if !["AES256", "ED25519", "MLDSA44"].contains(&kind.name) {
            continue;
        }
        for mode in [kind.name, "ECDH"] {
            let kid = device.create(kind, Some(mode))?;
            equal("flags", &find(device, &kid)?.flags(), &kind.flags(true))?;
            device.remove(&kid)?;
        }
    }
    Ok(())
}

fn bounds_labels(device: &Device) -> Verdict {
    let longest = format!("{:<32}", label("of 32")).replace("  ", " ~");
    for text in [&longest, &label("\"~|\\")] {
        let kid =
            device.made(&create(device, &with(&plain(), "label", text.as_str()))?.is(200)?)?;
        equal("label", &find(device, &kid)?.label, text)?;
        device.remove(&kid)?;
    }
    for text in ["", &format!("{longest}~"), "conformance \n", "conformance \u{e9}"] {
        create(device, &with(&plain(), "label", text))?.refuses(400)?;
    }
    Ok(())
}

fn bounds_descriptions(device: &Device) -> Verdict {
    let of = |length: usize| crate::encoding::base64(&vec![b'C'; length]);
    let kid = device.made(&create(device, &with(&plain(), "descr", of(128)))?.is(200)?)?;
    equal("descr", &find(device, &kid)?.descr, &Some(of(128)))?;
    device.remove(&kid)?;
    let kid = device.made(&create(device, &with(&plain(), "descr", Value::Null))?.is(200)?)?;
    equal("descr", &find(device, &kid)?.descr, &None)?;
    device.remove(&kid)?;
    for text in [of(129), "no base64!".to_owned()] {
        create(device, &with(&plain(), "descr", text))?.refuses(400)?;
    }
    Ok(())
}

fn refuses(device: &Device) -> Verdict {
    for (name, value) in [
        ("type", json!("RSA2048")),
        ("type", json!("aes256")),
        ("type", json!("")),
        ("type", Value::Null),
        ("label", Value::Null),
        ("label", json!(7)),
    ] {
        create(device, &with(&plain(), name, value))?.refuses(400)?;
    }
    let secp = with(&plain(), "type", "SECP256R1");
    for mode in ["ExDSA,ECDH", "ecdh", "", "ECDH,", "PKEY"] {
        create(device, &with(&secp, "mode", mode))?.refuses(400)?;
    }
    Ok(())
}

fn has_random_kids(device: &Device) -> Verdict {
    let mut kids = BTreeSet::new();
    for _ in 0..3 {
        kids.insert(device.made(&create(device, &plain())?.is(200)?)?);
    }
    kids.iter().try_for_each(|kid| device.remove(kid))?;
    equal("different KIDs", &kids.len(), &3)
}

fn gets(device: &Device) -> Verdict {
    let token = device.user("keymgmt:get")?;
    let get = |kid: &str| device.get(&format!("/api/keymgmt/get/{kid}"), Some(&token));
    for odd in ["abc", "0000000000000000000000000000000g", "000000000000000000000000000000000"] {
        get(odd)?.refuses(400)?;
    }
    get("00000000000000000000000000000000")?.refuses(406)?;
    let [kind, ..] = KINDS;
    let kid = device.key(kind)?;
    get(&kid.to_ascii_uppercase())?.is(200)?;
    for scope in [format!("keymgmt:use:{kid}"), "keymgmt:gen".to_owned()] {
        device.user_get(&scope, &format!("/api/keymgmt/get/{kid}"))?.is(200)?;
    }
    let other = "keymgmt:use:00000000000000000000000000000000";
    device.user_get(other, &format!("/api/keymgmt/get/{kid}"))?.refuses(403).map(drop)
}

fn deletes(device: &Device) -> Verdict {
    let kid = device.made(&create(device, &plain())?.is(200)?)?;
    let token = device.user("keymgmt:del")?;
    let path = format!("/api/keymgmt/delete/{}", kid.to_ascii_uppercase());
    device.delete(&path, &token)?.is(200)?.without_body()?;
    device.delete(&path, &token)?.refuses(406)?;
    device.delete("/api/keymgmt/delete/xyz", &token)?.refuses(400)?;
    device.user_get("keymgmt:get", &format!("/api/keymgmt/get/{kid}"))?.refuses(406)?;
    let body = json!({ "msg": "AAAA" });
    device.with_key(&kid, "/api/crypto/hmac/hash", &body)?.refuses(406)?;
    ensure(!listed(device)?.iter().any(|key| key.kid == kid), || "it is still listed".to_owned())?;
    device.forget(&kid);
    Ok(())
}

fn find(device: &Device, kid: &str) -> Verdict<Key> {
    let found = listed(device)?.into_iter().find(|key| key.kid == kid);
    found.or_fails(|| format!("{kid} is not listed"))
}

fn create(device: &Device, body: &Value) -> Verdict<crate::reply::Reply> {
    device.user_post("keymgmt:gen", "/api/keymgmt/create", body)
}

fn plain() -> Value {
    json!({ "label": label("plain"), "type": "SHA2-256", "descr": descr("plain") })
}
