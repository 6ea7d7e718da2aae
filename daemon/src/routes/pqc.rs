//! The routes of the post-quantum API.

use audit::LogType::*;
use policies::{CipherText, ExchangeKeys, IssueToken, SignText};

use crate::route::LogRule::Every;
use crate::route::{Route, Scope, get, post};
use crate::surface::pqc::{aes, kem, signature, token};

/// The rows of the post-quantum API.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //   path                                  scope        log entry                          handler
        get( "/api/token/new",                     TOKEN,       Every(LOG_TYPE_TOKEN_ISSUED),      token::issue::<token::InQuery>)
            .answers(TOKEN_GET),
        post("/api/token/new",                     TOKEN,       Every(LOG_TYPE_TOKEN_ISSUED),      token::issue::<token::InBody>)
            .answers(TOKEN_POST),

        get( "/api/kc/generate_keys",              KEM,         Every(LOG_TYPE_KEY_GENERATION),    kem::generate::<kem::GenerateInQuery>)
            .answers(GET),
        post("/api/kc/generate_keys",              KEM,         Every(LOG_TYPE_KEY_GENERATION),    kem::generate::<kem::Generate>)
            .answers(POST),
        post("/api/kc/encapsulate_key",            KEM,         Every(LOG_TYPE_CRYPTO_PQC_MLKEM_ENCAPS), kem::encapsulate)
            .answers(POST).body_limit(LONG_BODY),
        post("/api/kc/decapsulate_key",            KEM,         Every(LOG_TYPE_CRYPTO_PQC_MLKEM_DECAPS), kem::decapsulate)
            .answers(POST).body_limit(LONG_BODY),

        get( "/api/kem/generate_keys",             KEM,         Every(LOG_TYPE_KEY_GENERATION),    kem::generate::<kem::GenerateInQuery>)
            .answers(GET),
        post("/api/kem/generate_keys",             KEM,         Every(LOG_TYPE_KEY_GENERATION),    kem::generate::<kem::Generate>)
            .answers(POST),
        post("/api/kem/encapsulate_key",           KEM,         Every(LOG_TYPE_CRYPTO_PQC_MLKEM_ENCAPS), kem::encapsulate)
            .answers(POST).body_limit(LONG_BODY),
        post("/api/kem/decapsulate_key",           KEM,         Every(LOG_TYPE_CRYPTO_PQC_MLKEM_DECAPS), kem::decapsulate)
            .answers(POST).body_limit(LONG_BODY),

        post("/api/signature/sign",                SIGN,        Every(LOG_TYPE_CRYPTO_PQC_MLDSA_SIGN), signature::sign)
            .answers(POST).body_limit(LONG_BODY),
        post("/api/signature/verify",              SIGN,        Every(LOG_TYPE_CRYPTO_PQC_MLDSA_VERIFY), signature::verify)
            .answers(POST).body_limit(LONG_BODY),

        post("/api/aes/encrypt_text",              AES,         Every(LOG_TYPE_CRYPTO_ENCRYPT),    aes::encrypt)
            .answers(POST).body_limit(LONG_BODY),
        post("/api/aes/decrypt_text",              AES,         Every(LOG_TYPE_CRYPTO_DECRYPT),    aes::decrypt)
            .answers(POST).body_limit(LONG_BODY),
    ]
}

/// `pqc:aes`, and the use of the very key where a stored one is named.
const AES: Scope<CipherText> = Scope::new();
/// `pqc:kem`
const KEM: Scope<ExchangeKeys> = Scope::new();
/// `pqc:sign`
const SIGN: Scope<SignText> = Scope::new();
/// `token:new`
const TOKEN: Scope<IssueToken> = Scope::new();

const GET: &[u16] = &[200, 401, 403, 409, 418, 422, 500, 503];
const POST: &[u16] = &[200, 401, 403, 408, 409, 413, 418, 422, 500, 503];
const TOKEN_GET: &[u16] = &[200, 401, 403, 409, 418, 422, 429, 500, 503];
const TOKEN_POST: &[u16] = &[200, 401, 403, 408, 409, 413, 418, 422, 429, 500, 503];
/// The longest text, each byte of it in the six characters of an escape, and what goes with it.
const LONG_BODY: usize = 200 << 10;
