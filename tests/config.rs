//! What `clavigerd check-config` says about configurations that can't be used, to the letter.

use std::path::Path;

use tests::daemon::{Home, write};
use tests::programs::{self, Ran};

#[test]
fn mistakes_are_named_where_they_stand() {
    let home = Home::new();
    for (name, configuration) in bad() {
        let ran = check(&home, &configuration);
        assert_eq!(ran.code, 78, "{name}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{name}: {ran:?}");
        let said = ran.stderr.replace(home.path().to_str().unwrap(), "/etc/claviger");
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/bad-config");
        let golden = Path::new(golden).join(format!("{name}.txt"));
        if std::env::var_os("BLESS").is_some() {
            write(&golden, &said);
        }
        let agreed = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(said, agreed, "{name}: review, then run with BLESS=1");
    }
}

#[test]
fn good_configurations_are_good() {
    let home = Home::new();
    assert_eq!(check(&home, GOOD).code, 0);
    let installed = include_str!("../systemd/claviger.toml");
    write(&home.at("claviger.toml"), installed);
    let mut command = std::process::Command::new(programs::path("clavigerd"));
    command.args(["check-config", "--config"]).arg(home.at("claviger.toml"));
    let ran = programs::run(command.env("CREDENTIALS_DIRECTORY", "/credentials"));
    assert_eq!(ran.code, 0, "the configuration that is installed: {ran:?}");
}

fn bad() -> [(&'static str, String); 11] {
    [
        ("unknown-key", GOOD.replace("label =", "labell =")),
        ("unknown-section", format!("{GOOD}\n[metric]\naddress = \"127.0.0.1:9\"\n")),
        ("bad-address", GOOD.replace("127.0.0.1:8443", "localhost")),
        ("missing-key", GOOD.replace("pin_file = \"pin\"\n", "")),
        ("not-toml", GOOD.replace("[tls]", "[tls")),
        ("wrong-type", GOOD.replace("label = \"claviger\"", "label = 7")),
        ("no-sessions", GOOD.replace("label =", "sessions = 0\nlabel =")),
        ("remote-metrics", format!("{GOOD}\n[metrics]\nlisten = \"0.0.0.0:9464\"\n")),
        ("time-without-backend", format!("{GOOD}\n[hem]\ntrusted_time = \"checkin\"\n")),
        ("bad-backend-key", format!("{GOOD}\n[hem]\nbackend_key = \"AAAA\"\n")),
        ("device-without-address", GOOD.replace("\n[tls]", "plain_http = \"device\"\n\n[tls]")),
    ]
}

fn check(home: &Home, configuration: &str) -> Ran {
    write(&home.at("claviger.toml"), configuration);
    home.command(&["check-config"])
}

const GOOD: &str = r#"[listen]
address = "127.0.0.1:8443"

[tls]
certificate = "server.pem"
key = "server-key.pem"

[token]
profile = "softhsm2"
label = "claviger"
pin_file = "pin"

[store]
path = "state.db"

[audit]
directory = "audit"
"#;
