//! `claviger key create | show | import | delete`: one key at a time.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::{CreateArgs, DeleteArgs, ImportArgs, KeyAbout};
use crate::client::Call;
use crate::encoding::{self, Kid, USE};
use crate::failure::Failure;
use crate::output::{plain, table, utc};
use crate::session::{Need, Session};

/// Generates a key in the token; its id goes to stdout.
pub(crate) fn create(session: &Session, ask: &CreateArgs) -> Result<(), Failure> {
    make(session, &create_call(ask))
}

/// Imports a public key; its id goes to stdout.
pub(crate) fn import(session: &Session, ask: &ImportArgs) -> Result<(), Failure> {
    make(session, &import_call(ask))
}

/// Shows type and public key.
pub(crate) fn show(session: &Session, kid: &Kid) -> Result<(), Failure> {
    let call = show_call(kid);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let mut key: Shown = client.json(&call)?;
    key.kid = kid.as_str().to_owned();
    let mut rows = vec![["kid".to_owned(), key.kid.clone()], ["type".into(), plain(&key.key_type)]];
    rows.extend(key.pubkey.as_deref().map(|pubkey| ["pubkey".into(), plain(pubkey)]));
    rows.push(["updated".into(), utc(key.updated)]);
    session.output.show(&key, &table(&rows))
}

/// Destroys a key, after asking on a terminal.
pub(crate) fn delete(session: &Session, ask: &DeleteArgs) -> Result<(), Failure> {
    let call = delete_call(&ask.kid);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    if !ask.yes {
        if !io::stdin().is_terminal() {
            return Err(Failure::usage("deleting a key is for good, and nobody can be asked here")
                .hint("add --yes when it is meant"));
        }
        confirm(&ask.kid, io::stdin().lock(), io::stderr())?;
    }
    client.send(&call)?;
    let kid = ask.kid.as_str();
    session.output.note(&format!("deleted {kid}"));
    session.output.show(&json!({"deleted": kid}), "")
}

#[derive(Deserialize, Serialize)]
struct Made {
    kid: String,
}

#[derive(Deserialize, Serialize)]
struct Shown {
    /// Not part of the answer: the id that was asked for.
    #[serde(default)]
    kid: String,
    #[serde(rename = "type")]
    key_type: String,
    /// Raw public key in base64; symmetric keys have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pubkey: Option<String>,
    updated: u64,
}

fn make(session: &Session, call: &Call) -> Result<(), Failure> {
    let Some(client) = session.client_for(call)? else { return Ok(()) };
    let made: Made = client.json(call)?;
    session.output.show(&made, &plain(&made.kid))
}

fn create_call(ask: &CreateArgs) -> Call {
    Call::post("/api/keymgmt/create", about(&ask.about)).needs(need("keymgmt:gen"))
}

fn import_call(ask: &ImportArgs) -> Call {
    let mut body = about(&ask.about);
    if let Value::Object(fields) = &mut body {
        fields.insert("pubkey".into(), ask.pubkey.to_wire().into());
    }
    Call::post("/api/keymgmt/import", body).needs(need("keymgmt:imp"))
}

fn show_call(kid: &Kid) -> Call {
    let exact = Some(format!("{USE}{}", kid.as_str()));
    let need = Need { scopes: vec!["keymgmt:get", "keymgmt:gen"], exact, optional: false };
    Call::get(format!("/api/keymgmt/get/{}", kid.as_str())).needs(need).absent_is_406()
}

fn delete_call(kid: &Kid) -> Call {
    Call::delete(format!("/api/keymgmt/delete/{}", kid.as_str()))
        .needs(need("keymgmt:del"))
        .absent_is_406()
}

/// The body of create and import: absent fields are left out, the description is base64.
fn about(ask: &KeyAbout) -> Value {
    let mut body = json!({"label": ask.label, "type": ask.key_type});
    if let Value::Object(fields) = &mut body {
        fields.extend(ask.mode.as_ref().map(|mode| ("mode".into(), mode.as_str().into())));
        let descr = ask.descr.as_ref().map(|text| encoding::encode(text.as_bytes()));
        fields.extend(descr.map(|descr| ("descr".into(), descr.into())));
    }
    body
}

fn need(scope: &'static str) -> Need {
    Need { scopes: vec![scope], ..Need::default() }
}

/// Goes on only when the key id is typed again.
fn confirm(kid: &Kid, mut input: impl BufRead, mut prompt: impl Write) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::unexpected(format!("cannot ask: {error}"));
    write!(prompt, "Key {} will be destroyed for good.\nType its id to go on: ", kid.as_str())
        .and_then(|()| prompt.flush())
        .map_err(failed)?;
    let mut line = String::new();
    input.read_line(&mut line).map_err(failed)?;
    match line.trim().parse::<Kid>() {
        Ok(typed) if typed == *kid => Ok(()),
        _ => Err(Failure::usage("that is not the id of the key; nothing was deleted")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::{Kid, confirm, create_call, delete_call, import_call, show_call};
    use crate::args::{Args, Command, KeyCommand};

    #[test]
    fn create_sends_what_is_given_and_nothing_else() {
        let KeyCommand::Create(ask) = key(&["create", "--type", "ed25519", "--label", "a"]) else {
            panic!("not create")
        };
        assert_eq!(create_call(&ask).body.unwrap(), json!({"label": "a", "type": "ED25519"}));
    }

    #[test]
    fn import_puts_values_in_the_form_of_the_wire() {
        let line = [
            "import",
            "--type",
            "SECP256R1",
            "--label",
            "peer",
            "--mode",
            "ECDH,ExDSA",
            "--descr",
            "caf\u{e9}",
            "--pubkey",
            "-_-_AQ",
        ];
        let KeyCommand::Import(ask) = key(&line) else { panic!("not import") };
        let call = import_call(&ask);
        assert_eq!(
            call.body.unwrap(),
            json!({"label": "peer", "type": "SECP256R1", "mode": "ECDH,ExDSA",
                   "descr": "Y2Fmw6k=", "pubkey": "+/+/AQ=="})
        );
        assert_eq!(call.need.advice(), Some("keymgmt:imp"));
    }

    #[test]
    fn an_absent_key_is_406_for_show_and_delete() {
        let (show, delete) = (show_call(&kid()), delete_call(&kid()));
        assert!(show.absent_is_406 && delete.absent_is_406);
        assert_eq!(show.path, format!("/api/keymgmt/get/{}", "ab".repeat(16)));
        assert_eq!(show.need.exact, Some(format!("keymgmt:use:{}", "ab".repeat(16))));
        assert_eq!(delete.method, "DELETE");
    }

    #[test]
    fn deleting_needs_the_id_typed_again() {
        let mut prompt = Vec::new();
        let typed = format!("{}\n", "AB".repeat(16));
        assert!(confirm(&kid(), typed.as_bytes(), &mut prompt).is_ok());
        assert!(String::from_utf8(prompt).unwrap().contains(&"ab".repeat(16)));
        for wrong in ["", "y\n", "yes\n", "cd\n"] {
            assert!(confirm(&kid(), wrong.as_bytes(), Vec::new()).is_err(), "{wrong}");
        }
    }

    fn kid() -> Kid {
        "AB".repeat(16).parse().unwrap()
    }

    fn key(line: &[&str]) -> KeyCommand {
        let line = ["claviger", "key"].iter().chain(line);
        match Args::try_parse_from(line).unwrap().command {
            Command::Key(command) => command,
            other => panic!("{other:?}"),
        }
    }
}
