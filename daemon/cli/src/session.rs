//! One run of the client: its options, the daemon it means, and the token that fits each call.

use std::env;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::args::Options;
use crate::client::{Call, Client};
use crate::curl;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use crate::passphrase;
use crate::server::Server;
use crate::token_store::{StoredToken, TokenStore};

/// What a call needs of a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Need {
    /// Scopes that allow the call, alone or continued after a colon; the first is advised.
    pub(crate) scopes: Vec<&'static str>,
    /// A scope that must match as a whole: `keymgmt:use:<kid>`.
    pub(crate) exact: Option<String>,
    /// The call may work without any token.
    pub(crate) optional: bool,
}

impl Need {
    /// Whether a token with these scopes will do; one with spaces between has several.
    fn fits(&self, scopes: &str) -> bool {
        scopes.split(' ').any(|scope| self.fits_one(scope)) || self.exact.as_deref() == Some(scopes)
    }

    fn fits_one(&self, scope: &str) -> bool {
        let within = |wanted: &&str| {
            scope.strip_prefix(*wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        self.scopes.iter().any(within) || self.exact.as_deref() == Some(scope)
    }

    /// The scope to log in for; `None` when the call needs no token.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.scopes.first().copied().or(self.exact.as_deref())
    }
}

/// One run of the client.
#[derive(Debug)]
pub(crate) struct Session {
    /// Options of the command line.
    pub(crate) options: Options,
    /// Where results go.
    pub(crate) output: Output,
    /// Where tokens are kept.
    pub(crate) store: TokenStore,
}

impl Session {
    /// Gathers options and places; reads nothing yet.
    pub(crate) fn open(options: Options) -> Result<Self, Failure> {
        let output = Output::new(options.json);
        Ok(Self { options, output, store: TokenStore::of_user()? })
    }

    /// A client that may make this call. `None`: `--print-curl` was given, the curl line is on
    /// stdout and nothing is to be sent.
    pub(crate) fn client_for(&self, call: &Call) -> Result<Option<Client>, Failure> {
        let stored = self.stored()?;
        let server = Server::choose(&self.options, &stored)?;
        if self.options.print_curl {
            curl::print(self.output, &server, call)?;
            return Ok(None);
        }
        let token = self.token(&call.need, &server, &stored)?;
        Client::new(&server, token).map(Some)
    }

    /// The password in a file; nothing where the call is only shown, which [hides](Call::hides) it.
    pub(crate) fn password(&self, file: &Path) -> Result<SecretString, Failure> {
        match self.options.print_curl {
            true => Ok("".into()),
            false => passphrase::read(file),
        }
    }

    /// The daemon that this run means.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        Server::choose(&self.options, &self.stored()?)
    }

    /// Stored tokens. They are not read when URL and token are both given: what lies in the store
    /// can't then stop a script.
    fn stored(&self) -> Result<Vec<StoredToken>, Failure> {
        if self.options.url.is_some() && self.has_own_token() {
            return Ok(Vec::new());
        }
        self.store.load()
    }

    fn has_own_token(&self) -> bool {
        self.options.token_file.is_some() || env::var_os(TOKEN_VARIABLE).is_some()
    }

    fn token(
        &self,
        need: &Need,
        server: &Server,
        stored: &[StoredToken],
    ) -> Result<Option<SecretString>, Failure> {
        if need.advice().is_none() {
            return Ok(None);
        }
        if let Some(token) = self.own_token()? {
            return Ok(Some(token));
        }
        match fitting(stored, server, need, now()?) {
            Ok(token) => Ok(Some(token.token.clone())),
            Err(_) if need.optional => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn own_token(&self) -> Result<Option<SecretString>, Failure> {
        if let Some(path) = &self.options.token_file {
            let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                Failure::usage(format!("cannot read the token file {}: {error}", path.display()))
            })?;
            return Ok(Some(text.trim().into()));
        }
        match env::var(TOKEN_VARIABLE).map(Zeroizing::new) {
            Ok(text) => Ok(Some(text.trim().into())),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => {
                Err(Failure::usage(format!("{TOKEN_VARIABLE} is not text")))
            }
        }
    }
}

