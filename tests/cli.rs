//! The client for people, against a real daemon.

use std::path::PathBuf;
use std::process::Command;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::Client;
use tests::curves::{Curve, SoftKey};
use tests::daemon::{Daemon, Home, MASTER, USER, free_address, write};
use tests::programs::{self, Ran};

#[test]
fn a_day_with_the_client() {
    let desk = Desk::new();
    let status = desk.json(&["status"]);
    assert!(status.to_string().contains("uptime"), "{status}");
    desk.login(USER, "keymgmt:gen").good();
    let created = desk.json(&["key", "create", "--type", "SECP256R1", "--label", "first"]);
    let kid = created["kid"].as_str().unwrap().to_owned();
    let text =
        desk.run(&["key", "create", "--type", "SECP256R1", "--label", "second", "--descr", "d"]);
    let other = text.good().trim().to_owned();
    assert_eq!(other.len(), 32, "{other}");
    let shown = desk.json(&["key", "show", &kid]);
    assert_eq!(shown["type"], "SECP256R1");
    let public = Base64::decode_vec(shown["pubkey"].as_str().unwrap()).unwrap();

    desk.login(USER, "keymgmt:list").good();
    let listed = desk.run(&["key", "list"]).good();
    assert!(listed.contains(&kid) && listed.contains("first"), "{listed}");
    assert!(desk.json(&["key", "list"]).to_string().contains(&other));
    assert!(desk.run(&["key", "search", "^d"]).good().contains(&other));

    desk.login(USER, &format!("keymgmt:use:{kid}")).good();
    let peer = SoftKey::random(Curve::Secp256r1);
    let text = Base64::encode_string(&peer.public());
    let agreed = desk.json(&["ecdh", &kid, "--pubkey", &text]);
    let secret = Base64::decode_vec(agreed["ecdh"].as_str().unwrap()).unwrap();
    assert_eq!(secret, peer.agree(&public));
    let hashed = desk.run(&["ecdh", &kid, "--ext-kid", &other, "--alg", "SHA2-512"]).good();
    assert_eq!(Base64::decode_vec(hashed.trim()).unwrap().len(), 64, "{hashed}");

    fails(&desk.run(&["logger", "key"]), 4, "logger:get");
    desk.login(USER, "logger:get").good();
    let pinned = desk.home.at("logger-key.json");
    write(&pinned, desk.run(&["logger", "key"]).good());
    let mut audit = Command::new(programs::path("claviger-audit"));
    audit.arg("verify").arg(desk.home.at("audit")).arg("--key").arg(&pinned);
    assert!(programs::run(&mut audit).good().contains("proved"));

    desk.login(USER, "keymgmt:del").good();
    desk.run(&["key", "delete", &kid, "--yes"]).good();
    fails(&desk.run(&["key", "show", &kid]), 3, "no key");
    desk.run(&["logout"]).good();
    fails(&desk.run(&["key", "list"]), 4, "login");
}

#[test]
fn what_one_post_quantum_command_prints_another_reads() {
    let desk = Desk::new();
    desk.login(USER, "token:new pqc:kem pqc:sign pqc:aes").good();
    let file = |name: &str, text: &str| {
        let path = desk.home.at(name);
        write(&path, text);
        path.to_str().unwrap().to_owned()
    };
    let keep = |name: &str, line: &[&str]| file(name, &desk.json(line).to_string());
    let key = keep("key.json", &["pqc", "generate", "--set", "ML-KEM-512"]);
    let sent = desk.json(&["pqc", "encapsulate", &key]);
    let sent_file = file("sent.json", &sent.to_string());
    let opened = desk.run(&["pqc", "decapsulate", &key, &sent_file]).good();
    assert_eq!(opened.trim(), sent["shared_key"]);

    let (text, other) = (file("text", "a text\n"), file("other", "a text"));
    let signed = keep("signed.json", &["pqc", "sign", &text]);
    assert_eq!(desk.run(&["pqc", "verify", &text, &signed]).good().trim(), "verified");
    fails(&desk.run(&["pqc", "verify", &other, &signed]), 6, "no signature");
    fails(&desk.run(&["pqc", "verify", &text, &sent_file]), 2, "--json");

    let secret = file("key.hex", &"5a".repeat(32));
    let sealed = desk.run(&["pqc", "encrypt", &text, "--key-file", &secret]).good();
    let sealed = file("sealed", &sealed);
    let plain = desk.run(&["pqc", "decrypt", &sealed, "--key-file", &secret]).good();
    assert_eq!(plain, "a text\n\n", "a line end of its own comes behind");
    let wrong = file("wrong.hex", &"5b".repeat(32));
    fails(&desk.run(&["pqc", "decrypt", &sealed, "--key-file", &wrong]), 2, "deciphered");
    let kid = "0".repeat(32);
    fails(&desk.run(&["pqc", "encrypt", &text, "--kid", &kid]), 4, "'pqc:aes keymgmt:use:0");

    let token = desk.run(&["pqc", "token", "--uses", "2", "--lifetime", "60"]).good();
    let token = file("token", token.trim());
    for _ in 0..2 {
        desk.run(&["pqc", "sign", &text, "--token-file", &token]).good();
    }
    fails(&desk.run(&["pqc", "sign", &text, "--token-file", &token]), 4, "401");
}

