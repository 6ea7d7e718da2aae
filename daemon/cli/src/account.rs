//! `claviger account`: the accounts of a daemon, for its user.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::account::AccountCommand;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{plain, table, utc};
use crate::session::{Need, Session};

/// Does one of them.
pub(crate) fn run(session: &Session, command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Create { username, scope, passphrase_file } => {
            let password = session.password(passphrase_file)?;
            let password = password.expose_secret();
            let body = json!({ "username": username, "scope": scope, "password": password });
            change(session, post("", body).hides("password"), "made")
        }
        AccountCommand::List => list(session),
        AccountCommand::Lock { username } => {
            change(session, post("/lock", json!({ "username": username })), "locked")
        }
        AccountCommand::Passwd { username, passphrase_file } => {
            let password = session.password(passphrase_file)?;
            let body = json!({ "username": username, "password": password.expose_secret() });
            change(session, post("/password", body).hides("password"), "given another password")
        }
        AccountCommand::Unlock { username } => {
            change(session, post("/unlock", json!({ "username": username })), "unlocked")
        }
    }
}

fn post(what: &str, body: Value) -> Call {
    Call::post(format!("{PATH}{what}"), body)
}

fn change(session: &Session, call: Call, done: &str) -> Result<(), Failure> {
    let call = call.needs(need());
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let account: Account = client.json(&call)?;
    session.output.note(&format!("the account {} is {done}", account.username));
    session.output.show(&account, "")
}

fn list(session: &Session) -> Result<(), Failure> {
    let call = Call::get(PATH).needs(need());
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let all: All = client.json(&call)?;
    let row = |account: &Account| {
        let state = if account.locked { "locked" } else { "open" };
        let (name, scope) = (plain(&account.username), plain(&account.scope));
        [name, state.to_owned(), utc(account.updated), scope]
    };
    let rows: Vec<_> = all.accounts.iter().map(row).collect();
    session.output.show(&all, &table(&rows))
}

fn need() -> Need {
    Need { scopes: vec!["account:manage"], ..Need::default() }
}

#[derive(Deserialize, Serialize)]
struct Account {
    username: String,
    id: String,
    scope: String,
    locked: bool,
    created: u64,
    updated: u64,
}

#[derive(Deserialize, Serialize)]
struct All {
    accounts: Vec<Account>,
}

const PATH: &str = "/rest/accounts";
