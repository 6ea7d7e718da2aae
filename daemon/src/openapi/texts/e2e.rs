//! What the description says of the API for end-to-end key exchanges.

use super::Texts;

pub(super) const TEXTS: Texts = Texts { tags: TAGS, summaries: SUMMARIES };

const TAGS: &[(&str, &str)] = &[(
    "e2e",
    "End-to-end key exchanges: session keys encrypted to a key of the device, events that are good \
     for one payload, and payloads opened.",
)];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("POST",   "/v1/security/e2eKey",                "Version 1: takes the key of a session, encrypted to the device."),
    ("GET",    "/v1/security/e2eKey",                "The device's key for browsers, and an event."),
    ("POST",   "/security/e2e/key",                  "Version 2: takes the keys of a session, encrypted to the device."),
    ("POST",   "/v1/security/e2e/key",               "The same as /security/e2e/key."),
    ("POST",   "/v1/security/e2eData",               "Opens a payload that names the event which is due, once; one answer for whatever is wrong with it."),
];