#[test]
fn a_session_that_was_agreed_on_takes_payloads() {
    let desk = Desk::new();
    fails(&desk.run(&["e2e", "send-key"]), 4, "e2e:exchange");
    desk.login(USER, "e2e:exchange").good();
    let sender = desk.login_printed("e2e:use");
    for version in ["1", "2"] {
        let line = ["e2e", "send-key", "--version", version, "--client-id", "an-app"];
        let session = desk.json(&line);
        assert_eq!(
            (session["version"].to_string().as_str(), session["mac"].is_null()),
            (version, version == "1")
        );
        let payload = if version == "1" { frame(&session) } else { authenticated(&session) };
        let client = Client::of(&desk.daemon);
        let reply = client.send("POST", "/v1/security/e2eData", |request| {
            let request = request.bearer_auth(&sender).header("client_id", "an-app");
            let request = request.header("uuid", session["uuid"].as_str().unwrap());
            request.json(&json!({ "encryptedPayload": payload }))
        });
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(
            reply.json(),
            json!({ "type": "b", "data": Base64::encode_string(b"a secret") })
        );
    }
    let event = desk.run(&["e2e", "send-key", "--uuid", "a-name"]).good();
    assert_eq!(event.trim().len(), 32, "{event}");
    let curl = desk.run(&["--print-curl", "e2e", "send-key", "--uuid", "a-name"]).good();
    assert!(curl.contains("-H 'uuid: a-name'") && curl.contains("/v1/security/e2eKey"), "{curl}");
    fails(&desk.run(&["e2e", "send-key", "--padding", "oaep-sha256"]), 2, "");
    fails(&desk.run(&["e2e", "send-key", "--uuid", "two words"]), 2, "visible");
}

/// A payload of version 1: hexadecimal of AES-256-CBC of 32 characters, the event, type and data.
fn frame(session: &Value) -> String {
    enciphered(session).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A payload of version 2: the same in base64, and its HMAC.
fn authenticated(session: &Value) -> String {
    let sealed = enciphered(session);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes(&session["mac"]));
    let tag = hmac::sign(&key, &sealed);
    format!("{}.{}", Base64::encode_string(&sealed), Base64::encode_string(tag.as_ref()))
}

fn enciphered(session: &Value) -> Vec<u8> {
    let event = session["event"].as_str().unwrap();
    let mut text = format!("{}{event}ba secret", "0f".repeat(16)).into_bytes();
    let key = UnboundCipherKey::new(&AES_256, &bytes(&session["key"])).unwrap();
    let iv: [u8; 16] = bytes(&session["iv"]).try_into().unwrap();
    let iv = EncryptionContext::Iv128(FixedLength::from(iv));
    PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap().less_safe_encrypt(&mut text, iv).unwrap();
    text
}

