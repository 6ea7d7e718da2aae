//! The routes of the API for end-to-end key exchanges.

use audit::LogType::*;
use policies::{ExchangeSession, OpenFrame};

use crate::route::LogRule::Every;
use crate::route::{Route, Scope, get, post};
use crate::surface::e2e::{browser, data, native};

/// The rows of the API for end-to-end key exchanges.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //   path                                  scope        log entry                          handler
        post("/v1/security/e2eKey",                EXCHANGE,    Every(LOG_TYPE_E2E_KEY_STORED),    native::store_one)
            .answers(CREATED),
        get( "/v1/security/e2eKey",                EXCHANGE,    Every(LOG_TYPE_E2E_KEY_SENT),      browser::send)
            .answers(GET),
        post("/security/e2e/key",                  EXCHANGE,    Every(LOG_TYPE_E2E_KEY_STORED),    native::store_two)
            .answers(POST),
        post("/v1/security/e2e/key",               EXCHANGE,    Every(LOG_TYPE_E2E_KEY_STORED),    native::store_two)
            .answers(POST),
        post("/v1/security/e2eData",               OPEN,        Every(LOG_TYPE_E2E_DATA),          data::open)
            .answers(DATA).body_limit(FORM_BODY),
    ]
}

/// `e2e:exchange`
const EXCHANGE: Scope<ExchangeSession> = Scope::new();
/// `e2e:use`
const OPEN: Scope<OpenFrame> = Scope::new();

const CREATED: &[u16] = &[201, 400, 401, 403, 408, 413, 418, 422, 429, 500];
const DATA: &[u16] = &[200, 400, 401, 403, 408, 413, 418, 422, 429, 500];
const GET: &[u16] = &[200, 400, 401, 403, 418, 422, 429, 500];
const POST: &[u16] = &[200, 400, 401, 403, 408, 413, 418, 422, 429, 500];
/// The data of a form, in hexadecimal digits.
const FORM_BODY: usize = 64 << 10;
