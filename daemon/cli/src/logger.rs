//! `claviger logger`: what auditors need of the daemon.

use serde_json::{Map, Value};

use crate::client::Call;
use crate::failure::Failure;
use crate::session::{Need, Session};

/// Prints the public key of the audit log, with and without `--json` as the daemon gives it:
/// `claviger-audit --key FILE` takes that.
pub(crate) fn key(session: &Session) -> Result<(), Failure> {
    let need = Need { scopes: vec!["logger:get"], ..Need::default() };
    let call = Call::get("/api/logger/key").needs(need);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let answer: Map<String, Value> = client.json(&call)?;
    let text = Value::from(answer.clone()).to_string();
    session.output.show(&answer, &text)
}
