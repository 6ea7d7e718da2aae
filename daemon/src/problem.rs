//! Error bodies for clients that ask for them (RFC 9457).

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::fault::Fault;
use crate::reply::PROBLEM_JSON;

/// Whether the client takes `application/problem+json`.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|essence| essence.trim().eq_ignore_ascii_case(PROBLEM_JSON))
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
