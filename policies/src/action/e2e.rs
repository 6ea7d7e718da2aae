//! What the API for end-to-end key exchanges lets one do.

use super::Action;

/// Agree on a session key with the device.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExchangeSession;

impl Action for ExchangeSession {
    const SCOPES: &'static [&'static str] = &["e2e:exchange"];
}

/// Have what was encrypted in one's session opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenFrame;

impl Action for OpenFrame {
    const SCOPES: &'static [&'static str] = &["e2e:use"];
}
