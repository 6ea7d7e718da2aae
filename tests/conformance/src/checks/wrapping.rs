//! `crypto/cipher/wrap` and `unwrap` (A10, RFC 3394).

use serde_json::{Value, json};

use super::{Check, check, with};
use crate::device::Device;
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::software::agree::Party;
use crate::software::cipher;
use crate::software::mac::hkdf;
use crate::verdict::{Verdict, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let mut all = Vec::new();
    for kind in Kind::of(&[Family::Aes]) {
        let says = format!("{} unwraps what it wraps, and nothing else", kind.name);
        all.push(check(format!("A10-wrap-{}", kind.name), says, move |device| {
            stored(device, kind)
        }));
    }
    for kind in Kind::agreeing() {
        let says = format!("{} wraps under HKDF of the secret, as RFC 3394 has it", kind.name);
        all.push(check(format!("A10-wrap-{}", kind.name), says, move |device| {
            agreed(device, kind)
        }));
    }
    all.push(check("A10-wrap-refuses", "odd lengths, an unknown alg, no message", refuses));
    all
}

fn round_trip(device: &Device, kid: &str, asked: &Value) -> Verdict<Vec<u8>> {
    let wrapped = device.with_key(kid, WRAP, asked)?.is(200)?.bytes_of("wrapped", 40)?;
    let body = with(asked, "msg", base64(&wrapped));
    let plain = device.with_key(kid, UNWRAP, &body)?.is(200)?.bytes("unwrapped")?;
    equal("unwrapped", &plain, &PLAIN.to_vec())?;
    let mut other = wrapped.clone();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    device.with_key(kid, UNWRAP, &with(asked, "msg", base64(&other)))?.refuses(406)?;
    Ok(wrapped)
}

fn stored(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    round_trip(device, &kid, &json!({ "msg": base64(&PLAIN), "alg": kind.name }))?;
    if kind.name == "AES256" {
        // The default width.
        round_trip(device, &kid, &json!({ "msg": base64(&PLAIN) }))?;
    }
    Ok(())
}

fn agreed(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let party = Party::random(kind)?;
    let shared = party.agree(&device.public(&kid)?)?;
    let body = json!({ "msg": base64(&PLAIN), "pubkey": base64(&party.public()?) });
    for (alg, length, ctx) in
        [("AES128", 16, &b""[..]), ("AES192", 24, b"a context"), ("AES256", 32, b"")]
    {
        let mut asked = with(&body, "alg", alg);
        if !ctx.is_empty() {
            asked = with(&asked, "ctx", base64(ctx));
        }
        let wrapped = round_trip(device, &kid, &asked)?;
        let key = hkdf(&shared, &[b"encedo-kek", ctx], length)?;
        equal(alg, &wrapped, &cipher::wrap(&key, &PLAIN)?)?;
    }
    Ok(())
}

fn refuses(device: &Device) -> Verdict {
    let kinds = Kind::of(&[Family::Aes]);
    let Some(kind) = kinds.last() else { return Ok(()) };
    let kid = device.key(*kind)?;
    let good = json!({ "msg": base64(&PLAIN) });
    for length in [8, 17, 31] {
        let odd = with(&good, "msg", base64(&vec![1; length]));
        device.with_key(&kid, WRAP, &odd)?.refuses(406)?;
    }
    let odd = with(&good, "msg", base64(&[1; 33]));
    device.with_key(&kid, UNWRAP, &odd)?.refuses(400)?;
    for path in [WRAP, UNWRAP] {
        device.with_key(&kid, path, &with(&good, "alg", "AES512"))?.refuses(400)?;
        device.with_key(&kid, path, &with(&good, "msg", Value::Null))?.refuses(400)?;
        let iv = with(&good, "iv", base64(&[1; 7]));
        device.with_key(&kid, path, &iv)?.refuses(406)?;
    }
    let own = json!({ "msg": base64(&PLAIN), "iv": base64(&[7; 8]) });
    let wrapped = device.with_key(&kid, WRAP, &own)?.is(200)?.text("wrapped")?;
    let back = with(&own, "msg", wrapped.as_str());
    let plain = device.with_key(&kid, UNWRAP, &back)?.is(200)?.bytes("unwrapped")?;
    equal("unwrapped", &plain, &PLAIN.to_vec())?;
    let other = with(&back, "iv", base64(&[8; 8]));
    device.with_key(&kid, UNWRAP, &other)?.refuses(406).map(drop)
}

const WRAP: &str = "/api/crypto/cipher/wrap";
const UNWRAP: &str = "/api/crypto/cipher/unwrap";
const PLAIN: [u8; 32] = [0x5a; 32];
