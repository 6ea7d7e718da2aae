//! The routes of key agreement and login.

use audit::LogType::*;

use crate::route::LogRule::Every;
use crate::route::{OPEN, Route, post};
use crate::surface::rest::agreement;

/// The rows of key agreement and login.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //   path                                  scope        log entry                          handler
        post("/rest/key-agreement",                OPEN,        Every(LOG_TYPE_KEY_AGREEMENT),     agreement::agree)
            .answers(AGREEMENT),
    ]
}

const AGREEMENT: &[u16] = &[200, 400, 401, 408, 413, 418, 429, 500, 503];
