//! The prose of the description, in one place.

use http::Method;
use serde_json::{Value, json};

/// What the operation `method path` does, in a line; `None` where nobody wrote it down, which a test
/// does not let through.
pub fn summary(method: &Method, path: &str) -> Option<&'static str> {
    let mut known =
        SUMMARIES.iter().filter(|(verb, at, _)| *verb == method.as_str() && *at == path);
    known.next().map(|(_, _, text)| *text)
}

/// What a part of the path means.
pub(super) fn parameter(name: &str) -> Option<&'static str> {
    Some(match name {
        "count" => "How many to list; 15 at most are.",
        "id" => "A log file: the Unix time of its start.",
        "index" => "The index of an entry among all lines of the log.",
        "kid" => "The key's name.",
        "level" => "The level of a tile; 0 has the lines.",
        "new" => "The size of the log that is younger.",
        "number" => {
            "The number of a tile in elements of three digits, such as x001/234, or of its first hashes, such as x001/234.p/17 (C2SP tlog-tiles)."
        }
        "offset" => "How many to pass over.",
        "old" => "The size of the log that is older.",
        _ => return None,
    })
}

/// What a status means (hem.md A1).
pub(super) fn status(status: u16) -> &'static str {
    match status {
        200 => "Done.",
        400 => "The body or an argument makes no sense.",
        401 => "The token is missing where one is needed, or is not valid.",
        403 => {
            "The token's scope or role does not allow it, which is entered in the log; or nobody may now."
        }
        404 => "There is no such thing.",
        406 => "The request makes sense, and the operation did not work.",
        408 => "The body did not come in time.",
        409 => "Not now: not initialised, the self-test failed, or the token or the log is away.",
        411 => "A POST needs a Content-Length above 0.",
        412 => "The Origin of the request is not one of the configured.",
        413 => "The body is longer than this operation takes.",
        418 => "It must come over TLS.",
        500 => "A defect in the daemon.",
        503 => "More work is waiting than can be taken: try again after Retry-After seconds.",
        _ => "Refused.",
    }
}

/// The header that leads from an answer to its entry in the log.
pub(super) fn audit_index() -> Value {
    json!({
        "description": "The index of this answer's entry among all lines of the audit log.",
        "schema": { "type": "integer", "minimum": 0 },
    })
}

pub(super) const ABOUT: &str = "Keys that stay in PKCS#11 slots, put to use over TLS 1.3. Whatever \
    is refused has an empty body, though its media type is application/json, unless the client \
    accepts application/problem+json. Unknown members of a body are ignored.";
pub(super) const MEMBERS: &str = "x-claviger-scopes lists scopes any one of which is enough (none: \
    any token), x-claviger-roles whose tokens may (U: user, M: administrator, Ext: a paired \
    authenticator, Acc: an account), x-claviger-log which entry is in the audit log before which \
    status is answered (null: none).";
pub(super) const BEARER: &str = "A token of one scope or several, from /api/auth/token or \
    /api/auth/ext/token. One that is not valid is refused everywhere, even where none is needed.";
