//! `crypto/cipher/encrypt` and `decrypt` (T-11.3): three modes, stored keys and agreed ones.

use serde_json::{Value, json};

use super::{Check, check, with};
use crate::device::Device;
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::reply::Reply;
use crate::software::agree::Party;
use crate::software::cipher;
use crate::software::mac::hkdf;
use crate::verdict::{Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let mut all = Vec::new();
    for kind in Kind::of(&[Family::Aes]) {
        let says = format!("{} deciphers what it enciphers, and nothing else", kind.name);
        all.push(check(format!("T-11.3-{}", kind.name), says, move |device| stored(device, kind)));
    }
    for kind in Kind::agreeing() {
        let says = format!("{} enciphers under HKDF of the secret, readable elsewhere", kind.name);
        all.push(check(format!("T-11.3-{}", kind.name), says, move |device| agreed(device, kind)));
    }
    all.push(check("T-11.3-limits", "messages up to 2048 bytes, contexts up to 64", limits));
    all.push(check("T-11.3-400", "a bad alg, iv, tag or length of ECB is 400", refuses));
    all.push(check(
        "T-11.3-width",
        "a wider cipher than the key is 406, a narrower one is done",
        bounds_width,
    ));
    all
}

/// What to add to a request for the reply's ciphertext to be opened again.
fn opening(asked: &Value, sealed: &Reply) -> Verdict<Value> {
    let mut body = with(asked, "msg", sealed.text("ciphertext")?);
    let answer = sealed.json()?;
    for name in ["iv", "tag"] {
        if let Some(value) = answer.get(name) {
            body = with(&body, name, value.clone());
        }
    }
    Ok(body)
}

/// Enciphers, deciphers, and tries what must not open. Answers the ciphertext's reply.
fn round_trip(device: &Device, kid: &str, asked: &Value, mode: &str) -> Verdict<Reply> {
    let sealed = device.with_key(kid, ENCRYPT, asked)?.is(200)?;
    let answer = sealed.json()?;
    equal("iv", &answer.get("iv").is_some(), &(mode != "ECB"))?;
    equal("tag", &answer.get("tag").is_some(), &(mode == "GCM"))?;
    let body = opening(asked, &sealed)?;
    let plain = device.with_key(kid, DECRYPT, &body)?.is(200)?;
    equal("plaintext", &Some(Value::from(plain.text("plaintext")?)), &asked.get("msg").cloned())?;
    if mode == "GCM" {
        sealed.bytes_of("iv", 16)?;
        let mut tag = sealed.bytes_of("tag", 16)?;
        if let Some(first) = tag.first_mut() {
            *first ^= 1;
        }
        device.with_key(kid, DECRYPT, &with(&body, "tag", base64(&tag)))?.refuses(406)?;
        device.with_key(kid, DECRYPT, &with(&body, "aad", base64(&[1; 32])))?.refuses(406)?;
    }
    let again = device.with_key(kid, ENCRYPT, asked)?.is(200)?;
    let same = again.text("ciphertext")? == sealed.text("ciphertext")?;
    ensure(same == (mode == "ECB"), || format!("{mode}: twice the same ciphertext: {same}"))?;
    Ok(sealed)
}

fn asked(width: &str, mode: &str) -> Value {
    let body = json!({ "alg": format!("AES{width}-{mode}"), "msg": base64(PLAIN) });
    if mode == "GCM" { with(&body, "aad", base64(AAD)) } else { body }
}

fn stored(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    for mode in MODES {
        round_trip(device, &kid, &asked(kind.name.trim_start_matches("AES"), mode), mode)?;
    }
    Ok(())
}

fn agreed(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let party = Party::random(kind)?;
    let shared = party.agree(&device.public(&kid)?)?;
    for (width, length) in [("128", 16), ("192", 24), ("256", 32)] {
        for (mode, ctx) in MODES.into_iter().zip([&b""[..], b"", b"a context"]) {
            let mut body = with(&asked(width, mode), "pubkey", base64(&party.public()?));
            if !ctx.is_empty() {
                body = with(&body, "ctx", base64(ctx));
            }
            let sealed = round_trip(device, &kid, &body, mode)?;
            let key = hkdf(&shared, &[b"encedo-aes", ctx], length)?;
            let text = sealed.bytes("ciphertext")?;
            let plain = match mode {
                "ECB" => {
                    equal("ECB", &text, &cipher::ecb(&key, PLAIN)?)?;
                    continue;
                }
                "CBC" => cipher::open_cbc(&key, &sealed.bytes("iv")?, &text)?,
                _ => {
                    let text = [text, sealed.bytes("tag")?].concat();
                    cipher::open_gcm(&key, &sealed.bytes("iv")?, &text, AAD)?
                }
            };
            equal("plaintext", &plain.as_slice(), &PLAIN)?;
        }
    }
    Ok(())
}

