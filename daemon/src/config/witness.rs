//! `[audit.witness]`: who cosigns the checkpoints of the audit log.

use std::path::{Path, PathBuf};

use audit::WitnessKey;
use http::Uri;
use serde::Deserialize;

/// `[audit.witness]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// PEM: the roots that its certificate must come from.
    #[serde(default = "roots_of_the_host")]
    pub ca: PathBuf,
    /// Its vkey, of type cosignature/v1.
    pub key: Vkey,
    /// The prefix of its addresses; `/add-checkpoint` is put to it.
    pub url: Prefix,
}

/// The key of a witness.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Vkey(pub WitnessKey);

/// An address that begins with `http://` or `https://`, without query, and without `/` at its end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Prefix(pub Uri);

impl Witness {
    /// Makes paths absolute.
    pub(super) fn anchor(&mut self, folder: &Path) {
        self.ca = folder.join(&self.ca);
    }
}

impl Prefix {
    /// Whether it is `https://`.
    pub fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Host and port.
    pub fn place(&self) -> super::Place {
        let host = self.0.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = self.0.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 });
        super::Place { host: bare.to_owned(), port }
    }
}

impl TryFrom<String> for Vkey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let key = WitnessKey::parse(&text);
        key.map(Self).ok_or("a witness key is a vkey, NAME+HASH+KEY, whose key is of type 4")
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let form = "a witness url is http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| form)?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri.query().is_none() && !text.contains('@');
        match known && plain && uri.host().is_some_and(|host| !host.is_empty()) {
            true => Ok(Self(uri)),
            false => Err(form),
        }
    }
}

fn roots_of_the_host() -> PathBuf {
    "/etc/ssl/certs/ca-certificates.crt".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_web() {
        let place = |text: &str| {
            let prefix = Prefix::try_from(text.to_owned())?;
            Ok::<_, &str>((prefix.is_tls(), prefix.place().host, prefix.place().port))
        };
        assert_eq!(place("https://w.example/a/"), Ok((true, "w.example".to_owned(), 443)));
        assert_eq!(place("http://[::1]:7380"), Ok((false, "::1".to_owned(), 7380)));
        for bad in ["", "w.example", "ftp://w.example", "http://", "http://a@b", "http://a/?b"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_of_a_log_is_no_key_of_a_witness() {
        let log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert!(Vkey::try_from(log.to_owned()).is_err());
    }
}