/// Unix seconds by the local clock.
pub(crate) fn now() -> Result<u64, Failure> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|elapsed| elapsed.as_secs())
        .map_err(|_| Failure::unexpected("the local clock is before 1970").hint("set the clock"))
}

/// The stored token of this daemon that fits, the longest-lived of several.
fn fitting<'a>(
    stored: &'a [StoredToken],
    server: &Server,
    need: &Need,
    now: u64,
) -> Result<&'a StoredToken, Failure> {
    let of_scope = || stored.iter().filter(|t| t.url == server.url && need.fits(&t.scope));
    let best = of_scope().filter(|t| t.expires_at > now).max_by_key(|t| t.expires_at);
    best.ok_or_else(|| {
        let scope = need.advice().unwrap_or_default();
        let url = &server.url;
        let message = match of_scope().map(|token| token.scope.as_str()).next() {
            Some(old) => format!("the stored token with the scope {old} for {url} has expired"),
            None => format!("no stored token for {url} has the scope {scope}"),
        };
        Failure::new(Kind::Denied, message).hint(login_line(scope))
    })
}

/// How to get a token for a scope.
pub(crate) fn login_line(scope: &str) -> String {
    let quote = if scope.contains(' ') { "'" } else { "" };
    format!("claviger login --scope {quote}{scope}{quote} --passphrase-file FILE")
}

const TOKEN_VARIABLE: &str = "CLAVIGER_TOKEN";

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{Need, fitting};
    use crate::server::Server;
    use crate::token_store::StoredToken;

    #[test]
    fn scopes_fit_whole_or_up_to_a_colon() {
        let need = Need { scopes: vec!["keymgmt:get"], ..Need::default() };
        assert!(need.fits("keymgmt:get") && need.fits("keymgmt:get:more"));
        assert!(!need.fits("keymgmt:getXYZ") && !need.fits("keymgmt") && !need.fits(""));
        assert!(need.fits("token:new keymgmt:get") && !need.fits("token:new keymgmt:list"));
        let need = Need { exact: Some("keymgmt:use:ab".into()), ..Need::default() };
        assert!(need.fits("keymgmt:gen keymgmt:use:ab"));
        assert!(need.fits("keymgmt:use:ab"));
        assert!(!need.fits("keymgmt:use:ab:more") && !need.fits("keymgmt:use:abc"));
    }

    #[test]
    fn the_fitting_token_of_the_right_daemon_is_chosen() {
        let stored = [
            token("https://a", "keymgmt:gen", 50, "old"),
            token("https://a", "keymgmt:gen:x", 200, "longest"),
            token("https://a", "keymgmt:gen:y", 150, "shorter"),
            token("https://a", "keymgmt:list", 900, "other scope"),
            token("https://b", "keymgmt:gen", 900, "other daemon"),
        ];
        let server = Server { url: "https://a".into(), ca: None };
        let need = Need { scopes: vec!["keymgmt:gen"], ..Need::default() };
        let chosen = fitting(&stored, &server, &need, 100).unwrap();
        assert_eq!(chosen.token.expose_secret(), "longest");
        let expired = fitting(&stored, &server, &need, 300).unwrap_err().to_string();
        assert!(expired.contains("has expired"), "{expired}");
    }

    #[test]
    fn without_a_fitting_token_the_login_is_named() {
        let server = Server { url: "https://a".into(), ca: None };
        let need = Need { scopes: vec!["keymgmt:del"], ..Need::default() };
        let failure = fitting(&[], &server, &need, 0).unwrap_err();
        assert_eq!(failure.to_string(), "no stored token for https://a has the scope keymgmt:del");
        assert!(format!("{failure:?}").contains("claviger login --scope keymgmt:del"));
    }

    fn token(url: &str, scope: &str, expires_at: u64, token: &str) -> StoredToken {
        StoredToken {
            url: url.into(),
            ca: None,
            scope: scope.into(),
            expires_at,
            token: token.into(),
        }
    }
}
