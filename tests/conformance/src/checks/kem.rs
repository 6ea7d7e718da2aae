//! `crypto/pqc/mlkem` (A10): secrets that the device makes for itself, and that others make for it.

use serde_json::json;

use super::{Check, check};
use crate::device::Device;
use crate::encoding::base64;
use crate::kinds::{Family, Kind};
use crate::software::lattice;
use crate::verdict::{Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let each = |kind: Kind| {
        let says = format!("{} opens what it and others encapsulate, at exact lengths", kind.name);
        check(format!("A10-mlkem-{}", kind.name), says, move |device| encapsulates(device, kind))
    };
    Kind::of(&[Family::Kem]).into_iter().map(each).collect()
}

fn encapsulates(device: &Device, kind: Kind) -> Verdict {
    let kid = device.key(kind)?;
    let decaps = |ct: &[u8]| device.with_key(&kid, DECAPS, &json!({ "ct": base64(ct) }));
    let length = match kind.name {
        "MLKEM512" => 768,
        "MLKEM768" => 1088,
        _ => 1568,
    };
    let made = device.with_key(&kid, ENCAPS, &json!({}))?.is(200)?;
    equal("alg", &made.text("alg")?.as_str(), &kind.name)?;
    let (secret, ct) = (made.bytes_of("ss", 32)?, made.bytes_of("ct", length)?);
    let opened = decaps(&ct)?.is(200)?;
    equal("alg", &opened.text("alg")?.as_str(), &kind.name)?;
    ensure(opened.bytes("ss")? == secret, || "another secret than it made itself".to_owned())?;
    let (secret, ct) = lattice::encapsulate(kind.name, &device.public(&kid)?)?;
    let opened = decaps(&ct)?.is(200)?.bytes("ss")?;
    ensure(opened == secret, || "another secret than AWS-LC made for it".to_owned())?;
    // Implicit rejection (FIPS 203): a changed ciphertext opens, to something else.
    let mut other = ct.clone();
    if let Some(first) = other.first_mut() {
        *first ^= 1;
    }
    let rejected = decaps(&other)?.is(200)?.bytes_of("ss", 32)?;
    ensure(rejected != secret, || "a changed ciphertext opens to the same secret".to_owned())?;
    for odd in [ct.get(1..).unwrap_or_default(), &[&ct[..], &[0]].concat()] {
        decaps(odd)?.refuses(406)?;
    }
    device.with_key(&kid, DECAPS, &json!({}))?.refuses(400)?;
    let imported = device.import(kind, &lattice::kem_public(kind.name)?)?;
    device.with_key(&imported, DECAPS, &json!({ "ct": base64(&ct) }))?.refuses(406)?;
    device.remove(&imported)
}

const ENCAPS: &str = "/api/crypto/pqc/mlkem/encaps";
const DECAPS: &str = "/api/crypto/pqc/mlkem/decaps";
