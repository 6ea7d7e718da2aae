//! What the device should have written into its log for what it was asked (the columns "log" of A3,
//! A7, A8, A9, A10, A12), to be compared with the log itself after a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::ask::Ask;
use crate::reply::Reply;

/// An entry: type and result by their numbers (A13), and the key of it where it is known.
pub(crate) type Expected = (u32, u32, Option<String>);

/// How often each entry has to be there at least.
pub(crate) type Counts = BTreeMap<Expected, u64>;

/// What was asked so far.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<(Counts, Option<Counts>)>);

impl Ledger {
    /// Takes note of a request and its answer.
    pub(crate) fn note(&self, ask: &Ask, reply: &Reply) {
        if let Some(expected) = expect(ask, reply) {
            *self.both().0.entry(expected).or_default() += 1;
        }
    }

    /// Takes note of a restart: what is asked from now on stands in another file.
    pub(crate) fn restarted(&self) {
        let mut both = self.both();
        both.1 = Some(std::mem::take(&mut both.0));
    }

    /// What the file of the boot before has to have, if there was a restart.
    pub(crate) fn before_restart(&self) -> Option<Counts> {
        self.both().1.clone()
    }

    fn both(&self) -> MutexGuard<'_, (Counts, Option<Counts>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one entry of a request, where the description is clear about it.
fn expect(ask: &Ask, reply: &Reply) -> Option<Expected> {
    let post = ask.method == "POST";
    let path = ask.path.strip_prefix("/api/")?;
    let own = |kind| Some((kind, OK, None));
    match (reply.status, path) {
        // Open to everybody: their 403 is about the device, not about who asks (A2).
        (403, "system/config/provisioning" | "auth/init" | "auth/token") => return None,
        (403, "auth/ext/request" | "auth/ext/token") => return None,
        (403, _) => return Some((FAILED_SCOPE_CHECK, FAILED, None)),
        (200, "auth/token") if post => return own(AUTH_SUCCESS_INTERNAL),
        (200, "auth/ext/token") => return own(AUTH_SUCCESS_EXTERNAL),
        (200, "auth/ext/validate") => return own(AUTH_PAIRED_EXTERNAL),
        (200, "system/reboot") => return own(REBOOT),
        (200, "system/config") if post && updated(reply) => return own(CONFIG_UPDATED),
        _ => {}
    }
    if path.starts_with("logger/") {
        return logger(path, reply.status);
    }
    let (kind, refused) = operation(path)?;
    let result = match reply.status {
        200 => OK,
        400 => ERROR,
        406 => refused,
        _ => return None,
    };
    let kid = (result == OK).then(|| kid(path, ask, reply)).flatten();
    Some((kind, result, kid))
}

fn logger(path: &str, status: u16) -> Option<Expected> {
    let rest = path.strip_prefix("logger/")?;
    let result = match status {
        200 => OK,
        404 => FAILED,
        _ => return None,
    };
    match rest.split('/').next() {
        Some("list") => Some((LOGGER_LIST_LOG, result, None)),
        Some(id) if id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some((LOGGER_READ_LOG, result, None))
        }
        _ => None,
    }
}

/// The type of a key's operation, and its result at 406: `ERROR` for `derive` alone (A15, 29).
fn operation(path: &str) -> Option<(u32, u32)> {
    let found = match path {
        "keymgmt/create" => (20, FAILED),
        "keymgmt/import" => (22, FAILED),
        "keymgmt/update" => (25, FAILED),
        "keymgmt/derive" => (26, ERROR),
        "crypto/hmac/hash" => (30, FAILED),
        "crypto/hmac/verify" => (31, FAILED),
        "crypto/exdsa/sign" => (32, FAILED),
        "crypto/exdsa/verify" => (33, FAILED),
        "crypto/cipher/wrap" => (34, FAILED),
        "crypto/cipher/unwrap" => (35, FAILED),
        "crypto/cipher/encrypt" => (36, FAILED),
        "crypto/cipher/decrypt" => (37, FAILED),
        "crypto/ecdh" => (38, FAILED),
        "crypto/pqc/mlkem/encaps" => (39, FAILED),
        "crypto/pqc/mlkem/decaps" => (40, FAILED),
        "crypto/pqc/mldsa/sign" => (41, FAILED),
        "crypto/pqc/mldsa/verify" => (42, FAILED),
        _ if path.starts_with("keymgmt/delete/") => (21, FAILED),
        _ => return None,
    };
    Some(found)
}

/// The key that an answer of 200 is about: the one it made, the one of the path, or that of the body.
fn kid(path: &str, ask: &Ask, reply: &Reply) -> Option<String> {
    if let Some(kid) = path.strip_prefix("keymgmt/delete/") {
        return Some(kid.to_ascii_lowercase());
    }
    let of = |value: Value| Some(value.get("kid")?.as_str()?.to_ascii_lowercase());
    if path != "keymgmt/update" && path.starts_with("keymgmt/") {
        return of(reply.json().ok()?);
    }
    of(serde_json::from_slice(ask.sent()).ok()?)
}

fn updated(reply: &Reply) -> bool {
    reply.json().is_ok_and(|body| body.get("updated") == Some(&Value::Bool(true)))
}

const OK: u32 = 0;
const FAILED: u32 = 1;
const ERROR: u32 = 2;
const REBOOT: u32 = 2;
const LOGGER_LIST_LOG: u32 = 9;
const LOGGER_READ_LOG: u32 = 11;
const FAILED_SCOPE_CHECK: u32 = 12;
const AUTH_SUCCESS_INTERNAL: u32 = 13;
const AUTH_SUCCESS_EXTERNAL: u32 = 14;
const AUTH_PAIRED_EXTERNAL: u32 = 15;
const CONFIG_UPDATED: u32 = 18;
