//! `crypto/hmac` (A10): by stored keys, and by what a key agrees on with a peer.

use serde_json::json;

use super::{Check, check, with};
use crate::device::Device;
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::software::agree::Party;
use crate::software::mac::{HASHES, hmac};
use crate::verdict::{Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let stored = |kind: Kind| {
        let says = format!("{} makes MACs of its own hash and verifies them", kind.name);
        check(format!("A10-hmac-{}", kind.name), says, move |device| stored(device, kind))
    };
    let agreed = |kind: Kind| {
        let says = format!("{} makes MACs under the raw secret, with all six hashes", kind.name);
        check(format!("A10-hmac-{}", kind.name), says, move |device| agreed(device, kind))
    };
    let mut all: Vec<_> = Kind::of(&[Family::Hash]).into_iter().map(stored).collect();
    all.extend(Kind::agreeing().into_iter().map(agreed));
    all.push(check(
        "A10-hmac-limits",
        "messages have 1 to 2048 bytes; alg is needed with a peer",
        limits,
    ));
    all
}

fn stored(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let body = json!({ "msg": base64(b"a message") });
    let mac = device.with_key(&kid, HASH, &body)?.is(200)?.bytes_of("mac", kind.secret)?;
    // alg is ignored with stored keys.
    let odd = with(&body, "alg", "SHA2-256");
    let again = device.with_key(&kid, HASH, &odd)?.is(200)?.bytes("mac")?;
    ensure(mac == again, || "alg changes the MAC of a stored key".to_owned())?;
    verifies(device, &kid, &body, &mac)
}

fn agreed(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let party = Party::random(kind)?;
    let shared = party.agree(&device.public(&kid)?)?;
    let body = json!({ "msg": base64(b"a message"), "pubkey": base64(&party.public()?) });
    for name in HASHES {
        let asked = with(&body, "alg", name);
        let mac = device.with_key(&kid, HASH, &asked)?.is(200)?.bytes("mac")?;
        ensure(mac == hmac(name, &shared, b"a message")?, || format!("{name}: another MAC"))?;
        verifies(device, &kid, &asked, &mac)?;
    }
    device.with_key(&kid, HASH, &body)?.refuses(406)?;
    device.with_key(&kid, HASH, &with(&body, "alg", "MD5"))?.refuses(406).map(drop)
}

fn verifies(device: &Device, kid: &str, body: &serde_json::Value, mac: &[u8]) -> Verdict {
    let good = with(body, "mac", base64(mac));
    device.with_key(kid, VERIFY, &good)?.is(200)?.without_body()?;
    let mut other = mac.to_vec();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    device.with_key(kid, VERIFY, &with(body, "mac", base64(&other)))?.refuses(406)?;
    let short = mac.get(1..).unwrap_or_default();
    device.with_key(kid, VERIFY, &with(body, "mac", base64(short)))?.refuses(406)?;
    device.with_key(kid, VERIFY, body)?.refuses(400).map(drop)
}

fn limits(device: &Device) -> Verdict {
    let kinds = Kind::of(&[Family::Hash]);
    let Some(kind) = kinds.first() else { return Ok(()) };
    let kid = device.key(*kind)?;
    let of = |length: usize| json!({ "msg": base64(&vec![b'm'; length]) });
    equal("bytes", &device.with_key(&kid, HASH, &of(2048))?.is(200)?.bytes("mac")?.len(), &32)?;
    device.with_key(&kid, HASH, &of(1))?.is(200)?;
    for body in [of(0), of(2049), json!({}), json!({ "msg": 7 })] {
        device.with_key(&kid, HASH, &body)?.refuses(400)?;
    }
    for kind in Kind::of(&[Family::Aes, Family::Edwards]) {
        device.with_key(&device.key(kind)?, HASH, &of(1))?.refuses(406)?;
    }
    Ok(())
}

const HASH: &str = "/api/crypto/hmac/hash";
const VERIFY: &str = "/api/crypto/hmac/verify";
