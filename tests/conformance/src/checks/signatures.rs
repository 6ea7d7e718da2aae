//! `crypto/exdsa` (T-11.2) and `crypto/pqc/mldsa` (A10): what the device signs verifies elsewhere,
//! and what is signed elsewhere verifies in the device.

use serde_json::{Value, json};

use super::{Check, check, with};
use crate::device::Device;
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::software::sign::{Signer, algorithms, verify};
use crate::verdict::{Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let mut all = Vec::new();
    for kind in Kind::of(&[Family::Secp, Family::Edwards, Family::Dsa]) {
        let lattice = kind.family == Family::Dsa;
        let id = if lattice { "A10-mldsa" } else { "T-11.2" };
        let says =
            format!("{} signs under all its algorithms, with a context of 32 bytes", kind.name);
        all.push(check(format!("{id}-{}", kind.name), says, move |device| signs(device, kind)));
        let says = format!("an imported {} verifies what others sign", kind.name);
        let id = format!("{id}-import-{}", kind.name);
        all.push(check(id, says, move |device| verifies_imported(device, kind)));
    }
    all.push(check("A10-exdsa-refuses", "an unknown alg is 400, another curve's 406", refuses));
    all.push(check("A10-sign-limits", "messages up to 2048, contexts up to 255 bytes", limits));
    all
}

/// Paths, algorithm and context of each way in which keys of this type sign.
fn ways(kind: Kind) -> Vec<(Paths, &'static str, Vec<u8>)> {
    if kind.family == Family::Dsa {
        return vec![(MLDSA, "", Vec::new()), (MLDSA, "", vec![9; 32])];
    }
    let way = |alg: &&'static str| {
        let takes_context = !["Ed25519", "SHA"]
            .iter()
            .any(|name| if *name == "SHA" { alg.starts_with(name) } else { alg == name });
        (EXDSA, *alg, if takes_context { vec![9; 32] } else { Vec::new() })
    };
    let mut ways: Vec<_> = algorithms(kind).iter().map(way).collect();
    if kind.name == "ED448" {
        ways.push((EXDSA, "Ed448", Vec::new()));
    }
    ways
}

fn body(alg: &str, message: &[u8], ctx: &[u8]) -> Value {
    let mut body = json!({ "msg": base64(message) });
    if !alg.is_empty() {
        body = with(&body, "alg", alg);
    }
    if ctx.is_empty() { body } else { with(&body, "ctx", base64(ctx)) }
}

fn signs(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let public = device.public(&kid)?;
    for ((sign, path), alg, ctx) in ways(kind) {
        let asked = body(alg, MESSAGE, &ctx);
        let reply = device.with_key(&kid, sign, &asked)?.is(200)?;
        let signature = reply.bytes("sign")?;
        let length = match kind.name {
            "ED25519" => 64,
            "ED448" => 114,
            "MLDSA44" => 2420,
            "MLDSA65" => 3309,
            "MLDSA87" => 4627,
            _ => signature.len(),
        };
        equal("bytes of a signature", &signature.len(), &length)?;
        if kind.family == Family::Dsa {
            equal("alg", &reply.text("alg")?.as_str(), &kind.name)?;
        }
        verify(kind, alg, &public, (MESSAGE, &ctx), &signature)?;
        verifies(device, &kid, (path, alg, &ctx), &signature)?;
    }
    Ok(())
}

fn verifies_imported(device: &Device, kind: Kind) -> Verdict {
    let signer = Signer::random(kind)?;
    let kid = device.import(kind, &signer.public()?)?;
    for ((sign, path), alg, ctx) in ways(kind) {
        let signature = signer.sign(alg, MESSAGE, &ctx)?;
        verifies(device, &kid, (path, alg, &ctx), &signature)?;
        device.with_key(&kid, sign, &body(alg, MESSAGE, &ctx))?.refuses(406)?;
    }
    device.remove(&kid)
}

/// The device takes this signature, and none of another message, context or key.
fn verifies(device: &Device, kid: &str, way: (&str, &str, &[u8]), signature: &[u8]) -> Verdict {
    let (path, alg, ctx) = way;
    let good = with(&body(alg, MESSAGE, ctx), "sign", base64(signature));
    device.with_key(kid, path, &good)?.is(200)?.without_body()?;
    let mut other = signature.to_vec();
    if let Some(middle) = other.get_mut(signature.len() / 2) {
        *middle ^= 4;
    }
    let mut bad =
        vec![with(&good, "msg", base64(b"another message")), with(&good, "sign", base64(&other))];
    if !ctx.is_empty() {
        bad.push(with(&good, "ctx", base64(&[8; 32])));
    }
    for body in bad {
        device.with_key(kid, path, &body)?.refuses(406)?;
    }
    device.with_key(kid, path, &with(&good, "sign", Value::Null))?.refuses(400).map(drop)
}

fn refuses(device: &Device) -> Verdict {
    for kind in Kind::of(&[Family::Secp, Family::Edwards]) {
        let kid = device.key(kind)?;
        let own = algorithms(kind);
        for alg in ["MD5WithECDSA", "ed25519", ""] {
            let odd = with(&body("", MESSAGE, b""), "alg", alg);
            device.with_key(&kid, EXDSA.0, &odd)?.refuses(400)?;
        }
        device.with_key(&kid, EXDSA.0, &body("", MESSAGE, b""))?.refuses(400)?;
        for alg in ["SHA256WithECDSA", "Ed25519", "Ed448"] {
            if !own.contains(&alg) {
                device.with_key(&kid, EXDSA.0, &body(alg, MESSAGE, b""))?.refuses(406)?;
            }
        }
    }
    let secp = Kind::of(&[Family::Secp]);
    let Some(kind) = secp.first() else { return Ok(()) };
    let kid = device.create(*kind, Some("ECDH"))?;
    let asked = body("SHA256WithECDSA", MESSAGE, b"");
    device.with_key(&kid, EXDSA.0, &asked)?.refuses(406)?;
    device.remove(&kid)
}

fn limits(device: &Device) -> Verdict {
    for kind in Kind::of(&[Family::Edwards, Family::Dsa]) {
        let kid = device.key(kind)?;
        let public = device.public(&kid)?;
        let ((sign, _), alg) = match kind.name {
            "ED25519" => (EXDSA, "Ed25519ctx"),
            "ED448" => (EXDSA, "Ed448"),
            _ => (MLDSA, ""),
        };
        let (longest, ctx) = (vec![b'm'; 2048], vec![b'c'; 255]);
        let reply = device.with_key(&kid, sign, &body(alg, &longest, &ctx))?.is(200)?;
        verify(kind, alg, &public, (&longest, &ctx), &reply.bytes("sign")?)?;
        let long = [&longest[..], b"m"].concat();
        device.with_key(&kid, sign, &body(alg, &long, b""))?.refuses(400)?;
        device.with_key(&kid, sign, &body(alg, b"", b""))?.refuses(400)?;
        let reply = device.with_key(&kid, sign, &body(alg, b"m", &[b'c'; 256]))?;
        ensure([400, 406].contains(&reply.status), || {
            format!("{}: a context of 256 bytes is {}", kind.name, reply.status)
        })?;
    }
    Ok(())
}

/// Where to sign and where to verify.
type Paths = (&'static str, &'static str);
const EXDSA: Paths = ("/api/crypto/exdsa/sign", "/api/crypto/exdsa/verify");
const MLDSA: Paths = ("/api/crypto/pqc/mldsa/sign", "/api/crypto/pqc/mldsa/verify");
const MESSAGE: &[u8] = b"what is signed";
