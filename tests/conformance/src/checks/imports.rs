//! T-10.2: import of the 14 types that have a public half (A9).

use serde_json::{Value, json};

use super::lists::listed;
use super::{Check, check, with};
use crate::device::{Device, descr, label};
use crate::encoding::{base64, kid_of};
use crate::kinds::{Family, Kind};
use crate::reply::Reply;
use crate::software::agree::Party;
use crate::software::lattice;
use crate::software::sign::Signer;
use crate::verdict::{OrFails, Verdict, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    let each = |kind: Kind| {
        let says = format!("{} is imported once, under the KID of its public key", kind.name);
        check(format!("T-10.2-{}", kind.name), says, move |device| imports(device, kind))
    };
    let mut all: Vec<_> = Kind::asymmetric().into_iter().map(each).collect();
    all.push(check("T-10.2-406", "bad points, wrong lengths, unknown types: 406", refuses));
    all.push(check("T-10.2-400", "a missing field: 400", wants_fields));
    all.push(check("A9-duplicate", "a created key can't be imported again: 406", is_unique));
    all
}

/// A public key of this type, made here.
pub(super) fn fresh(kind: Kind) -> Verdict<Vec<u8>> {
    match kind.family {
        Family::Secp | Family::Montgomery => Party::random(kind)?.public(),
        Family::Kem => lattice::kem_public(kind.name),
        _ => Signer::random(kind)?.public(),
    }
}

fn imports(device: &Device, kind: Kind) -> Verdict {
    let public = fresh(kind)?;
    let kid = device.import(kind, &public)?;
    equal("KID", &kid, &kid_of(&public))?;
    let key = listed(device)?.into_iter().find(|key| key.kid == kid);
    let key = key.or_fails(|| format!("{kid} is not listed"))?;
    equal("flags", &key.flags(), &kind.flags(false))?;
    equal("the last of type", &key.kind.rsplit(',').next(), &Some(kind.name))?;
    equal("label", &key.label, &label(kind.name))?;
    equal("pubkey", &device.public(&kid)?, &public)?;
    import(device, &body(kind, &public))?.refuses(406)?;
    device.remove(&kid)
}

fn refuses(device: &Device) -> Verdict {
    for kind in Kind::asymmetric() {
        let public = fresh(kind)?;
        let short = public.get(1..).unwrap_or_default();
        let long = [&public[..], &[0]].concat();
        for odd in [short, &long] {
            import(device, &body(kind, odd))?.refuses(406)?;
        }
    }
    for kind in Kind::of(&[Family::Secp]) {
        let uncompressed = Party::random(kind)?.uncompressed()?;
        import(device, &body(kind, &uncompressed))?.refuses(406)?;
        // An x-coordinate above every field's prime, and a form byte that does not exist.
        let mut beyond = vec![0xff; kind.public];
        for form in [2, 4] {
            if let Some(first) = beyond.first_mut() {
                *first = form;
            }
            import(device, &body(kind, &beyond))?.refuses(406)?;
        }
    }
    for name in ["RSA2048", "AES256", "SHA2-256", ""] {
        let body = json!({ "label": label("odd"), "type": name, "pubkey": base64(&[9; 32]) });
        import(device, &body)?.refuses(406)?;
    }
    Ok(())
}

fn wants_fields(device: &Device) -> Verdict {
    let [kind, ..] = Kind::asymmetric()[..] else { return Ok(()) };
    let good = body(kind, &fresh(kind)?);
    for name in ["label", "type", "pubkey"] {
        import(device, &with(&good, name, Value::Null))?.refuses(400)?;
    }
    import(device, &with(&good, "pubkey", "not base64!"))?.refuses(400).map(drop)
}

fn is_unique(device: &Device) -> Verdict {
    for kind in Kind::asymmetric() {
        let public = device.public(&device.key(kind)?)?;
        import(device, &body(kind, &public))?.refuses(406)?;
    }
    Ok(())
}

fn import(device: &Device, body: &Value) -> Verdict<Reply> {
    device.user_post("keymgmt:imp", "/api/keymgmt/import", body)
}

fn body(kind: Kind, public: &[u8]) -> Value {
    json!({
        "label": label(kind.name), "type": kind.name, "descr": descr("import"),
        "pubkey": base64(public), "mode": kind.full_mode().unwrap_or("ECDH"),
    })
}
