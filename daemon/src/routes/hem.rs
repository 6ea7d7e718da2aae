//! The routes of the HEM API, and those of the description, which come with it.

use audit::LogType::*;

use crate::openapi;
use crate::route::LogRule::{Effect, Errors, Full, Lookup, Silent, Success};
use crate::route::{
    ATTESTATION, DELETE, DERIVE, GENERATE, IMPORT, LIST, LOGGER, OPEN, PAIR, READ, READ_CONFIG,
    REBOOT, Route, SEARCH, SELF_TEST, SHUTDOWN, UPDATE, USE, WRITE_CONFIG, delete, get, post,
};
use crate::surface::hem::{
    attestation, auth, checkin, cipher, crypto, derive, exdsa, ext, hmac, init, keymgmt, logger,
    power, pqc, selftest, settings, system, wrap,
};

/// The rows of the HEM API.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "one table, whose rows are its lines")]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //   path                                  scope        log entry                          handler
        get( "/openapi.json",                      OPEN,        Silent,                            openapi::serve)
            .answers(PUBLIC).also_plain().in_every_state().in_failure_too(),

        get( "/docs",                              OPEN,        Silent,                            openapi::page::serve)
            .answers(PUBLIC).also_plain().in_every_state().in_failure_too(),

        get( "/api/auth/init",                     OPEN,        Silent,                            init::challenge)
            .answers(INIT_GET).also_plain().in_every_state().with_time(),
        post("/api/auth/init",                     OPEN,        Success(LOG_TYPE_DEVICE_INITED),   init::initialise)
            .answers(INIT_POST).also_plain().in_every_state().with_time(),
        get( "/api/auth/token",                    OPEN,        Silent,                            auth::challenge)
            .answers(TOKEN_GET).also_plain().with_time(),
        post("/api/auth/token",                    OPEN,        Success(LOG_TYPE_AUTH_SUCCESS_INTERNAL), auth::login)
            .answers(TOKEN_POST).also_plain().with_time(),

        post("/api/auth/ext/init",                 PAIR,        Silent,                            ext::pairing::init)
            .answers(EXT_POST).also_plain(),
        post("/api/auth/ext/validate",             PAIR,        Success(LOG_TYPE_AUTH_PAIRED_EXTERNAL), ext::pairing::validate)
            .answers(EXT_VALIDATE).also_plain(),
        post("/api/auth/ext/mac",                  PAIR,        Silent,                            ext::pairing::mac)
            .answers(EXT_POST).also_plain(),
        post("/api/auth/ext/request",              OPEN,        Silent,                            ext::access::request)
            .answers(EXT_REQUEST).also_plain().with_time(),
        post("/api/auth/ext/token",                OPEN,        Success(LOG_TYPE_AUTH_SUCCESS_EXTERNAL), ext::access::token)
            .answers(EXT_TOKEN).also_plain().with_time(),

        get( "/api/system/version",                OPEN,        Silent,                            system::version)
            .answers(PUBLIC).also_plain().in_every_state().in_failure_too(),
        get( "/api/system/status",                 OPEN,        Silent,                            system::status)
            .answers(PUBLIC).also_plain().in_every_state().in_failure_too(),
        get( "/api/system/checkin",                OPEN,        Silent,                            checkin::check)
            .answers(PUBLIC).also_plain().in_every_state().in_failure_too(),
        post("/api/system/checkin",                OPEN,        Silent,                            checkin::checked)
            .answers(CHECKIN).also_plain().in_every_state().in_failure_too(),
        get( "/api/system/config",                 READ_CONFIG, Silent,                            system::config)
            .answers(CONFIG).also_plain(),
        post("/api/system/config",                 WRITE_CONFIG, Effect(LOG_TYPE_CONFIG_UPDATED),  settings::update)
            .answers(CONFIG_POST).also_plain().in_every_state().invalid_as(NOT_UPDATED),
        get( "/api/system/config/attestation",     ATTESTATION, Silent,                            attestation::attestation)
            .answers(ATTEST).also_plain().in_every_state(),
        post("/api/system/config/provisioning",    OPEN,        Silent,                            attestation::provision)
            .answers(PROVISION).also_plain().in_every_state(),
        get( "/api/system/reboot",                 REBOOT,      Success(LOG_TYPE_REBOOT),          power::reboot)
            .answers(POWER).also_plain().in_every_state().in_failure_too(),
        get( "/api/system/selftest",               SELF_TEST,   Silent,                            selftest::run)
            .answers(SELFTEST).also_plain().in_every_state().in_failure_too(),
        get( "/api/system/shutdown",               SHUTDOWN,    Success(LOG_TYPE_SHUTDOWN),        power::shutdown)
            .answers(POWER).also_plain(),

        post("/api/keymgmt/create",                GENERATE,    Full(LOG_TYPE_KEY_GENERATION),     keymgmt::create)
            .answers(KEY_POST),
        get( "/api/keymgmt/list",                  LIST,        Silent,                            keymgmt::list)
            .answers(KEY_LIST),
        get( "/api/keymgmt/list/{offset}",         LIST,        Silent,                            keymgmt::list)
            .answers(KEY_LIST),
        get( "/api/keymgmt/list/{offset}/{count}", LIST,        Silent,                            keymgmt::list)
            .answers(KEY_LIST),
        get( "/api/keymgmt/get/{kid}",             READ,        Silent,                            keymgmt::get)
            .answers(KEY_GET),
        post("/api/keymgmt/import",                IMPORT,      Full(LOG_TYPE_KEY_IMPORT),         keymgmt::import)
            .answers(KEY_POST),
        post("/api/keymgmt/derive",                DERIVE,      Errors(LOG_TYPE_KEY_DERIVE),       derive::derive)
            .answers(KEY_POST),
        post("/api/keymgmt/update",                UPDATE,      Full(LOG_TYPE_KEY_ATTRIBUTES_CHANGED), keymgmt::update)
            .answers(KEY_POST),
        post("/api/keymgmt/search",                SEARCH,      Silent,                            keymgmt::search)
            .answers(KEY_POST),
        delete("/api/keymgmt/delete/{kid}",        DELETE,      Full(LOG_TYPE_KEY_DELETE),         keymgmt::delete)
            .answers(KEY_DELETE),

        post("/api/crypto/ecdh",                   USE,         Full(LOG_TYPE_CRYPTO_ECDH),        crypto::ecdh)
            .answers(KEY_POST),
        post("/api/crypto/hmac/hash",              USE,         Full(LOG_TYPE_CRYPTO_HMAC_HASH),   hmac::hash)
            .answers(KEY_POST),
        post("/api/crypto/hmac/verify",            USE,         Full(LOG_TYPE_CRYPTO_HMAC_VERIFY), hmac::verify)
            .answers(KEY_POST),
        post("/api/crypto/exdsa/sign",             USE,         Full(LOG_TYPE_CRYPTO_EXDSA_SIGN),  exdsa::sign)
            .answers(KEY_POST),
        post("/api/crypto/exdsa/verify",           USE,         Full(LOG_TYPE_CRYPTO_EXDSA_VERIFY), exdsa::verify)
            .answers(KEY_POST),
        post("/api/crypto/cipher/encrypt",         USE,         Full(LOG_TYPE_CRYPTO_ENCRYPT),     cipher::encrypt)
            .answers(KEY_POST),
        post("/api/crypto/cipher/decrypt",         USE,         Full(LOG_TYPE_CRYPTO_DECRYPT),     cipher::decrypt)
            .answers(KEY_POST),
        post("/api/crypto/cipher/wrap",            USE,         Full(LOG_TYPE_CRYPTO_WRAP),        wrap::wrap)
            .answers(KEY_POST),
        post("/api/crypto/cipher/unwrap",          USE,         Full(LOG_TYPE_CRYPTO_UNWRAP),      wrap::unwrap)
            .answers(KEY_POST),

        post("/api/crypto/pqc/mlkem/encaps",       USE,         Full(LOG_TYPE_CRYPTO_PQC_MLKEM_ENCAPS), pqc::encaps)
            .answers(KEY_POST),
        post("/api/crypto/pqc/mlkem/decaps",       USE,         Full(LOG_TYPE_CRYPTO_PQC_MLKEM_DECAPS), pqc::decaps)
            .answers(KEY_POST),
        post("/api/crypto/pqc/mldsa/sign",         USE,         Full(LOG_TYPE_CRYPTO_PQC_MLDSA_SIGN), pqc::sign)
            .answers(KEY_POST),
        post("/api/crypto/pqc/mldsa/verify",       USE,         Full(LOG_TYPE_CRYPTO_PQC_MLDSA_VERIFY), pqc::verify)
            .answers(KEY_POST),

        get( "/api/logger/key",                    LOGGER,      Silent,                            logger::key)
            .answers(LOG_KEY).also_plain().without_log(),
        get( "/api/logger/checkpoint",             LOGGER,      Silent,                            logger::checkpoint)
            .answers(LOG_FILE).also_plain().without_log(),
        get( "/api/logger/consistency/{old}/{new}", LOGGER,     Silent,                            logger::consistency)
            .answers(LOG_FILE).also_plain().without_log(),
        get( "/api/logger/proof/{index}",          LOGGER,      Silent,                            logger::proof)
            .answers(LOG_FILE).also_plain().without_log(),
        get( "/api/logger/tile/entries/{*number}", LOGGER,      Silent,                            logger::entries)
            .answers(LOG_FILE).also_plain().without_log(),
        get( "/api/logger/tile/{level}/{*number}", LOGGER,      Silent,                            logger::tile)
            .answers(LOG_FILE).also_plain().without_log(),
        get( "/api/logger/list",                   LOGGER,      Lookup(LOG_TYPE_LOGGER_LIST_LOG),  logger::list)
            .answers(LOG_FILE).also_plain(),
        get( "/api/logger/list/{offset}",          LOGGER,      Lookup(LOG_TYPE_LOGGER_LIST_LOG),  logger::list)
            .answers(LOG_FILE).also_plain(),
        get( "/api/logger/{id}",                   LOGGER,      Lookup(LOG_TYPE_LOGGER_READ_LOG),  logger::read)
            .answers(LOG_FILE).also_plain(),
    ]
}

