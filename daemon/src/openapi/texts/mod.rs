//! The prose of the description: what all surfaces have in common, and a file for each of them.

mod e2e;
mod hem;
mod key_agreement;
mod key_service;
mod pqc;

use http::Method;
use serde_json::{Value, json};

/// What the operation `method path` does, in a line; `None` where nobody wrote it down, which a test
/// does not let through.
pub fn summary(method: &Method, path: &str) -> Option<&'static str> {
    let is_it = |(verb, at, _): &&Summary| *verb == method.as_str() && *at == path;
    ALL.iter().flat_map(|texts| texts.summaries).find(is_it).map(|(_, _, text)| *text)
}

/// What is said of a surface.
pub(super) struct Texts {
    /// Its chapters: names, and what is in them.
    tags: &'static [(&'static str, &'static str)],
    /// What each operation does: method, path, a line.
    summaries: &'static [Summary],
}

type Summary = (&'static str, &'static str, &'static str);

/// Those of every surface.
const ALL: [&Texts; 5] =
    [&hem::TEXTS, &pqc::TEXTS, &e2e::TEXTS, &key_agreement::TEXTS, &key_service::TEXTS];

/// The chapters of all surfaces.
pub(super) fn tags() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().flat_map(|texts| texts.tags).copied()
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
        201 => "Done, and something stands now that did not.",
        304 => "There is nothing.",
        400 => "The body or an argument makes no sense.",
        401 => "The token is missing where one is needed, or is not valid.",
        403 => {
            "The token's scope or role does not allow it, which is entered in the log; or nobody may now."
        }
        404 => "There is no such thing.",
        406 => "The request makes sense, and the operation did not work.",
        408 => "The body did not come in time.",
        409 => {
            "Not now: not initialised, the self-test failed, or the token or the log is away. Of other APIs than HEM: it makes sense, and did not work."
        }
        411 => "A POST needs a Content-Length above 0.",
        412 => "The Origin of the request is not one of the configured.",
        413 => "The body is longer than this operation takes.",
        418 => "It must come over TLS.",
        422 => "A member of the request is missing or is not as it must be.",
        429 => "Too often or too many: wait.",
        500 => "A defect in the daemon.",
        503 => {
            "More work is waiting than can be taken: try again after Retry-After seconds. Of other APIs than HEM also: not initialised, or the token or the log is away."
        }
        _ => REFUSED,
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
pub(super) const REFUSED: &str = "Refused.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::routes;

    #[test]
    fn every_row_has_its_line_and_no_line_is_left_over() {
        let rows: BTreeSet<_> = routes().iter().map(|r| (r.method.to_string(), r.path)).collect();
        let summaries = || ALL.iter().flat_map(|texts| texts.summaries);
        let lines: BTreeSet<_> =
            summaries().map(|(verb, path, _)| ((*verb).to_owned(), *path)).collect();
        assert_eq!(rows, lines);
        assert_eq!(summaries().count(), lines.len());
    }

    #[test]
    fn every_status_and_every_part_of_a_path_is_explained() {
        for row in routes() {
            assert!(row.statuses.iter().all(|of| status(*of) != REFUSED), "{}", row.path);
            let mut parts = row.path.split('/').filter_map(|part| part.strip_prefix('{'));
            assert!(parts.all(|part| parameter(part.trim_matches(['*', '}'])).is_some()));
        }
    }
}