pub(super) const TAGS: [(&str, &str); 6] = [
    ("auth", "Initialisation, login, external authenticators."),
    ("crypto", "Operations with stored keys."),
    ("keymgmt", "Making, naming and removing keys."),
    ("logger", "The audit log, and proofs about it."),
    ("meta", "This description, for people and for programs."),
    ("system", "What the device is and how it is set up."),
];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("GET",    "/openapi.json",                      "This description, for programs (OpenAPI 3.1)."),
    ("GET",    "/docs",                              "This description, for people: one page of HTML that loads nothing else."),
    ("GET",    "/api/auth/init",                     "A challenge for the initialisation of a fresh device."),
    ("POST",   "/api/auth/init",                     "Initialises a fresh device. The key that signs becomes the administrator's."),
    ("GET",    "/api/auth/token",                    "A challenge for a login."),
    ("POST",   "/api/auth/token",                    "Exchanges a login token for a bearer token. Answers are held back, longer after failures."),
    ("POST",   "/api/auth/ext/init",                 "Offers a pairing to an authenticator."),
    ("POST",   "/api/auth/ext/validate",             "Pairs the authenticator that answered an offer."),
    ("POST",   "/api/auth/ext/mac",                  "Proves that this device holds its identity key."),
    ("POST",   "/api/auth/ext/request",              "A request for a scope that only paired authenticators can read."),
    ("POST",   "/api/auth/ext/token",                "Exchanges an authenticator's consent for a bearer token."),
    ("GET",    "/api/system/version",                "Which hardware and software this is."),
    ("GET",    "/api/system/status",                 "How the device is."),
    ("GET",    "/api/system/checkin",                "A token for the backend to answer, which sets the time where it comes from there."),
    ("POST",   "/api/system/checkin",                "Takes in the backend's answer. Setting the time and shutting the device are entered in the log."),
    ("GET",    "/api/system/config",                 "How the device is set up."),
    ("POST",   "/api/system/config",                 "Changes settings, the certificate or the user's key, or wipes everything. A wipe, and the certificate of a fresh device, are answered with an empty 200."),
    ("GET",    "/api/system/config/attestation",     "Proves that the attestation key is in this token now, and shows its certificate."),
    ("POST",   "/api/system/config/provisioning",    "Takes in a certificate for the attestation key of a fresh device; 403 once it is initialised."),
    ("GET",    "/api/system/reboot",                 "Starts the daemon anew; tokens and nonces die."),
    ("GET",    "/api/system/selftest",               "Tests the token now."),
    ("GET",    "/api/system/shutdown",               "Stops the daemon, which stays down."),
    ("POST",   "/api/keymgmt/create",                "Makes a key in the token."),
    ("GET",    "/api/keymgmt/list",                  "The first page of keys, oldest first."),
    ("GET",    "/api/keymgmt/list/{offset}",         "The keys from the given one on."),
    ("GET",    "/api/keymgmt/list/{offset}/{count}", "So many keys from the given one on."),
    ("GET",    "/api/keymgmt/get/{kid}",             "A key's type and public half."),
    ("POST",   "/api/keymgmt/import",                "Takes in somebody's public key."),
    ("POST",   "/api/keymgmt/derive",                "Derives a key of a type that is not post-quantum from what a key agrees on with a peer, and keeps it."),
    ("POST",   "/api/keymgmt/update",                "Gives a key another label and description; a description that is left out is cleared."),
    ("POST",   "/api/keymgmt/search",                "Keys whose description fits a pattern. Needs no token where the settings allow that and the pattern is ^ and six bytes or more."),
    ("DELETE", "/api/keymgmt/delete/{kid}",          "Destroys a key."),
    ("POST",   "/api/crypto/ecdh",                   "Agrees on a secret with a peer: the whole of it, or its hash."),
    ("POST",   "/api/crypto/hmac/hash",              "An HMAC by a stored key, or by what a key agrees on with a peer."),
    ("POST",   "/api/crypto/hmac/verify",            "Whether a MAC is right; 406 where it is not."),
    ("POST",   "/api/crypto/exdsa/sign",             "Signs a message, which is hashed here."),
    ("POST",   "/api/crypto/exdsa/verify",           "Whether a signature is right; 406 where it is not."),
    ("POST",   "/api/crypto/cipher/encrypt",         "Enciphers by AES; the initialisation vector is made here."),
    ("POST",   "/api/crypto/cipher/decrypt",         "Deciphers by AES."),
    ("POST",   "/api/crypto/cipher/wrap",            "Wraps a key by AES (RFC 3394)."),
    ("POST",   "/api/crypto/cipher/unwrap",          "Unwraps a key by AES (RFC 3394)."),
    ("POST",   "/api/crypto/pqc/mlkem/encaps",       "A fresh secret and its ciphertext (ML-KEM, FIPS 203)."),
    ("POST",   "/api/crypto/pqc/mlkem/decaps",       "The secret in a ciphertext (ML-KEM, FIPS 203)."),
    ("POST",   "/api/crypto/pqc/mldsa/sign",         "Signs a message in its context (ML-DSA, FIPS 204)."),
    ("POST",   "/api/crypto/pqc/mldsa/verify",       "Whether a signature is right (ML-DSA, FIPS 204); 406 where it is not."),
    ("GET",    "/api/logger/key",                    "The logger key, and a proof that it is in the token now."),
    ("GET",    "/api/logger/checkpoint",             "The latest signed checkpoint (C2SP tlog-checkpoint)."),
    ("GET",    "/api/logger/consistency/{old}/{new}", "The proof that the log only grew between two sizes."),
    ("GET",    "/api/logger/proof/{index}",          "The proof that the latest checkpoint covers an entry (C2SP tlog-proof)."),
    ("GET",    "/api/logger/list",                   "The ids of the log files, oldest first."),
    ("GET",    "/api/logger/list/{offset}",          "The ids of the log files from the given one on."),
    ("GET",    "/api/logger/tile/{level}/{*number}", "Hashes of the tree over the log, 32 bytes each (C2SP tlog-tiles)."),
    ("GET",    "/api/logger/{id}",                   "A log file, whole."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::routes;

    #[test]
    fn every_row_has_its_line_and_no_line_is_left_over() {
        let rows: BTreeSet<_> = routes().iter().map(|r| (r.method.to_string(), r.path)).collect();
        let lines: BTreeSet<_> =
            SUMMARIES.iter().map(|(verb, path, _)| ((*verb).to_owned(), *path)).collect();
        assert_eq!(rows, lines);
        assert_eq!(SUMMARIES.len(), lines.len());
    }

    #[test]
    fn every_status_and_every_part_of_a_path_is_explained() {
        for row in routes() {
            assert!(row.statuses.iter().all(|of| status(*of) != "Refused."), "{}", row.path);
            let mut parts = row.path.split('/').filter_map(|part| part.strip_prefix('{'));
            assert!(parts.all(|part| parameter(part.trim_matches(['*', '}'])).is_some()));
        }
    }
}
