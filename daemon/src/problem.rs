//! Error bodies for clients that ask for them (RFC 9457).

use bytes::Bytes;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::accept;
use crate::fault::Fault;
use crate::reply::PROBLEM_JSON;

/// Whether a client with this `Accept` is told by `application/problem+json`: it names that, and no other
/// form of errors that it wants more.
pub(crate) fn is_wanted(accept: &str) -> bool {
    let wants = |media_type| accept::quality_by_name(accept, media_type).unwrap_or(0);
    let most = ["application/json", "application/xml", "text/xml"].map(wants).into_iter().max();
    let wanted = wants(PROBLEM_JSON);
    wanted > 0 && Some(wanted) >= most
}

/// The body for `fault`. The request id is entered in the operational log too.
pub(crate) fn body(status: StatusCode, fault: &Fault, audit_index: Option<u64>) -> Bytes {
    let request_id = Uuid::new_v4().to_string();
    let detail = fault.detail();
    tracing::info!(%request_id, status = status.as_u16(), %detail, "refused");
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Refused"),
        status: status.as_u16(),
        detail: &detail,
        request_id: &request_id,
        audit_index,
    };
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

/// Why a request was refused (RFC 9457).
#[derive(JsonSchema, Serialize)]
pub(crate) struct Problem<'a> {
    /// Always `about:blank`: the status says it all.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The status in words.
    title: &'a str,
    /// The status.
    status: u16,
    /// What is wrong and how to mend it.
    detail: &'a str,
    /// Leads to the daemon's operational log.
    request_id: &'a str,
    /// The index of the entry in the audit log, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_index: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn problems_are_told_to_those_who_name_them_and_want_nothing_else_more() {
        for (accept, wanted) in [
            ("application/problem+json", true),
            ("Application/Problem+JSON; charset=utf-8", true),
            ("application/json, application/problem+json", true),
            ("application/json;q=0.9, application/problem+json", true),
            ("*/*, application/problem+json;q=0.5", true),
            ("application/problem+json;q=0", false),
            ("*/*, application/problem+json;q=0", false),
            ("application/json, application/problem+json;q=0.5", false),
            ("application/problem+json;q=0.5, text/xml", false),
            ("application/*, application/json", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(is_wanted(accept), wanted, "{accept}");
        }
    }
}
