//! The log (A12, A13, T-9): its key, its files, and the file of the boot before this one.

use ed25519_dalek::{Signature, VerifyingKey};

use super::{Check, check};
use crate::device::Device;
use crate::log_file::{self, Entry};
use crate::verdict::{OrFails, Verdict, ensure, equal, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A12-key", "the logger key signs a nonce and stands in the configuration", has_key),
        check("A12-list", "ids are start times, oldest first, at most 128 at once", lists),
        check("A12-refuses", "the file of this boot is 406, others' 404, no digit 406", refuses),
        check("A12-master", "the administrator reads the log too", master_reads),
        check("T-9", "the file of the boot before verifies, line by line", verifies),
    ]
}

/// The logger key, 32 bytes.
pub(super) fn logger_key(device: &Device) -> Verdict<Vec<u8>> {
    device.user_get("logger:get", "/api/logger/key")?.is(200)?.bytes_of("key", 32)
}

/// All ids, oldest first.
pub(super) fn ids(device: &Device) -> Verdict<Vec<String>> {
    let mut ids = Vec::new();
    loop {
        let path = format!("/api/logger/list/{}", ids.len());
        let reply = device.user_get("logger:get", &path)?;
        if reply.status == 404 && ids.is_empty() {
            return not_applicable("the log goes elsewhere on this hardware");
        }
        let reply = reply.is(200)?;
        let list = reply.field("id")?;
        let some: Vec<_> = list.as_array().into_iter().flatten().collect();
        ensure(some.len() <= 128, || format!("{} ids at once", some.len()))?;
        ids.extend(some.iter().filter_map(|id| id.as_str().map(str::to_owned)));
        let total = reply.number("total")?;
        if some.is_empty() || u64::try_from(ids.len()).is_ok_and(|length| length >= total) {
            equal("ids", &u64::try_from(ids.len()).unwrap_or_default(), &total)?;
            return Ok(ids);
        }
    }
}

/// The verified entries of a file.
pub(super) fn file(device: &Device, id: &str) -> Verdict<Vec<Entry>> {
    let reply = device.user_get("logger:get", &format!("/api/logger/{id}"))?.is(200)?;
    let kind = reply.header("content-type").unwrap_or_default();
    ensure(kind.starts_with("text/plain"), || format!("Content-Type {kind:?}"))?;
    let text = String::from_utf8(reply.body).or_fails(|| "a log that is not text".to_owned())?;
    ensure(text.starts_with('#'), || "no comment in the first line".to_owned())?;
    log_file::read(&text, &logger_key(device)?)
}

fn has_key(device: &Device) -> Verdict {
    let reply = device.user_get("logger:get", "/api/logger/key")?.is(200)?;
    let key = VerifyingKey::try_from(reply.bytes_of("key", 32)?.as_slice());
    let key = key.or_fails(|| "the logger key".to_owned())?;
    let nonce = reply.bytes_of("nonce", 32)?;
    let signature = Signature::from_slice(&reply.bytes_of("nonce_signed", 64)?);
    let signature = signature.or_fails(|| "nonce_signed".to_owned())?;
    key.verify_strict(&nonce, &signature).or_fails(|| "nonce_signed".to_owned())?;
    let config = device.user_get("logger:get", "/api/system/config")?.is(200)?;
    equal("eid_sign", &config.text("eid_sign")?, &reply.text("key")?)?;
    let again = device.user_get("logger:get", "/api/logger/key")?.is(200)?;
    ensure(again.bytes("nonce")? != nonce, || "twice the same nonce".to_owned())
}

fn lists(device: &Device) -> Verdict {
    let ids = ids(device)?;
    for id in &ids {
        let digits = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        ensure(id.len() == 8 && digits, || format!("id {id:?}"))?;
    }
    ensure(ids.is_sorted(), || format!("{ids:?} is not sorted"))?;
    let plain = device.user_get("logger:get", "/api/logger/list")?.is(200)?;
    equal("total", &plain.number("total")?, &u64::try_from(ids.len()).unwrap_or_default())
}

fn refuses(device: &Device) -> Verdict {
    let ids = ids(device)?;
    let get = |id: &str| device.user_get("logger:get", &format!("/api/logger/{id}"));
    let now = ids.last().or_fails(|| "no files".to_owned())?;
    get(now)?.refuses(406)?;
    for odd in ["00000000", "abc", "zzzzzzzz"] {
        get(odd)?.refuses(404)?;
    }
    get("list/x")?.refuses(406)?;
    let token = device.user("logger:get")?;
    device.delete(&format!("/api/logger/{now}"), &token)?.refuses(404)?;
    device.user_get("system:wrong", "/api/logger/key")?.refuses(403).map(drop)
}

fn master_reads(device: &Device) -> Verdict {
    let token = device.master("logger:get")?;
    device.get("/api/logger/key", Some(&token))?.is(200)?;
    device.get("/api/logger/list", Some(&token))?.one_of(&[200, 404]).map(drop)
}

fn verifies(device: &Device) -> Verdict {
    let ids = ids(device)?;
    let Some(id) = ids.iter().rev().nth(1) else {
        return not_applicable("this is the first boot: no file is finished");
    };
    let entries = file(device, id)?;
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind).take(3).collect();
    equal("first entries", &kinds, &vec![0, 1, 7])
}
