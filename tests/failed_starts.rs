//! What an operator reads when `clavigerd serve` does not come up, and of certificates that clients
//! will not like.

use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tests::daemon::{Home, write};
use tests::login::now;
use tests::metrics::scrape;
use tests::patience::{LONG, until};

#[test]
fn a_start_that_fails_says_what_to_look_at() {
    let home = Home::new();
    home.start().stop();
    let good = home.config();
    let line = |key: &str| {
        let start = format!("{key} = ");
        good.lines().find(|line| line.starts_with(&start)).unwrap().to_owned()
    };
    let (module, address) = (line("module"), line("address"));
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("address = \"{}\"", elsewhere.local_addr().unwrap());
    let syslog = "[audit]\nsyslog = { address = \"tls:localhost:6514\", ca = \"none.pem\" }";
    write(&home.at("open"), "1234");
    set_permissions(home.at("open"), Permissions::from_mode(0o644)).unwrap();
    let cases = [
        ("pin_file = \"pin\"", "pin_file = \"none\"", 78, "[token] pin_file = "),
        ("pin_file = \"pin\"", "pin_file = \"open\"", 78, "open: others may read it"),
        (&module, "module = \"none.so\"", 78, "[token] module = "),
        (&module, "module = \"server.pem\"", 1, "server.pem is no PKCS#11 module"),
        ("label = \"claviger\"", "label = \"other\"", 1, "no token with the label \"other\""),
        (&line("profile"), "profile = \"none\"", 78, "softhsm2, tpm2"),
        (&line("profile"), "profile = \"./none.toml\"", 78, home.path().to_str().unwrap()),
        ("certificate = \"server.pem\"", "certificate = \"none.pem\"", 78, "none.pem: "),
        ("key = \"server-key.pem\"", "key = \"ca-key.pem\"", 78, "ca-key.pem: "),
        (&address, &taken, 1, "ss -ltnp"),
    ];
    let logs = || std::fs::read_dir(home.at("audit")).unwrap().count();
    let before = logs();
    for (old, new, code, what) in cases {
        home.configure(old, new);
        let ran = home.command(&["serve"]);
        assert_eq!(ran.code, code, "{new}: {ran:?}");
        assert!(ran.stderr.contains(what), "{new}: {ran:?}");
        for wrong in ["panicked", "reopened by itself", "exit status"] {
            assert!(!ran.stderr.contains(wrong), "{new}: {ran:?}");
        }
        write(&home.at("claviger.toml"), &good);
    }
    assert_eq!(logs(), before, "no log has begun");

    // This one is found when the log has begun: it ends as at any stop.
    home.configure("[audit]", syslog);
    let ran = home.command(&["serve"]);
    assert_eq!(ran.code, 78, "{ran:?}");
    assert!(ran.stderr.contains("none.pem") && !ran.stderr.contains("panicked"), "{ran:?}");
    write(&home.at("claviger.toml"), &good);
    home.serve().stop();
}

#[test]
fn a_certificate_that_clients_will_not_like_is_told() {
    let home = Home::new();
    let mut daemon = home.start();
    let expiry = || scrape(&daemon).get("claviger_tls_certificate_expiry_seconds");
    let now = f64::from(u32::try_from(now()).unwrap());
    assert!(expiry() > now && expiry() < now + 90.0 * 86_400.0, "{}", expiry());
    assert!(!home.messages().contains("WARN the certificate"), "{}", home.messages());

    let mut params = CertificateParams::new(["elsewhere.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let key = KeyPair::generate().unwrap();
    write(&home.at("server.pem"), params.self_signed(&key).unwrap().pem());
    write(&home.at("server-key.pem"), key.serialize_pem());
    daemon.signal(Signal::SIGHUP);
    until("the certificate is read anew", LONG, || (expiry() == 1_009_843_200.0).then_some(()));
    let messages = home.messages();
    assert!(messages.contains("it was good until 2002-01-01T00:00:00Z"), "{messages}");
    assert!(messages.contains("it is not for the host name localhost"), "{messages}");
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
}
