//! T-10.3: what is written about a key can be written anew (A9).

use serde_json::{Value, json};

use super::lists::{Key, listed};
use super::{Check, check, with};
use crate::device::{Device, descr, label};
use crate::kinds::KINDS;
use crate::verdict::{OrFails, Verdict, ensure, equal};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("T-10.3", "update changes the label, and `updated` grows each time", updates),
        check("T-10.3-descr", "an update without descr clears it", clears),
        check("T-10.3-refuses", "no such key: 406; no KID, no label, a long one: 400", refuses),
    ]
}

fn updates(device: &Device) -> Verdict {
    let [kind, ..] = KINDS;
    let kid = device.create(kind, None)?;
    let mut before = find(device, &kid)?;
    for text in ["renamed", "renamed again", "and again"] {
        let body = json!({ "kid": kid, "label": label(text), "descr": descr(text) });
        let reply = device.user_post("keymgmt:upd", "/api/keymgmt/update", &body)?;
        reply.is(200)?.without_body()?;
        let after = find(device, &kid)?;
        equal("label", &after.label, &label(text))?;
        equal("descr", &after.descr, &Some(descr(text)))?;
        equal("created", &after.created, &before.created)?;
        equal("type", &after.kind, &before.kind)?;
        let grown = after.updated > before.updated;
        ensure(grown, || format!("updated {} after {}", after.updated, before.updated))?;
        before = after;
    }
    device.remove(&kid)
}

fn clears(device: &Device) -> Verdict {
    let [kind, ..] = KINDS;
    let kid = device.create(kind, None)?;
    let body = json!({ "kid": kid, "label": label("bare") });
    device.user_post("keymgmt:upd", "/api/keymgmt/update", &body)?.is(200)?;
    equal("descr", &find(device, &kid)?.descr, &None)?;
    device.remove(&kid)
}

fn refuses(device: &Device) -> Verdict {
    let [kind, ..] = KINDS;
    let good = json!({ "kid": device.key(kind)?, "label": label("x") });
    let nobody = "00000000000000000000000000000000";
    for (name, value, status) in [
        ("kid", json!(nobody), 406),
        ("kid", json!("zz"), 400),
        ("kid", Value::Null, 400),
        ("label", Value::Null, 400),
        ("label", json!("x".repeat(33)), 400),
    ] {
        let body = with(&good, name, value);
        device.user_post("keymgmt:upd", "/api/keymgmt/update", &body)?.refuses(status)?;
    }
    Ok(())
}

fn find(device: &Device, kid: &str) -> Verdict<Key> {
    let found = listed(device)?.into_iter().find(|key| key.kid == kid);
    found.or_fails(|| format!("{kid} is not listed"))
}
