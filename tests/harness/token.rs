//! The daemon's token, seen past the daemon: what is in it, and keys put into it by another tool.
//!
//! PKCS#11 is initialised once a process and finds its store by an environment variable, so the
//! work is done by a program of its own, `token-tool`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::daemon::Home;
use crate::make::Make;
use crate::programs;

/// The token of a daemon.
pub struct Token {
    make: &'static Make,
    conf: PathBuf,
    pin: PathBuf,
}

/// A private key to be put into a token.
#[derive(Debug, Deserialize, Serialize)]
pub struct Import {
    /// `CKA_EC_PARAMS`, as numbers.
    pub oid: Vec<u8>,
    /// Whether it is a key of X25519, to which tokens give different types.
    pub montgomery: bool,
    /// `CKA_VALUE`
    pub value: Vec<u8>,
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// `CKA_LABEL`
    pub label: String,
}

/// An object on a token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Object {
    /// `private`, `public`, `secret` or the number of another class.
    pub class: String,
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_SENSITIVE`, where the class has it.
    pub sensitive: Option<bool>,
    /// `CKA_EXTRACTABLE`, where the class has it.
    pub extractable: Option<bool>,
}

impl Object {
    /// Whether it is one of the daemon's own. The anchor of the log is no key: it has a name, and no
    /// id.
    pub fn is_the_daemons(&self) -> bool {
        self.id.starts_with(b"claviger-system:") || self.label == "claviger-system:log-anchor"
    }
}

impl Token {
    /// The token in this folder.
    pub fn of(home: &Home) -> Self {
        let make = Make::current();
        Self { make, conf: home.at(make.conf), pin: home.at("pin") }
    }

    /// Puts private keys in: sensitive, not extractable, for derivation only.
    pub fn import(&self, keys: &[Import]) {
        let lines: Vec<_> = keys.iter().map(|key| serde_json::to_string(key).unwrap()).collect();
        self.run(&["import"], &lines.join("\n"));
    }

    /// Puts the exchange key in, both halves of it: an object with the numbers of an RSA key, by their
    /// names in OpenSSL, in hexadecimal.
    pub fn import_exchange_key(&self, numbers: &str) {
        self.run(&["import-exchange-key"], numbers);
    }

    /// What the token makes of a mailbox: `modulus`, `wrapped` and `block` in hexadecimal; answers
    /// `secret`, or `failed` with the reason.
    pub fn open_mailbox(&self, asked: &str) -> String {
        self.run(&["open-mailbox"], asked)
    }

    /// Every object on the token.
    pub fn list(&self) -> Vec<Object> {
        let text = self.run(&["list"], "");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Destroys the objects with this `CKA_ID`, given in hexadecimal.
    pub fn destroy(&self, id: &str) {
        self.run(&["destroy", id], "");
    }

    fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(programs::path("token-tool"))
            .args(arguments)
            .env(self.make.variable, &self.conf)
            .env("TOKEN_MODULE", self.make.module())
            .env("TOKEN_PIN_FILE", &self.pin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "token-tool {arguments:?}: {}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The module of SoftHSM.
///
/// # Panics
/// Where it is not installed.
pub fn module() -> &'static Path {
    let found = MODULES.iter().map(Path::new).find(|path| path.exists());
    found.expect("install softhsm2")
}

const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
];
