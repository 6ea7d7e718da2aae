//! `claviger status` and `claviger version`: what the daemon says about itself to anybody.

use serde_json::{Map, Value, json};

use crate::client::Call;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::session::Session;

/// Shows the state of the daemon.
pub(crate) fn status(session: &Session) -> Result<(), Failure> {
    let Some(state) = ask(session, "/api/system/status")? else { return Ok(()) };
    let text = lines(&state);
    session.output.show(&state, &text)
}

/// Shows the versions of this client and of the daemon.
pub(crate) fn version(session: &Session) -> Result<(), Failure> {
    let Some(server) = ask(session, "/api/system/version")? else { return Ok(()) };
    let client = env!("CARGO_PKG_VERSION");
    let text = format!("client {client}\n{}", lines(&server));
    session.output.show(&json!({"client": client, "server": server}), text.trim_end())
}

fn ask(session: &Session, path: &str) -> Result<Option<Map<String, Value>>, Failure> {
    let call = Call::get(path);
    let Some(client) = session.client_for(&call)? else { return Ok(None) };
    client.json(&call).map(Some)
}

/// One line for each field, strings without their quotes.
fn lines(document: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => plain(text).replace('\n', "?"),
        other => plain(&other.to_string()),
    };
    let rows: Vec<_> = document.iter().map(|(name, value)| [plain(name), text(value)]).collect();
    table(&rows)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::lines;

    #[test]
    fn fields_become_lines() {
        let Value::Object(document) = json!({"uptime": 5, "ts": "now", "storage": ["1:rw"]}) else {
            panic!("not an object")
        };
        assert_eq!(lines(&document), "storage  [\"1:rw\"]\nts       now\nuptime   5");
    }
}
