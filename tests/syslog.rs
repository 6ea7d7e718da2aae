//! The audit log in a collector of syslog: a real rsyslog, over TCP and TLS, that goes away and
//! comes back.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use audit::Hash;
use nix::sys::signal::Signal;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use serde_json::json;
use tests::collector::{Collector, Tls, first_of_each};
use tests::daemon::{Home, MASTER, USER, write};
use tests::log;
use tests::metrics::scrape;
use tests::patience::{LONG, until};
use tests::scene::Scene;

/// A folder of a daemon that mirrors its log as `syslog` says, a table without its head.
fn mirroring(home: Home, syslog: &str) -> Scene {
    let mut config = home.config();
    config.truncate(config.find("[audit.syslog]").unwrap_or(config.len()));
    write(&home.at("claviger.toml"), format!("{config}\n[audit.syslog]\n{syslog}\n"));
    Scene::at(home)
}

fn used() -> Home {
    let home = Home::new();
    home.start().stop();
    home
}

/// Every line of the node, in order.
fn lines(home: &Home) -> Vec<String> {
    let text = |path| std::fs::read_to_string(path).unwrap();
    let text: String = log::files(&home.at("audit")).into_iter().map(text).collect();
    text.lines().map(str::to_owned).collect()
}

/// Uses a key from two sides until `deed` is done, or has failed.
fn under_load(scene: &Scene, kid: &str, deed: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = AtEnd(&done);
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let reply = scene.ecdh(kid, &json!({ "kid": kid, "ext_kid": kid }));
                    assert_eq!(reply.status, 200, "{reply:?}");
                }
            });
        }
        deed();
    });
}

/// Set when it is dropped: a test that fails ends, too.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has lines come in until `count` more than there are now arrived.
fn receives_more(collector: &Collector, count: usize) {
    let before = collector.messages().len();
    until("messages come in", LONG, || {
        (collector.messages().len() >= before + count).then_some(())
    });
}

/// Waits for `count` entries about absences.
fn has_gaps(scene: &Scene, count: usize) {
    let file = log::files(&scene.home.at("audit")).pop().unwrap();
    let gaps = || {
        // The last line may be half written.
        let text = std::fs::read(&file).unwrap();
        let rows = audit::rows(text.as_slice()).map_while(Result::ok);
        let gaps: Vec<_> = rows.filter(|row| row.kind == "LOG_TYPE_SYSLOG_GAP").collect();
        (gaps.len() >= count).then_some(gaps)
    };
    for gap in until("the gaps are entered", LONG, gaps) {
        assert_eq!(gap.result, "LOG_RESULT_OK");
        assert!(gap.ext.contains(" away for ") && gap.ext.ends_with(" sent late"), "{gap:?}");
    }
}

/// Waits until the figures say so.
fn is_up(scene: &Scene, up: bool) {
    until("the collector is seen to be away or back", LONG, || {
        (scrape(&scene.daemon).get("claviger_syslog_up") == f64::from(u8::from(up))).then_some(())
    });
}

/// Waits until hardly anything is left to send: a stop gives the rest some seconds.
fn catches_up(scene: &Scene) {
    until("the collector has nearly everything", LONG, || {
        (scrape(&scene.daemon).get("claviger_syslog_lines_behind") < 5.0).then_some(())
    });
}

/// Every line of the log is there, by its index, with its text, its hash, and its type.
fn holds_everything(collector: &Collector, home: &Home) {
    let lines = lines(home);
    until("every line has arrived", LONG, || {
        let last = lines.len() - 1;
        collector.messages().iter().any(|message| message.index() == last).then_some(())
    });
    let messages = first_of_each(collector.messages());
    assert_eq!(messages.len(), lines.len());
    for (message, line) in messages.iter().zip(&lines) {
        assert_eq!(&message.text, line);
        assert_eq!(message.parameter("leaf"), Hash::of_leaf(line.as_bytes()).to_string());
    }
    let entries: Vec<_> =
        log::files(&home.at("audit")).iter().flat_map(|file| log::entries(file)).collect();
    let records = messages.iter().filter(|message| message.id.starts_with("LOG_TYPE_"));
    for (message, entry) in records.clone().zip(&entries) {
        assert_eq!(message.id, format!("LOG_TYPE_{}", entry.kind));
        assert_eq!(message.parameter("result"), format!("LOG_RESULT_{}", entry.result));
        assert_eq!(message.parameter("subject"), entry.subject);
    }
    assert_eq!(records.count(), entries.len());
    let checkpoints = messages.iter().filter(|message| message.id == "CHECKPOINT").count();
    assert!(checkpoints >= log::files(&home.at("audit")).len(), "{checkpoints}");
}

