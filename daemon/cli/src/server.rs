//! Which daemon is meant, and which root certificate vouches for it.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Url};

use crate::args::Options;
use crate::failure::Failure;
use crate::token_store::StoredToken;

/// The daemon that a command talks to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Server {
    /// `https://host[:port]`, without a slash at the end.
    pub(crate) url: String,
    /// The only root to trust, as an absolute path; the system's roots without it.
    pub(crate) ca: Option<PathBuf>,
}

impl Server {
    /// The daemon of `--url`, or else the one all stored tokens belong to. `--ca` wins over the
    /// root that was used at login. With tokens of several daemons nothing is guessed.
    pub(crate) fn choose(options: &Options, stored: &[StoredToken]) -> Result<Self, Failure> {
        let url = match &options.url {
            Some(url) => origin(url)?,
            None => only_stored(stored)?,
        };
        let ca = match &options.ca {
            Some(path) => Some(absolute(path)?),
            None => stored.iter().filter(|t| t.url == url).find_map(|token| token.ca.clone()),
        };
        Ok(Self { url, ca })
    }

    /// The root certificates of the CA file; `None` means the system's.
    pub(crate) fn roots(&self) -> Result<Option<Vec<Certificate>>, Failure> {
        let Some(path) = &self.ca else { return Ok(None) };
        let bad = |why: String| {
            Failure::usage(format!("cannot use the CA file {}: {why}", path.display()))
                .hint("--ca takes the root certificate of the daemon in PEM form")
        };
        let pem = fs::read(path).map_err(|error| bad(error.to_string()))?;
        let roots = Certificate::from_pem_bundle(&pem).map_err(|_| bad("not PEM".into()))?;
        if roots.is_empty() {
            return Err(bad("no certificate in it".into()));
        }
        Ok(Some(roots))
    }
}

/// The origin of an https URL. Anything beyond host and port is refused, not dropped.
pub(crate) fn origin(text: &str) -> Result<String, Failure> {
    let bad = |why: &str| Failure::usage(format!("--url {text}: {why}")).hint(URL_HINT);
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if url.scheme() != "https" {
        return Err(bad("the daemon speaks TLS only"));
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !bare || !anonymous {
        return Err(bad("only host and port may follow https://"));
    }
    Ok(url.origin().ascii_serialization())
}

fn only_stored(stored: &[StoredToken]) -> Result<String, Failure> {
    let mut urls: Vec<&str> = stored.iter().map(|token| token.url.as_str()).collect();
    urls.sort_unstable();
    urls.dedup();
    match urls.as_slice() {
        [url] => Ok((*url).to_owned()),
        [] => {
            Err(Failure::usage("which daemon? No --url is given and no login is stored")
                .hint(URL_HINT))
        }
        _ => {
            Err(Failure::usage(format!("which daemon? Logins are stored for {}", urls.join(", ")))
                .hint("give --url or set CLAVIGER_URL; `claviger logout --url URL` forgets one"))
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("--ca {}: {error}", path.display())))
}

const URL_HINT: &str = "give --url https://HOST[:PORT] or set CLAVIGER_URL";

#[cfg(test)]
mod tests {
    use super::{Server, origin};
    use crate::args::Options;
    use crate::token_store::StoredToken;

    #[test]
    fn urls_are_origins_over_tls() {
        assert_eq!(origin("https://HSM.example:8443/").unwrap(), "https://hsm.example:8443");
        assert_eq!(origin("https://hsm.example:443").unwrap(), "https://hsm.example");
        for bad in
            ["http://a", "hsm.example", "https://a/api", "https://u:p@a", "https://a?x", "https://"]
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_stored_daemon_needs_no_url_and_brings_its_root() {
        let server = Server::choose(&Options::default(), &[stored("https://a")]).unwrap();
        assert_eq!(server.url, "https://a");
        assert_eq!(server.ca, Some("/etc/ca.pem".into()));
    }

    #[test]
    fn several_stored_daemons_are_never_guessed_between() {
        let tokens = [stored("https://a"), stored("https://b")];
        let message = Server::choose(&Options::default(), &tokens).unwrap_err().to_string();
        assert!(message.contains("https://a, https://b"), "{message}");
        let options = Options { url: Some("https://c".into()), ..Options::default() };
        assert_eq!(Server::choose(&options, &tokens).unwrap().ca, None, "a root of another");
    }

    fn stored(url: &str) -> StoredToken {
        StoredToken {
            url: url.into(),
            ca: Some("/etc/ca.pem".into()),
            scope: "keymgmt:gen".into(),
            expires_at: 0,
            token: "t".into(),
        }
    }
}
