//! The tables of logins, authenticators, the device and its log (hem.md A3, A6, A7, A8, A12), and
//! of the scopes that each endpoint asks for (A2).

use serde_json::json;
use tests::authenticator::{PAIR, Phone, ask, eid, offer};
use tests::daemon::USER;
use tests::login::{Challenge, now};

use crate::walk::{Row, Walk, row};

/// A8, and ours. A device that is initialised.
#[rustfmt::skip]
pub(crate) const SYSTEM: &[Row] = &[
    row("GET /openapi.json", "", "", 200, ""),
    row("GET /docs", "", "", 200, ""),
    row("GET /api/system/version", "", "", 200, ""),
    row("GET /api/system/status", "", "", 200, ""),
    row("GET /api/system/checkin", "", "", 200, ""),
    row("POST /api/system/checkin", "", "{}", 400, ""),
    row("POST /api/system/checkin", "", r#"{"checked":"x"}"#, 401, ""),
    row("GET /api/system/config", CONFIG, "", 200, ""),
    row("POST /api/system/config", CONFIG, r#"{"email":"a@b"}"#, 200, "CONFIG_UPDATED OK user -"),
    row("POST /api/system/config", "master system:config", r#"{"email":"a@b"}"#, 200, "CONFIG_UPDATED OK master -"),
    row("POST /api/system/config", CONFIG, r#"{"email":1}"#, 400, ""),
    row("POST /api/system/config", "", r#"{"email":"a@b"}"#, 401, ""),
    row("POST /api/system/config", CONFIG, r#"{"wipeout":false}"#, 406, "CONFIG_UPDATED FAILED user -"),
    row("GET /api/system/config/attestation", CONFIG, "", 200, ""),
    row("GET /api/system/config/attestation", "", "", 401, ""),
    // The device is initialised: no scope is at fault.
    row("POST /api/system/config/provisioning", "", "{}", 403, ""),
    row("GET /api/system/selftest", CONFIG, "", 200, "SELFTEST_PASSED OK user -"),
    row("GET /api/system/selftest", "", "", 401, ""),
    row("GET /api/system/reboot", "", "", 401, ""),
];

/// A12, and ours.
#[rustfmt::skip]
pub(crate) const LOGGER: &[Row] = &[
    row("GET /api/logger/key", LOG, "", 200, ""),
    row("GET /api/logger/checkpoint", LOG, "", 200, ""),
    row("GET /api/logger/proof/0", LOG, "", 200, ""),
    row("GET /api/logger/proof/99999999", LOG, "", 404, ""),
    row("GET /api/logger/consistency/1/2", LOG, "", 200, ""),
    row("GET /api/logger/tile/0/000.p/1", LOG, "", 200, ""),
    row("GET /api/logger/tile/entries/000.p/1", LOG, "", 200, ""),
    row("GET /api/logger/list", LOG, "", 200, "LOGGER_LIST_LOG OK user -"),
    row("GET /api/logger/list", "master logger:get", "", 200, "LOGGER_LIST_LOG OK master -"),
    row("GET /api/logger/list", "phone logger:get", "", 200, "LOGGER_LIST_LOG OK <phone> -"),
    row("GET /api/logger/list/0", LOG, "", 200, "LOGGER_LIST_LOG OK user -"),
    row("GET /api/logger/list/x", LOG, "", 406, ""),
    row("GET /api/logger/<old-file>", LOG, "", 200, "LOGGER_READ_LOG OK user <old-file>"),
    row("GET /api/logger/<this-file>", LOG, "", 406, ""),
    row("GET /api/logger/00000001", LOG, "", 404, "LOGGER_READ_LOG FAILED user 00000001"),
    row("GET /api/logger/xyz", LOG, "", 404, "LOGGER_READ_LOG FAILED user -"),
    // The table says: not implemented.
    row("DELETE /api/logger/<old-file>", LOG, "", 404, ""),
];

/// A3, A6, A7: what does not work has no entry. The failures stand last, as they make logins slow.
#[rustfmt::skip]
pub(crate) const LOGINS: &[Row] = &[
    row("GET /api/auth/init", "", "", 406, ""),
    row("POST /api/auth/init", "", r#"{"init":"x"}"#, 406, ""),
    row("GET /api/auth/token", "", "", 200, ""),
    row("POST /api/auth/token", "", r#"{"auth":"<login>"}"#, 200, "AUTH_SUCCESS_INTERNAL OK user a:scope").after(log_in),
    row("POST /api/auth/ext/init", PAIRING, r#"{"epk":"<public>"}"#, 200, ""),
    row("POST /api/auth/ext/init", PAIRING, "{}", 400, ""),
    row("POST /api/auth/ext/mac", PAIRING, r#"{"epk":"<public>"}"#, 200, ""),
    row("POST /api/auth/ext/mac", PAIRING, "{}", 400, ""),
    row("POST /api/auth/ext/validate", PAIRING, r#"{"pid":"<pid>","reply":"<reply>"}"#, 200, "AUTH_PAIRED_EXTERNAL OK user <new>").after(offer_pairing),
    row("POST /api/auth/ext/request", "", r#"{"epk":"<public>","scope":"keymgmt:list"}"#, 200, ""),
    row("POST /api/auth/ext/request", "", "{}", 400, ""),
    row("POST /api/auth/ext/token", "", r#"{"authreply":"<consent>"}"#, 200, "AUTH_SUCCESS_EXTERNAL OK <new> keymgmt:list").after(consent),
    row("POST /api/auth/ext/validate", PAIRING, r#"{"pid":"<pid>","reply":"<reply>"}"#, 406, "").after(offer_pairing),
    row("POST /api/auth/ext/validate", PAIRING, "{}", 400, ""),
    row("POST /api/auth/ext/validate", PAIRING, r#"{"pid":"<pid>","reply":"x"}"#, 401, ""),
    row("POST /api/auth/token", "", "{}", 400, ""),
    row("POST /api/auth/ext/token", "", "{}", 400, ""),
    row("POST /api/auth/token", "", r#"{"auth":"<login>"}"#, 401, ""),
    row("POST /api/auth/ext/token", "", r#"{"authreply":"<consent>"}"#, 401, ""),
];

/// A6, A8: the life of a device, from a fresh one to its end. Each row is taken where it belongs.
pub(crate) mod life {
    use super::{Row, row};

    /// Before it has the time, nobody's scope is at fault.
    pub(crate) const TIMELESS: &[Row] = &[
        row("GET /api/auth/init", "", "", 403, ""),
        row("POST /api/auth/init", "", r#"{"init":"x"}"#, 403, ""),
    ];
    /// It gets the time.
    pub(crate) const CHECKED_IN: Row = row(
        "POST /api/system/checkin",
        "",
        r#"{"checked":"<checked>"}"#,
        200,
        "RTC_SET OK - 2033-05-18T03:33:20Z",
    );
    /// It is somebody's.
    pub(crate) const INITIALISED: Row =
        row("POST /api/auth/init", "", r#"{"init":"<init>"}"#, 200, "DEVICE_INITED OK master -");
    /// What a fresh device answers to.
    pub(crate) const FRESH: &[Row] = &[
        row("GET /api/auth/init", "", "", 200, ""),
        row("POST /api/auth/init", "", "{}", 400, ""),
        row("POST /api/auth/init", "", r#"{"init":"x"}"#, 401, ""),
        row("POST /api/system/config/provisioning", "", "{}", 400, ""),
    ];
    /// Its backend locks it.
    pub(crate) const LOCKED: Row = row(
        "POST /api/system/checkin",
        "",
        r#"{"checked":"<checked>"}"#,
        200,
        "RTC_SET OK - 2033-05-18T03:33:20Z; SHUTDOWN OK - -",
    );
    /// It starts anew.
    pub(crate) const REBOOTED: Row =
        row("GET /api/system/reboot", "bearer <token>", "", 200, "REBOOT OK user -");
    /// It ends.
    pub(crate) const SHUT_DOWN: Row =
        row("GET /api/system/shutdown", "bearer <token>", "", 200, "SHUTDOWN OK master -");
}

/// A13: the entries of a start, as `TYPE RESULT`.
pub(crate) const START: &[&str] = &["KEY_INIT OK", "STARTUP OK", "SELFTEST_PASSED OK"];

/// Who is refused, with an entry: everybody without the scope, and these roles with it.
pub(crate) struct Guard {
    pub(crate) call: &'static str,
    /// The scope that the entry names.
    pub(crate) needs: &'static str,
    /// `master`, `phone`.
    pub(crate) refused: &'static [&'static str],
}

/// A2, with the 403 of A7 to A12.
#[rustfmt::skip]
pub(crate) const GUARDS: &[Guard] = &[
    guard("POST /api/auth/ext/init", PAIR, &["master", "phone"]),
    guard("POST /api/auth/ext/validate", PAIR, &["master", "phone"]),
    guard("POST /api/auth/ext/mac", PAIR, &["master", "phone"]),
    guard("GET /api/system/config", "system:config", &[]),
    guard("POST /api/system/config", "system:config", &["phone"]),
    guard("GET /api/system/reboot", "system:config", &[]),
    guard("GET /api/system/shutdown", "system:shutdown", &[]),
    guard("POST /api/keymgmt/create", "keymgmt:gen", &["master"]),
    guard("GET /api/keymgmt/list", "keymgmt:list", &["master"]),
    guard("GET /api/keymgmt/list/0", "keymgmt:list", &["master"]),
    guard("GET /api/keymgmt/list/0/1", "keymgmt:list", &["master"]),
    guard("POST /api/keymgmt/search", "keymgmt:search", &["master"]),
    guard("GET /api/keymgmt/get/<ec>", "keymgmt:get", &["master"]),
    guard("POST /api/keymgmt/import", "keymgmt:imp", &["master"]),
    guard("POST /api/keymgmt/derive", "keymgmt:derive", &["master"]),
    guard("POST /api/keymgmt/update", "keymgmt:upd", &["master"]),
    guard("DELETE /api/keymgmt/delete/<ec>", "keymgmt:del", &["master"]),
    guard("POST /api/crypto/hmac/hash", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/hmac/verify", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/exdsa/sign", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/exdsa/verify", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/cipher/encrypt", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/cipher/decrypt", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/cipher/wrap", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/cipher/unwrap", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/ecdh", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/pqc/mlkem/encaps", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/pqc/mlkem/decaps", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/pqc/mldsa/sign", "keymgmt:use:<ec>", &["master"]),
    guard("POST /api/crypto/pqc/mldsa/verify", "keymgmt:use:<ec>", &["master"]),
    guard("GET /api/logger/key", "logger:get", &[]),
    guard("GET /api/logger/checkpoint", "logger:get", &[]),
    guard("GET /api/logger/proof/0", "logger:get", &[]),
    guard("GET /api/logger/consistency/1/2", "logger:get", &[]),
    guard("GET /api/logger/tile/0/000", "logger:get", &[]),
    guard("GET /api/logger/tile/entries/000", "logger:get", &[]),
    guard("GET /api/logger/list", "logger:get", &[]),
    guard("GET /api/logger/list/0", "logger:get", &[]),
    guard("GET /api/logger/<old-file>", "logger:get", &[]),
];

/// The types of which no endpoint that is served has a row, and why.
#[rustfmt::skip]
pub(crate) const UNSERVED: &[(&str, &str)] = &[
    ("UPGRADE", "the upgrade endpoints are not served"),
    ("LOGGER_DELETE_LOG", "its endpoint is implemented nowhere"),
    ("TLS_ERROR", "no table has it: a certificate that does not fit is refused, a start without one fails"),
    ("KEY_USAGE_PKEY", "no table has it: reading a public half leaves no entry"),
];

pub(crate) const CONFIG: &str = "user system:config";
pub(crate) const LOG: &str = "user logger:get";
const PAIRING: &str = "user auth:ext:pair";

const fn guard(call: &'static str, needs: &'static str, refused: &'static [&'static str]) -> Guard {
    Guard { call, needs, refused }
}

fn log_in(walk: &mut Walk<'_>) {
    let login = Challenge::ask(&walk.scene.client).answer(USER, "a:scope", now() + 60);
    walk.know("login", login.sign());
}

fn offer_pairing(walk: &mut Walk<'_>) {
    let phone = Phone::new(5);
    let (claims, eid) = phone.reply(&offer(walk.scene, &phone.epk()));
    walk.know("pid", phone.pid());
    walk.know("reply", phone.sign(&claims, &eid));
}

fn consent(walk: &mut Walk<'_>) {
    let (phone, eid) = (Phone::new(5), eid(walk.scene));
    let asked = ask(walk.scene, &json!({ "epk": phone.epk(), "scope": "keymgmt:list" }));
    let consent = phone.consent(&asked, &eid, |scope| scope);
    walk.know("consent", phone.sign(&consent, &eid));
}
