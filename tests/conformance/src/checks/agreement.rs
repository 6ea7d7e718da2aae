//! `crypto/ecdh` (A10): six curves, seven ways to give the secret, compared with the other end.

use serde_json::{Value, json};

use super::imports::fresh;
use super::{Check, check, is_claviger};
use crate::device::Device;
use crate::encoding::{base64, unbase64};
use crate::kinds::{Family, Kind};
use crate::software::agree::Party;
use crate::software::mac::{HASHES, hash};
use crate::verdict::{OrFails, Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let each = |kind: Kind| {
        let says =
            format!("{} agrees as others do, raw and hashed, by both kinds of peer", kind.name);
        check(format!("A10-ecdh-{}", kind.name), says, move |device| agrees(device, kind))
    };
    let mut all: Vec<_> = Kind::agreeing().into_iter().map(each).collect();
    all.push(check("T-11.5", "a key agrees with itself: ecdh, hmac, encrypt, wrap", with_itself));
    all.push(check("A10-ecdh-refuses", "foreign points, other types, no peer: 406", refuses));
    all
}

/// Asks for a secret and fails unless it is the one of `shared`.
fn agrees_on(device: &Device, kid: &str, peer: &Value, shared: &[u8]) -> Verdict {
    let raw = device.with_key(kid, PATH, peer)?.is(200)?.bytes("ecdh")?;
    let first = shared.get(..32).unwrap_or_default();
    // A15, 17: the firmware gives the first 32 bytes of a raw secret; Claviger all of it.
    ensure(raw == shared || (!is_claviger(device)? && raw == first), || {
        format!("a raw secret of {} bytes, not the one of {} bytes", raw.len(), shared.len())
    })?;
    for name in HASHES {
        let asked = super::with(peer, "alg", name);
        let got = device.with_key(kid, PATH, &asked)?.is(200)?.bytes("ecdh")?;
        ensure(got == hash(name, shared)?, || format!("{name} is not over the whole secret"))?;
    }
    Ok(())
}

fn agrees(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let party = Party::random(kind)?;
    let shared = party.agree(&device.public(&kid)?)?;
    let public = party.public()?;
    agrees_on(device, &kid, &json!({ "pubkey": base64(&public) }), &shared)?;
    let peer = device.import(kind, &public)?;
    agrees_on(device, &kid, &json!({ "ext_kid": peer }), &shared)?;
    // ext_kid wins over pubkey.
    let other = Party::random(kind)?.public()?;
    let both = json!({ "ext_kid": peer, "pubkey": base64(&other) });
    agrees_on(device, &kid, &both, &shared)?;
    // An imported key has no private half.
    device.with_key(&peer, PATH, &json!({ "pubkey": base64(&public) }))?.refuses(406)?;
    device.remove(&peer)
}

/// What a key shares with its own public half is not known here: it has to be the same each time,
/// whichever way the key is named.
fn with_itself(device: &Device) -> Verdict {
    for kind in Kind::agreeing() {
        let kid = device.key(kind)?;
        let public = base64(&device.public(&kid)?);
        let secret = device.with_key(&kid, PATH, &json!({ "ext_kid": kid }))?.is(200)?;
        let again = device.with_key(&kid, PATH, &json!({ "pubkey": public }))?.is(200)?;
        equal(kind.name, &secret.text("ecdh")?, &again.text("ecdh")?)?;
        let msg = base64(&[5; 32]);
        let mac = json!({ "ext_kid": kid, "alg": "SHA2-256", "msg": msg });
        let mac = device.with_key(&kid, "/api/crypto/hmac/hash", &mac)?.is(200)?.bytes("mac")?;
        equal("bytes of a MAC", &mac.len(), &32)?;
        let sealed = json!({ "ext_kid": kid, "alg": "AES256-GCM", "msg": msg });
        let sealed = device.with_key(&kid, "/api/crypto/cipher/encrypt", &sealed)?.is(200)?;
        let open = json!({
            "ext_kid": kid, "alg": "AES256-GCM", "msg": sealed.text("ciphertext")?,
            "iv": sealed.text("iv")?, "tag": sealed.text("tag")?,
        });
        let plain = device.with_key(&kid, "/api/crypto/cipher/decrypt", &open)?.is(200)?;
        equal("plaintext", &plain.text("plaintext")?, &msg)?;
        let wrap = json!({ "ext_kid": kid, "alg": "AES256", "msg": msg });
        let wrapped = device.with_key(&kid, "/api/crypto/cipher/wrap", &wrap)?.is(200)?;
        equal("bytes wrapped", &wrapped.bytes("wrapped")?.len(), &40)?;
    }
    Ok(())
}

fn refuses(device: &Device) -> Verdict {
    for kind in Kind::agreeing() {
        let kid = device.key(kind)?;
        let refused = |body: Value| device.with_key(&kid, PATH, &body)?.refuses(406).map(drop);
        refused(json!({}))?;
        refused(json!({ "ext_kid": "00000000000000000000000000000000" }))?;
        let public = fresh(kind)?;
        refused(json!({ "pubkey": base64(public.get(1..).unwrap_or_default()) }))?;
        let uncompressed = (kind.family == Family::Secp).then(|| vec![0xff; kind.public]);
        if let Some(bad) = uncompressed {
            refused(json!({ "pubkey": base64(&bad) }))?;
        }
        let other = Kind::agreeing().into_iter().find(|other| *other != kind);
        let other = other.or_fails(|| "no other curve".to_owned())?;
        refused(json!({ "ext_kid": device.key(other)? }))?;
        let odd = json!({ "pubkey": base64(&public), "alg": "MD5" });
        device.with_key(&kid, PATH, &odd)?.refuses(400)?;
        device.with_key(&kid, PATH, &json!({ "ext_kid": "zz" }))?.refuses(400)?;
    }
    // Points of small order have no secret to agree on.
    let x25519 = Kind::agreeing().into_iter().find(|kind| kind.name == "CURVE25519");
    let kid = device.key(x25519.or_fails(|| "no CURVE25519".to_owned())?)?;
    let zero = base64(&[0; 32]);
    equal("bytes", &unbase64(&zero).map(|bytes| bytes.len()), &Some(32))?;
    device.with_key(&kid, PATH, &json!({ "pubkey": zero }))?.refuses(406).map(drop)
}

const PATH: &str = "/api/crypto/ecdh";