/// How long a collector stays away.
fn absence() -> Duration {
    let seconds = std::env::var("CLAVIGER_SYSLOG_AWAY").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn a_collector_that_was_away_has_every_line_in_the_end() {
    let home = used();
    let mut collector = Collector::start(&home.at("collector"), None);
    let to = format!("address = \"tcp:127.0.0.1:{}\"", collector.address().port());
    let scene = mirroring(home, &to);
    let kid = scene.create("SECP256R1", None);
    let token = scene.user_of(&kid);
    under_load(&scene, &kid, || {
        receives_more(&collector, 100);
        collector.stop(Signal::SIGTERM);
        thread::sleep(absence());
        is_up(&scene, false);
        assert!(scrape(&scene.daemon).get("claviger_syslog_lines_behind") > 0.0);
        collector.resume();
        has_gaps(&scene, 1);
        is_up(&scene, true);
        collector.stop(Signal::SIGKILL);
        collector.resume();
        has_gaps(&scene, 2);
    });
    catches_up(&scene);
    let home = scene.stop();
    holds_everything(&collector, &home);
    let received = collector.text();
    let pin = std::fs::read_to_string(home.at("pin")).unwrap();
    for secret in [USER, MASTER, pin.trim(), &token] {
        assert!(!received.contains(secret), "{secret}");
    }
    let first = &collector.messages()[1];
    assert_eq!((first.id.as_str(), first.priority.as_str()), ("LOG_TYPE_KEY_INIT", "13.6"));
    assert_eq!(first.from, ("localhost".to_owned(), "clavigerd".to_owned()));
}

#[test]
fn it_goes_over_tls_where_both_know_each_other() {
    let home = used();
    let (certificate, key) = (&home.at("server.pem"), &home.at("server-key.pem"));
    let tls = Tls { certificate, key, ca: &home.at("ca.pem"), client: "hsm.example" };
    let mut collector = Collector::start(&home.at("collector"), Some(tls));
    let port = collector.address().port();
    let to =
        |more: &str| format!("address = \"tls:localhost:{port}\"\nfacility = \"local3\"\n{more}");
    certify(&home, "hsm.example");
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    write(&home.at("stranger.pem"), stranger.cert.pem());
    let mut home = home;
    // To a stranger, and as one.
    for (times, more) in [(1, "ca = \"stranger.pem\""), (2, "ca = \"ca.pem\"")] {
        let scene = mirroring(home, &to(more));
        until("nobody takes lines", LONG, || {
            let told = scene.home.messages().matches("takes no lines").count();
            (told >= times).then_some(())
        });
        home = scene.stop();
        assert_eq!(collector.messages().len(), 0, "{more}");
    }
    let own = "ca = \"ca.pem\"\ncertificate = \"client.pem\"\nkey = \"client-key.pem\"";
    let scene = mirroring(home, &to(own));
    let kid = scene.create("SECP256R1", None);
    under_load(&scene, &kid, || {
        receives_more(&collector, 100);
        collector.stop(Signal::SIGKILL);
        collector.resume();
        receives_more(&collector, 100);
    });
    catches_up(&scene);
    let home = scene.stop();
    holds_everything(&collector, &home);
    assert!(collector.messages().iter().all(|message| message.priority.starts_with("19.")));
}

/// Makes a certificate for a client called `name`, by the authority of the folder.
fn certify(home: &Home, name: &str) {
    let ca_key = std::fs::read_to_string(home.at("ca-key.pem")).unwrap();
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "Claviger development CA");
    let issuer = Issuer::new(ca, KeyPair::from_pem(&ca_key).unwrap());
    let mut client = CertificateParams::new([name.to_owned()]).unwrap();
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = client.signed_by(&key, &issuer).unwrap();
    write(&home.at("client.pem"), certificate.pem());
    write(&home.at("client-key.pem"), key.serialize_pem());
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(home.at("client-key.pem"), private).unwrap();
}

#[test]
fn it_goes_to_the_socket_of_the_host() {
    let home = used();
    let path = home.at("log.socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let scene = mirroring(home, &format!("address = \"unix:{}\"", path.display()));
    let stopped = AtomicBool::new(false);
    let (home, messages) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut messages, mut buffer) = (Vec::new(), [0; 16384]);
            loop {
                // Asked first: what was sent before the stop is in the socket.
                let last = stopped.load(Ordering::Acquire);
                match socket.recv(&mut buffer) {
                    Ok(length) => {
                        messages.push(str::from_utf8(&buffer[..length]).unwrap().to_owned())
                    }
                    Err(_) if last => return messages,
                    Err(_) => {}
                }
            }
        });
        let home = scene.stop();
        stopped.store(true, Ordering::Release);
        (home, reader.join().unwrap())
    });
    let lines = lines(&home);
    for (message, line) in messages.iter().zip(&lines) {
        assert!(
            message.starts_with("<110>1 ") && message.ends_with(&format!("] {line}")),
            "{message}"
        );
    }
    assert_eq!(messages.len(), lines.len());
}
