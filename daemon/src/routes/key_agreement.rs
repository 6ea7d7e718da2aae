//! The routes of key agreement and login.

use audit::LogType::*;
use policies::ManageAccounts;

use crate::route::LogRule::{Every, Silent};
use crate::route::{OPEN, Route, Scope, get, post};
use crate::surface::rest::{accounts, agreement, login};

/// The rows of key agreement and login.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //   path                                  scope        log entry                          handler
        post("/rest/key-agreement",                OPEN,        Every(LOG_TYPE_KEY_AGREEMENT),     agreement::agree)
            .answers(ANYONE),

        post("/rest/login",                        OPEN,        Every(LOG_TYPE_LOGIN),             login::login)
            .answers(LOGIN).body_limit(LOGIN_BODY),
        post("/rest/refresh",                      OPEN,        Every(LOG_TYPE_LOGIN_REFRESH),     login::refresh)
            .answers(ANYONE),
        post("/rest/logout",                       OPEN,        Every(LOG_TYPE_LOGOUT),            login::logout)
            .answers(ANYONE),

        get( "/rest/accounts",                     ACCOUNTS,    Silent,                            accounts::list)
            .answers(LIST),
        post("/rest/accounts",                     ACCOUNTS,    Every(LOG_TYPE_ACCOUNT_CHANGED),   accounts::create)
            .answers(CREATE),
        post("/rest/accounts/password",            ACCOUNTS,    Every(LOG_TYPE_ACCOUNT_CHANGED),   accounts::password)
            .answers(PASSWORD),
        post("/rest/accounts/lock",                ACCOUNTS,    Every(LOG_TYPE_ACCOUNT_CHANGED),   accounts::lock)
            .answers(CHANGE),
        post("/rest/accounts/unlock",              ACCOUNTS,    Every(LOG_TYPE_ACCOUNT_CHANGED),   accounts::unlock)
            .answers(CHANGE),
    ]
}

/// `account:manage`, the user's alone.
const ACCOUNTS: Scope<ManageAccounts> = Scope::new();

const ANYONE: &[u16] = &[200, 400, 408, 413, 418, 429, 500];
const CHANGE: &[u16] = &[200, 400, 401, 403, 404, 408, 413, 418, 500, 503];
const CREATE: &[u16] = &[200, 400, 401, 403, 408, 413, 418, 429, 500, 503];
const LIST: &[u16] = &[200, 401, 403, 418, 500, 503];
const LOGIN: &[u16] = &[200, 400, 401, 408, 413, 418, 429, 500];
/// It waits for its turn to be hashed.
const PASSWORD: &[u16] = &[200, 400, 401, 403, 404, 408, 413, 418, 429, 500, 503];
/// The longest password, encrypted, with each of its characters on a line of its own.
const LOGIN_BODY: usize = 64 << 10;
