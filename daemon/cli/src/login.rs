//! `claviger login` and `claviger logout`.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::LoginArgs;
use crate::client::{Call, Client};
use crate::failure::{Failure, Kind};
use crate::handshake::{self, Challenge, Wish};
use crate::output::utc;
use crate::passphrase;
use crate::server::{self, Server};
use crate::session::{Session, now};
use crate::token_store::StoredToken;

/// Gets a token for a scope or several, and stores it or prints it.
pub(crate) fn run(session: &Session, ask: &LoginArgs) -> Result<(), Failure> {
    let challenge = Call::get(PATH);
    let Some(client) = session.client_for(&challenge)? else {
        session.output.note("the second step posts a proof made from this challenge");
        return Ok(());
    };
    // before the challenge is asked for: it lives for a minute, people may take longer
    let passphrase = passphrase::read(&ask.passphrase_file)?;
    let challenge: Challenge = client.json(&challenge)?;
    let issued_at = now()?;
    let expires_at = issued_at.saturating_add(ask.lifetime);
    let scope = ask.scope.clone().unwrap_or_default();
    let wish = Wish { scope: &scope, issued_at, expires_at };
    let token = prove(&client, &challenge, &passphrase, wish)?;
    let Server { url, ca } = session.server()?;
    let login = StoredToken { url, ca, scope, expires_at, token };
    if ask.print { print(session, &login) } else { store(session, &login) }
}

/// Removes stored tokens: those of `--url`, or all.
pub(crate) fn forget(session: &Session, all: bool) -> Result<(), Failure> {
    let url = session.options.url.as_deref().filter(|_| !all).map(server::origin).transpose()?;
    let removed = session.store.remove(url.as_deref())?;
    let whose = url.map_or_else(
        || "of all daemons".to_owned(),
        |url| format!("of {url}; `claviger logout --all` removes those of all daemons"),
    );
    session.output.note(&format!("removed {removed} stored tokens {whose}"));
    session.output.show(&json!({"removed": removed}), "")
}

#[derive(Deserialize)]
struct Issued {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<SecretString, D::Error> {
    Zeroizing::<String>::deserialize(source).map(|text| text.as_str().into())
}

fn prove(
    client: &Client,
    challenge: &Challenge,
    passphrase: &SecretString,
    wish: Wish<'_>,
) -> Result<SecretString, Failure> {
    let proof = handshake::ejwt(challenge, passphrase, wish).map_err(|error| {
        Failure::unexpected(format!("cannot answer the challenge: {error}"))
            .hint("is --url really a Claviger daemon?")
    })?;
    let call = Call::post(PATH, json!({"auth": proof.as_str()}));
    let issued: Issued = client.json(&call).map_err(|failure| match failure.kind() {
        Kind::Denied => failure.hint(
            "wrong passphrase, or the clocks of this host and the daemon differ by more than the \
             lifetime asked for",
        ),
        _ => failure,
    })?;
    Ok(issued.token)
}

fn print(session: &Session, login: &StoredToken) -> Result<(), Failure> {
    let token = login.token.expose_secret();
    let document = json!({
        "url": login.url, "scope": login.scope, "expires_at": login.expires_at, "token": token,
    });
    session.output.show(&document, token)
}

/// Stores a token, and says so.
pub(crate) fn store(session: &Session, login: &StoredToken) -> Result<(), Failure> {
    let file: PathBuf = session.store.save(login)?;
    let StoredToken { url, scope, expires_at, .. } = login;
    let until = utc(*expires_at);
    session.output.note(&format!("logged in to {url} for {scope} until {until}"));
    let document = json!({"url": url, "scope": scope, "expires_at": expires_at, "file": file});
    session.output.show(&document, "")
}

const PATH: &str = "/api/auth/token";