const ATTEST: &[u16] = &[200, 401, 409, 412, 500, 503];
const CHECKIN: &[u16] = &[200, 400, 401, 408, 409, 411, 412, 413, 500, 503];
const CONFIG: &[u16] = &[200, 401, 403, 409, 412, 500];
const CONFIG_POST: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 500, 503];
const EXT_POST: &[u16] = &[200, 400, 401, 403, 408, 409, 411, 412, 413, 500, 503];
const EXT_REQUEST: &[u16] = &[200, 400, 401, 403, 408, 409, 411, 412, 413, 500, 503];
const EXT_TOKEN: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 500, 503];
const EXT_VALIDATE: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 500, 503];
const INIT_GET: &[u16] = &[200, 401, 403, 406, 409, 412, 500, 503];
const INIT_POST: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 500, 503];
const KEY_DELETE: &[u16] = &[200, 400, 401, 403, 406, 409, 412, 418, 500, 503];
const KEY_GET: &[u16] = &[200, 400, 401, 403, 406, 409, 412, 418, 500];
const KEY_LIST: &[u16] = &[200, 401, 403, 406, 409, 412, 418, 500];
const KEY_POST: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 418, 500, 503];
const LOG_FILE: &[u16] = &[200, 401, 403, 404, 406, 409, 412, 500];
const LOG_KEY: &[u16] = &[200, 401, 403, 409, 412, 500, 503];
/// What a 400 of `POST /api/system/config` says.
const NOT_UPDATED: &str = r#"{"updated":false}"#;
const POWER: &[u16] = &[200, 401, 403, 409, 412, 500, 503];
const PROVISION: &[u16] = &[200, 400, 401, 403, 406, 408, 409, 411, 412, 413, 500, 503];
const PUBLIC: &[u16] = &[200, 401, 412, 500];
const SELFTEST: &[u16] = &[200, 401, 409, 412, 500, 503];
const TOKEN_GET: &[u16] = &[200, 401, 403, 409, 412, 500];
const TOKEN_POST: &[u16] = &[200, 400, 401, 403, 408, 409, 411, 412, 413, 500, 503];
