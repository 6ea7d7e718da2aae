//! The routes of the key service.

use audit::LogType::*;
use policies::{CreateMailbox, DeleteMailbox, ReadMailbox, SendMessage};

use crate::route::LogRule::Paced;
use crate::route::{Route, Scope, delete, get, post, put};
use crate::surface::key_service::{create, read, remove, send};

/// The rows of the key service: one path, of which a request's parameters say what it is about.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        //     path                                scope        log entry                          handler
        post(  "/Service",                         CREATE,      Paced(LOG_TYPE_KEYSERVICE_CREATE), create::create)
            .answers(PACED).body_limit(KEY),
        put(   "/Service",                         SEND,        Paced(LOG_TYPE_KEYSERVICE_SEND),   send::send)
            .answers(PACED).large(),
        get(   "/Service",                         READ,        Paced(LOG_TYPE_KEYSERVICE_READ),   read::read)
            .answers(FOUND),
        delete("/Service",                         DELETE,      Paced(LOG_TYPE_KEYSERVICE_DELETE), remove::remove)
            .answers(PACED),
    ]
}

/// `keyservice:create`, or nothing where the service is open.
const CREATE: Scope<CreateMailbox> = Scope::new();
/// `keyservice:delete`, or nothing where the service is open.
const DELETE: Scope<DeleteMailbox> = Scope::new();
/// `keyservice:read`, or nothing where the service is open, and for the page that explains it.
const READ: Scope<ReadMailbox> = Scope::new();
/// `keyservice:send`, or nothing where the service is open.
const SEND: Scope<SendMessage> = Scope::new();

const FOUND: &[u16] = &[200, 304, 400, 401, 403, 408, 413, 418, 429, 500];
const PACED: &[u16] = &[200, 400, 401, 403, 408, 413, 418, 429, 500];

/// A public key and a private one of 8192 bits, encrypted, as a form has them.
const KEY: usize = 64 << 10;
