//! `claviger login --rest`: to an account, by its password.

use base64ct::{Base64UrlUnpadded, Encoding};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::LoginArgs;
use crate::client::Call;
use crate::failure::{Failure, Kind};
use crate::login;
use crate::server::Server;
use crate::session::Session;
use crate::token_store::StoredToken;

/// Gets the tokens of an account, and stores the access token or prints both.
pub(crate) fn run(session: &Session, ask: &LoginArgs) -> Result<(), Failure> {
    let username = ask.username.as_deref().unwrap_or_default();
    let password = session.password(&ask.passphrase_file)?;
    let body = json!({
        "domain": ask.domain, "username": username, "password": password.expose_secret(),
    });
    let call = Call::post("/rest/login", body).hides("password");
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let tokens: Tokens = client.json(&call).map_err(|failure| match failure.kind() {
        Kind::Denied => failure.hint("wrong name or password, or the account is locked"),
        _ => failure,
    })?;
    let Says { scope, exp } = says(&tokens.access_token).ok_or_else(|| {
        Failure::unexpected("the access token does not say what it is for")
            .hint("is this a Claviger daemon of a version that fits this client?")
    })?;
    let Server { url, ca } = session.server()?;
    let token = tokens.access_token.as_str().into();
    let stored = StoredToken { url, ca, scope, expires_at: exp, token };
    if !ask.print {
        return login::store(session, &stored);
    }
    let document = json!({
        "url": stored.url, "scope": stored.scope, "expires_at": exp,
        "token": tokens.access_token.as_str(), "refresh_token": tokens.refresh_token.as_str(),
    });
    session.output.show(&document, &tokens.access_token)
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Zeroizing<String>,
    refresh_token: Zeroizing<String>,
}

/// What the claims of an access token say.
#[derive(Deserialize)]
struct Says {
    scope: String,
    exp: u64,
}

/// Nothing is verified: the token comes from the daemon itself.
fn says(token: &str) -> Option<Says> {
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).ok()?).ok()
}