fn limits(device: &Device) -> Verdict {
    let kinds = Kind::of(&[Family::Aes]);
    for kind in kinds {
        let kid = device.key(kind)?;
        for mode in MODES {
            let alg = format!("{}-{mode}", kind.name);
            let of = |length: usize| json!({ "alg": alg, "msg": base64(&vec![b'm'; length]) });
            round_trip(device, &kid, &of(2048), mode)?;
            device.with_key(&kid, ENCRYPT, &of(2064))?.refuses(400)?;
        }
    }
    let Some(curve) = Kind::agreeing().first().copied() else { return Ok(()) };
    let public = base64(&Party::random(curve)?.public()?);
    let body = with(&asked("256", "GCM"), "pubkey", public);
    let kid = device.key(curve)?;
    device.with_key(&kid, ENCRYPT, &with(&body, "ctx", base64(&[7; 64])))?.is(200)?;
    let long = device.with_key(&kid, ENCRYPT, &with(&body, "ctx", base64(&[7; 65])))?;
    long.one_of(&[400, 406])?.without_body().map(drop)
}

fn refuses(device: &Device) -> Verdict {
    let kinds = Kind::of(&[Family::Aes]);
    let Some(kind) = kinds.last() else { return Ok(()) };
    let kid = device.key(*kind)?;
    for alg in ["AES256", "AES512-GCM", "AES256-CTR", "aes256-gcm", ""] {
        let odd = with(&asked("256", "GCM"), "alg", alg);
        device.with_key(&kid, ENCRYPT, &odd)?.refuses(400)?;
    }
    let odd = json!({ "alg": "AES256-ECB", "msg": base64(&[1; 17]) });
    device.with_key(&kid, ENCRYPT, &odd)?.refuses(400)?;
    for name in ["msg", "alg"] {
        let odd = with(&asked("256", "GCM"), name, Value::Null);
        device.with_key(&kid, ENCRYPT, &odd)?.refuses(400)?;
    }
    for (mode, names) in [("GCM", &["iv", "tag"][..]), ("CBC", &["iv"])] {
        let asked = asked("256", mode);
        let body = opening(&asked, &device.with_key(&kid, ENCRYPT, &asked)?.is(200)?)?;
        for name in names {
            device.with_key(&kid, DECRYPT, &with(&body, name, Value::Null))?.refuses(400)?;
            let short = with(&body, name, base64(&[1; 12]));
            device.with_key(&kid, DECRYPT, &short)?.refuses(400)?;
        }
    }
    let bad = json!({ "alg": "AES256-CBC", "msg": base64(&[1; 32]), "iv": base64(&[2; 16]) });
    // One in about 256 random blocks ends in what looks like padding.
    device.with_key(&kid, DECRYPT, &bad)?.one_of(&[406, 200]).map(drop)
}

fn bounds_width(device: &Device) -> Verdict {
    for kind in Kind::of(&[Family::Aes]) {
        let kid = device.key(kind)?;
        for (width, length) in [("128", 16), ("192", 24), ("256", 32)] {
            let reply = device.with_key(&kid, ENCRYPT, &asked(width, "GCM"))?;
            match length > kind.secret {
                true => reply.refuses(406)?,
                false => reply.is(200)?,
            };
        }
    }
    Ok(())
}

const ENCRYPT: &str = "/api/crypto/cipher/encrypt";
const DECRYPT: &str = "/api/crypto/cipher/decrypt";
const MODES: [&str; 3] = ["ECB", "CBC", "GCM"];
const PLAIN: &[u8] = b"two whole blocks, thirty-two B..";
const AAD: &[u8] = b"additional data of 32 bytes, yes";
