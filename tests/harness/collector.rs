//! A collector of syslog: a real rsyslog that writes what it receives to a file.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::{free_address, write};
use crate::patience::{LONG, until};

/// rsyslog in a folder of a test. It is killed when it is dropped.
pub struct Collector {
    folder: PathBuf,
    address: SocketAddr,
    running: Option<Child>,
}

/// What a collector shows whoever connects over TLS, and asks of them. PEM files.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// Its certificate.
    pub certificate: &'a Path,
    /// The key of it.
    pub key: &'a Path,
    /// The roots that clients' certificates come from.
    pub ca: &'a Path,
    /// The name in them.
    pub client: &'a str,
}

/// A message as rsyslog took it apart.
#[derive(Clone, Debug)]
pub struct Message {
    /// `facility.severity` in numbers.
    pub priority: String,
    /// RFC 3339.
    pub time: String,
    /// HOSTNAME and APP-NAME.
    pub from: (String, String),
    /// MSGID.
    pub id: String,
    /// STRUCTURED-DATA, brackets and escapes as they came.
    pub data: String,
    /// MSG.
    pub text: String,
}

impl Collector {
    /// One that runs, in plain TCP or over TLS.
    pub fn start(folder: &Path, tls: Option<Tls<'_>>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let address = free_address();
        let mut collector = Self { folder: folder.to_owned(), address, running: None };
        write(&folder.join("rsyslog.conf"), collector.configuration(tls));
        collector.resume();
        collector
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it again at the same address.
    ///
    /// # Panics
    /// When it does not listen, or is not there.
    pub fn resume(&mut self) {
        let log = std::fs::File::create(self.folder.join("rsyslogd.txt")).unwrap();
        let child = Command::new(RSYSLOGD)
            .arg("-n")
            .arg("-f")
            .arg(self.folder.join("rsyslog.conf"))
            .arg("-i")
            .arg(self.folder.join("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let advice = "`.ci/need test` installs rsyslog and rsyslog-openssl";
        self.running = Some(child.unwrap_or_else(|error| panic!("{RSYSLOGD}: {error}: {advice}")));
        until("rsyslog listens", LONG, || TcpStream::connect(self.address).ok());
    }

    /// Stops it: `SIGTERM` in good order, `SIGKILL` without a warning.
    pub fn stop(&mut self, signal: Signal) {
        let Some(mut child) = self.running.take() else { return };
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        child.wait().unwrap();
    }

    /// Everything that it received, as it wrote it.
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.folder.join("received")).unwrap_or_default()
    }

    /// The messages of the application `clavigerd`, in the order in which they came; the last may
    /// be cut while it runs.
    pub fn messages(&self) -> Vec<Message> {
        let text = self.text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let messages = whole.lines().filter_map(Message::parse);
        messages.filter(|message| message.from.1 == "clavigerd").collect()
    }

    fn configuration(&self, tls: Option<Tls<'_>>) -> String {
        let folder = self.folder.display();
        let (global, driver) = tls.map_or_else(Default::default, |tls| {
            let global = format!(
                " defaultNetstreamDriverCAFile=\"{}\" defaultNetstreamDriverCertFile=\"{}\" \
                 defaultNetstreamDriverKeyFile=\"{}\"",
                tls.ca.display(),
                tls.certificate.display(),
                tls.key.display()
            );
            let driver = format!(
                " streamDriver.name=\"ossl\" streamDriver.mode=\"1\" \
                 streamDriver.authMode=\"x509/name\" permittedPeer=[\"{}\"]",
                tls.client
            );
            (global, driver)
        });
        let port = self.address.port();
        format!(
            "global(workDirectory=\"{folder}\" maxMessageSize=\"16k\"{global})\n\
             module(load=\"imtcp\"{driver})\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             template(name=\"all\" type=\"string\" string=\"{TEMPLATE}\")\n\
             action(type=\"omfile\" file=\"{folder}/received\" template=\"all\")\n"
        )
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop(Signal::SIGKILL);
    }
}

impl Message {
    fn parse(line: &str) -> Option<Self> {
        let parts: Vec<_> = line.split('\t').collect();
        let [priority, time, host, app, id, data, text] = parts.as_slice() else { return None };
        let own = |text: &&str| text.to_string();
        Some(Self {
            priority: own(priority),
            time: own(time),
            from: (own(host), own(app)),
            id: own(id),
            data: own(data),
            text: own(text),
        })
    }

    /// A parameter of the structured data.
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn parameter(&self, name: &str) -> &str {
        let rest = self.data.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{name}: {self:?}"))
    }

    /// The index of its line.
    pub fn index(&self) -> usize {
        self.parameter("index").parse().unwrap()
    }
}

/// The messages without those that came before already.
///
/// # Panics
/// When what is left is not in the order of the log, without a gap, from the first line on.
pub fn first_of_each(messages: Vec<Message>) -> Vec<Message> {
    let mut seen = HashSet::new();
    let mut firsts = messages;
    firsts.retain(|message| seen.insert(message.index()));
    for (message, due) in firsts.iter().zip(0..) {
        assert_eq!(message.index(), due, "out of order, or missing before: {message:?}");
    }
    firsts
}

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";

const TEMPLATE: &str = "%syslogfacility%.%syslogseverity%\\t%timestamp:::date-rfc3339%\\t%hostname%\
    \\t%app-name%\\t%msgid%\\t%structured-data%\\t%msg:::drop-last-lf%\\n";
