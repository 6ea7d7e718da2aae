//! T-12: the storage of PPA hardware, locked and unlocked by scopes (A11).

use super::{Check, check};
use crate::device::Device;
use crate::verdict::{Verdict, ensure, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![check("T-12", "disks are unlocked as the scope says, and locked again", unlocks)]
}

fn unlocks(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    if !version.text("hwv")?.contains("PPA") {
        return not_applicable("the hardware has no storage");
    }
    let modes = || -> Verdict<Vec<String>> {
        let status = device.get("/api/system/status", None)?.is(200)?;
        let storage = status.field("storage")?;
        let entries = storage.as_array().into_iter().flatten();
        let texts = entries.filter_map(|entry| entry.as_str());
        Ok(texts.map(|text| text.rsplit(':').next().unwrap_or_default().to_owned()).collect())
    };
    let get = |scope: &str, what: &str| device.user_get(scope, &format!("/api/storage/{what}"));
    get("storage:disk1", "unlock/rw")?.refuses(406)?;
    get("storage:disk1:rw", "unlock")?.is(200)?.without_body()?;
    let open = modes()?;
    get("storage:disk1:rw", "lock")?.is(200)?.without_body()?;
    let closed = modes()?;
    let at = |modes: &[String]| modes.get(1).cloned().unwrap_or_default();
    ensure(at(&open) == "rw" && at(&closed) == "-", || format!("{open:?}, then {closed:?}"))?;
    get("keymgmt:list", "unlock")?.refuses(403).map(drop)
}
