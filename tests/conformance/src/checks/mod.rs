//! The checks, a room for each subject, in the order of a run.

mod agreement;
mod ciphers;
mod configuration;
mod creation;
mod derivation;
mod imports;
mod initialisation;
mod kem;
mod lists;
mod logger;
mod logins;
mod macs;
mod order;
mod pairing;
mod restart;
mod signatures;
mod status;
mod storage;
mod transport;
mod updates;
mod wrapping;

use serde_json::Value;

use crate::device::Device;
use crate::verdict::{Verdict, equal};

pub(crate) use lists::listed;

/// A check.
pub(crate) struct Check {
    /// `T-x.y`, a flow of the vendor's own tests, or a section of the API's description.
    pub(crate) id: String,
    /// What is so when it passes.
    pub(crate) says: String,
    /// Whether it makes keys.
    pub(crate) needs_keys: bool,
    /// The check itself.
    pub(crate) run: Box<dyn Fn(&Device) -> Verdict>,
}

/// All of them.
pub(crate) fn all() -> Vec<Check> {
    let first = [initialisation::checks(), status::checks(), transport::checks()];
    let keys = [
        creation::checks(),
        imports::checks(),
        lists::checks(),
        updates::checks(),
        derivation::checks(),
        agreement::checks(),
        macs::checks(),
        signatures::checks(),
        ciphers::checks(),
        wrapping::checks(),
        kem::checks(),
        order::checks(),
        pairing::checks(),
    ];
    // Failed logins make those after them slow, and a restart ends all.
    let last = [
        configuration::checks(),
        storage::checks(),
        logger::checks(),
        logins::checks(),
        restart::checks(),
    ];
    let keys = keys.into_iter().flatten().map(|check| Check { needs_keys: true, ..check });
    first.into_iter().flatten().chain(keys).chain(last.into_iter().flatten()).collect()
}

/// A check that makes no keys.
fn check(
    id: impl Into<String>,
    says: impl Into<String>,
    run: impl Fn(&Device) -> Verdict + 'static,
) -> Check {
    Check { id: id.into(), says: says.into(), needs_keys: false, run: Box::new(run) }
}

/// Whether the device is Claviger, which promises more than the description asks of every device.
fn is_claviger(device: &Device) -> Verdict<bool> {
    let version = device.get("/api/system/version", None)?.is(200)?;
    Ok(version.text("fwv")?.to_ascii_lowercase().contains("claviger"))
}

/// A copy of a JSON object with one field set, or without it where `value` is null.
fn with(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        match value.into() {
            Value::Null => fields.remove(name),
            value => fields.insert(name.to_owned(), value),
        };
    }
    object
}

/// The members of an object that have to be there, all at once.
fn has_fields(what: &str, object: &Value, names: &[&str]) -> Verdict {
    let missing: Vec<_> = names.iter().filter(|name| object.get(**name).is_none()).collect();
    equal(&format!("{what}: missing fields"), &missing, &Vec::new())
}