fn bytes(digits: &Value) -> Vec<u8> {
    let digits = digits.as_str().unwrap().as_bytes();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn messages_are_read_by_who_has_the_passphrase_or_the_private_key() {
    let desk = Desk::new();
    let file = |name: &str, content: &[u8]| {
        let path = desk.home.at(name);
        write(&path, content);
        path.to_str().unwrap().to_owned()
    };
    let phrase = file("phrase", b"correct horse \xc3\xa4\n");
    let (text, data) =
        (file("text", "a text \u{20ac}\n".as_bytes()), file("data.bin", &[0, 255, 13]));
    let with_phrase = ["--passphrase-file", phrase.as_str()];
    let made = desk.json(&[&["message", "create"], &with_phrase[..]].concat());
    let token = made["token"].as_str().unwrap();
    let read = [&["message", "read", token], &with_phrase[..]].concat();
    assert_eq!(desk.json(&read), json!([]));
    let sent = desk.json(&["message", "send", token, "--text", &text, "--file", &data]);
    assert_eq!(sent, json!({ "sent": 1 }));
    both(desk.json(&read).as_array().unwrap());
    assert!(desk.run(&read).good().starts_with("a text \u{20ac}\n"));

    let key = desk.home.at("key.pem").to_str().unwrap().to_owned();
    let line = ["message", "create", "--private-key", &key, "--release", "2001-01-01"];
    let made = desk.json(&line);
    fails(&desk.run(&line), 2, "cannot write");
    let token = made["token"].as_str().unwrap();
    let public = file("public.json", made.to_string().as_bytes());
    let parcel = ["message", "send", token, "--text", &text, "--file", &data];
    desk.run(&parcel).good();
    let sealed = desk.json(&[&parcel[..], &["--public-key", &public]].concat());
    assert_eq!(sealed, json!({ "sent": 2 }), "each is a message of its own");
    let read = ["message", "read", token, "--private-key", &key];
    let messages = desk.json(&read);
    let (online, offline) = messages.as_array().unwrap().split_at(2);
    both(online);
    both(offline);
    let folder = desk.home.at("saved");
    std::fs::create_dir(&folder).unwrap();
    let save = [&read[..], &["--save", folder.to_str().unwrap()]].concat();
    fails(&desk.run(&save), 2, "nothing is overwritten");
    assert_eq!(std::fs::read(folder.join("data.bin")).unwrap(), [0, 255, 13]);

    let other = file("other", b"another phrase");
    let wrong = ["message", "read", token, "--passphrase-file", &other];
    fails(&desk.run(&wrong), 2, "no such key");
    let curl = desk.run(&[&["--print-curl"], &wrong[..]].concat()).good();
    assert!(curl.contains("$PASSPHRASE") && !curl.contains("another"), "{curl}");
    desk.run(&["message", "delete", token, "--private-key", &key]).good();
    fails(&desk.run(&read), 2, "no such key");
}

/// A text and a file.
fn both(messages: &[Value]) {
    let [text, file] = messages else { panic!("{messages:?}") };
    assert_eq!((&text["text"], &text["files"]), (&json!("a text \u{20ac}\n"), &Value::Null));
    assert_eq!(file["files"][0]["name"], "data.bin");
    assert_eq!(file["files"][0]["content"], Base64::encode_string(&[0, 255, 13]));
}

#[test]
fn an_account_is_made_used_and_locked() {
    let desk = Desk::new();
    desk.login(USER, "account:manage").good();
    let user = desk.login_printed("account:manage");
    let file = |name: &str, text: &str| {
        let path = desk.home.at(name);
        write(&path, text);
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (file("first", "first password\n"), file("second", "second password"));
    let create = ["account", "create", "anna", "--scope", "keymgmt:list pqc:kem"];
    let made = desk.json(&[&create[..], &["--passphrase-file", &first]].concat());
    assert_eq!((&made["username"], &made["locked"]), (&json!("anna"), &json!(false)));
    let login = |password: &str| {
        desk.run(&["login", "--rest", "--username", "Anna", "--passphrase-file", password])
    };
    assert!(login(&first).stderr.contains("keymgmt:list pqc:kem"));
    desk.run(&["key", "list"]).good();
    let line = ["login", "--rest", "--username", "anna", "--print", "--passphrase-file", &first];
    let tokens = desk.json(&line);
    assert_eq!(tokens["refresh_token"].as_str().unwrap().split('.').count(), 3);
    desk.run(&["account", "passwd", "anna", "--passphrase-file", &second]).good();
    fails(&login(&first), 4, "password");
    login(&second).good();
    desk.run(&["account", "lock", "anna"]).good();
    fails(&desk.run(&["key", "list"]), 4, "401");
    fails(&login(&second), 4, "locked");
    let listed = desk.run(&["account", "list"]).good();
    assert!(listed.contains("anna") && listed.contains("locked"), "{listed}");
    desk.run(&["account", "unlock", "anna"]).good();
    login(&second).good();
    fails(&desk.run(&["account", "lock", "nobody"]), 3, "no account");
    let passwd = ["--print-curl", "account", "passwd", "anna", "--passphrase-file", &first];
    let changed = desk.curl(&passwd, &[("PASSWORD", "third 'password'"), ("TOKEN", &user)]);
    assert_eq!(changed["username"], "anna", "{changed}");
    let login =
        ["--print-curl", "login", "--rest", "--username", "anna", "--passphrase-file", &first];
    let tokens = desk.curl(&login, &[("PASSWORD", "third 'password'")]);
    assert!(tokens["access_token"].is_string(), "{tokens}");
    // What `clavigerd dev` has printed.
    let operator = desk.home.at("operator-password");
    let line = ["login", "--rest", "--username", "operator", "--passphrase-file"];
    desk.run(&[&line[..], &[operator.to_str().unwrap()]].concat()).good();
    assert!(desk.home.messages().contains("--username operator --passphrase-file"));
}

#[test]
fn failures_have_their_exit_codes() {
    let desk = Desk::new();
    fails(&desk.run(&["key", "list"]), 4, "login");
    fails(&desk.login("wrong", "keymgmt:list"), 4, "passphrase");
    fails(&desk.run(&["key", "show", "xyz"]), 2, "");
    fails(&desk.run(&["nonsense"]), 2, "");
    let absent = "0".repeat(32);
    desk.login(USER, &format!("keymgmt:use:{absent}")).good();
    fails(&desk.run(&["ecdh", &absent, "--ext-kid", &absent]), 6, "");
    desk.login(MASTER, "keymgmt:gen").good();
    fails(&desk.run(&["key", "create", "--type", "SECP256R1", "--label", "x"]), 4, "");
    desk.login(USER, "keymgmt:gen").good();
    let ran = desk.run(&["--json", "key", "list"]);
    assert_eq!(ran.code, 4);
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["code"], "denied");
    let nobody = format!("https://{}", free_address());
    fails(&desk.run(&["--url", &nobody, "status"]), 7, "");
    let strange = Command::new(programs::path("claviger"))
        .args(["--url", &desk.daemon.ready().url, "status"])
        .env("XDG_STATE_HOME", desk.home.at("other"))
        .output()
        .unwrap();
    assert_eq!(strange.status.code(), Some(7), "a root that is not trusted: {strange:?}");
}

/// Somebody with the client and a state folder of his own.
struct Desk {
    daemon: Daemon,
    home: Home,
    state: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let home = Home::new();
        let (daemon, state) = (home.start(), home.at("state"));
        Self { daemon, home, state }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(programs::path("claviger"));
        command
            .args(arguments)
            .env("CLAVIGER_URL", &self.daemon.ready().url)
            .env("CLAVIGER_CA", &self.daemon.ready().ca_file)
            .env("XDG_STATE_HOME", &self.state)
            .env_remove("CLAVIGER_TOKEN")
            .env_remove("CLAVIGER_TOKEN_FILE");
        programs::run(&mut command)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[&["--json"], arguments].concat()).good();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What the daemon answers to the curl line that is printed, run by a shell with these variables.
    fn curl(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
        let line = self.run(arguments).good();
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).envs(variables.iter().copied());
        let answer = programs::run(&mut shell).good();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {line}: {answer}"))
    }

    /// A token for this scope, which is not stored.
    fn login_printed(&self, scope: &str) -> String {
        let file = self.home.at("passphrase");
        write(&file, USER);
        let file = file.to_str().unwrap();
        let line = ["login", "--print", "--passphrase-file", file, "--scope", scope];
        self.run(&line).good().trim().to_owned()
    }

    fn login(&self, passphrase: &str, scope: &str) -> Ran {
        let file = self.home.at("passphrase");
        write(&file, format!("{passphrase}\n"));
        self.run(&["login", "--passphrase-file", file.to_str().unwrap(), "--scope", scope])
    }
}

/// Expects this exit code, and a message about `what`.
fn fails(ran: &Ran, code: i32, what: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{ran:?}");
    assert!(ran.stderr.to_lowercase().contains(what), "{what}: {ran:?}");
}
