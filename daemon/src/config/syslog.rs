//! `[audit.syslog]`: where the audit log is mirrored to.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// `[audit.syslog]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// The collector.
    pub address: Collector,
    /// How the messages call the daemon (RFC 5424, APP-NAME): 1 to 48 printable ASCII characters.
    #[serde(default = "clavigerd")]
    pub app_name: String,
    /// PEM: the roots that a collector's certificate must come from; needed for `tls:`.
    pub ca: Option<PathBuf>,
    /// PEM: the certificate that the collector is shown, then its chain.
    pub certificate: Option<PathBuf>,
    /// The facility of the messages.
    #[serde(default)]
    pub facility: Facility,
    /// PEM, PKCS#8, mode 0600, of `certificate`; or `credential:NAME`.
    pub key: Option<PathBuf>,
}

/// Where messages go: `unix:/dev/log`, `tcp:host:port` or `tls:host:port`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum Collector {
    /// A datagram socket of this host.
    Unix(PathBuf),
    /// Octet counting over TCP (RFC 6587, section 3.4.1).
    Tcp(Place),
    /// The same over TLS (RFC 5425).
    Tls(Place),
}

/// A host and a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The facilities that fit a daemon (RFC 5424, table 1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names are all there is to say")]
pub enum Facility {
    User,
    Daemon,
    Auth,
    AuthPriv,
    #[default]
    Audit,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Syslog {
    /// Makes paths absolute.
    ///
    /// # Errors
    /// As for other secrets, where the key is a credential and there is no service manager.
    pub(super) fn anchor(&mut self, folder: &Path) -> Result<(), String> {
        for path in [&mut self.ca, &mut self.certificate].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        if let Some(key) = &mut self.key {
            *key = super::secret_path(folder, key)?;
        }
        Ok(())
    }

    /// # Errors
    /// What contradicts itself.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let name = self.app_name.as_bytes();
        if !(1..=48).contains(&name.len()) || !name.iter().all(u8::is_ascii_graphic) {
            return Err("audit.syslog.app_name: give 1 to 48 printable ASCII characters, no space");
        }
        let tls = matches!(self.address, Collector::Tls(_));
        match (tls, &self.ca, &self.certificate, &self.key) {
            (true, None, ..) => Err("audit.syslog.address is tls: and needs audit.syslog.ca, the \
                roots that the collector's certificate must come from"),
            (false, None, None, None) | (true, _, None, None) | (true, _, Some(_), Some(_)) => {
                Ok(())
            }
            (false, ..) => Err("audit.syslog: ca, certificate and key are for tls: addresses"),
            (true, ..) => Err("audit.syslog: certificate and key come together"),
        }
    }
}

impl TryFrom<String> for Collector {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let place = |rest: &str| Place::parse(rest).ok_or(FORM);
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("tcp", rest)) => place(rest).map(Self::Tcp),
            Some(("tls", rest)) => place(rest).map(Self::Tls),
            _ => Err(FORM),
        }
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_clear = bare.is_some() || !host.contains(':');
        let host = bare.unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (is_clear && !host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(Place { host, port }) => write!(f, "tcp:{host}:{port}"),
            Self::Tls(Place { host, port }) => write!(f, "tls:{host}:{port}"),
        }
    }
}

impl Facility {
    /// Its number.
    pub fn code(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Daemon => 3,
            Self::Auth => 4,
            Self::AuthPriv => 10,
            Self::Audit => 13,
            Self::Local0 => 16,
            Self::Local1 => 17,
            Self::Local2 => 18,
            Self::Local3 => 19,
            Self::Local4 => 20,
            Self::Local5 => 21,
            Self::Local6 => 22,
            Self::Local7 => 23,
        }
    }
}

fn clavigerd() -> String {
    "clavigerd".to_owned()
}

const FORM: &str = "a collector is unix:/PATH, tcp:HOST:PORT or tls:HOST:PORT";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Syslog, String> {
        let syslog: Syslog = toml::from_str(text).map_err(|error| error.to_string())?;
        syslog.check().map(|()| syslog).map_err(str::to_owned)
    }

    #[test]
    fn collectors_have_three_forms() {
        let address = |text: &str| parsed(&format!("address = {text:?}")).map(|s| s.address);
        assert_eq!(address("unix:/dev/log"), Ok(Collector::Unix("/dev/log".into())));
        let place = Place { host: "::1".to_owned(), port: 601 };
        assert_eq!(address("tcp:[::1]:601"), Ok(Collector::Tcp(place)));
        for bad in
            ["", "/dev/log", "unix:log", "tcp:a", "tcp::1", "tcp:a:0", "tcp:::1:601", "udp:a:1"]
        {
            assert!(address(bad).unwrap_err().contains("tcp:HOST:PORT"), "{bad}");
        }
    }

    #[test]
    fn tls_needs_roots_and_nothing_else_takes_them() {
        let tls = "address = \"tls:logs.example:6514\"\n";
        assert!(parsed(tls).unwrap_err().contains("audit.syslog.ca"));
        let good = parsed(&format!("{tls}ca = \"ca.pem\"\nfacility = \"local4\"")).unwrap();
        assert_eq!((good.facility.code(), good.app_name.as_str()), (20, "clavigerd"));
        for bad in [
            "address = \"tcp:a:1\"\nca = \"ca.pem\"".to_owned(),
            format!("{tls}ca = \"ca.pem\"\nkey = \"key.pem\""),
            format!("{tls}ca = \"ca.pem\"\napp_name = \"a b\""),
            format!("{tls}ca = \"ca.pem\"\nfacility = \"mail\""),
        ] {
            assert!(parsed(&bad).is_err(), "{bad}");
        }
    }
}
