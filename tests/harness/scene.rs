//! What most tests start from: a daemon, a client of it, tokens of both roles, its log.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::authenticator::Phone;
use crate::client::{Client, Reply};
use crate::daemon::{Daemon, Home, MASTER, USER};
use crate::log::{LogReader, files};
use crate::login;
use crate::patience::{LONG, until};

/// A daemon that runs, and somebody who works with it.
pub struct Scene {
    /// A client that speaks HTTP/2.
    pub client: Client,
    /// The daemon; before its folder, as it has to end first.
    pub daemon: Daemon,
    /// Its folder.
    pub home: Home,
    tokens: Mutex<HashMap<(Who, String), String>>,
    phone: OnceLock<Phone>,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Who {
    External,
    Master,
    User,
}

impl Scene {
    /// A fresh device.
    pub fn new() -> Self {
        let home = Home::new();
        Self::at(home)
    }

    /// A daemon in a folder that may have been used before.
    pub fn at(home: Home) -> Self {
        let daemon = home.start();
        Self::of(home, daemon)
    }

    /// A daemon with the configuration in a folder that was used before.
    pub fn serving(home: Home) -> Self {
        let daemon = home.serve();
        Self::of(home, daemon)
    }

    /// A daemon that runs in this folder.
    pub fn of(home: Home, daemon: Daemon) -> Self {
        let client = Client::of(&daemon);
        Self { client, daemon, home, tokens: Mutex::default(), phone: OnceLock::new() }
    }

    /// Stops the daemon and leaves the folder.
    pub fn stop(self) -> Home {
        self.daemon.stop();
        self.home
    }

    /// Waits until the daemon, which starts anew by itself, serves for the `times`th time. Each start
    /// begins a file of the log, some time before it serves.
    pub fn serves_again(&self, times: usize) {
        until("the daemon is back", LONG, || {
            (files(&self.daemon.dir().join("audit")).len() == times).then_some(())
        });
        until("the daemon answers", LONG, || {
            let status = self.client.try_send("GET", "/api/system/status", |ask| ask).ok()?.status;
            (status == 200).then_some(())
        });
    }

    /// A token of the user for `scope`, made at the first call.
    pub fn user(&self, scope: &str) -> String {
        self.token(Who::User, scope)
    }

    /// A token of the administrator for `scope`, made at the first call.
    pub fn master(&self, scope: &str) -> String {
        self.token(Who::Master, scope)
    }

    /// A token of a paired authenticator for `scope`, made at the first call.
    pub fn external(&self, scope: &str) -> String {
        self.token(Who::External, scope)
    }

    /// The log, from now on.
    pub fn log(&self) -> LogReader {
        LogReader::of(&self.daemon)
    }

    /// A token for the use of the key `kid`.
    pub fn user_of(&self, kid: &str) -> String {
        self.user(&format!("keymgmt:use:{kid}"))
    }

    /// Creates a key and answers its KID.
    pub fn create(&self, kind: &str, mode: Option<&str>) -> String {
        let mut body = json!({ "label": format!("a {kind}"), "type": kind });
        if let Some(mode) = mode {
            body["mode"] = Value::from(mode);
        }
        self.client.post("/api/keymgmt/create", &self.user("keymgmt:gen"), &body).text("kid")
    }

    /// The raw public key of `kid`.
    pub fn public(&self, kid: &str) -> Vec<u8> {
        let token = self.user("keymgmt:get");
        self.client.get(&format!("/api/keymgmt/get/{kid}"), &token).bytes("pubkey")
    }

    /// `POST /api/crypto/ecdh` with a token for the key `kid`.
    pub fn ecdh(&self, kid: &str, body: &Value) -> Reply {
        self.client.post("/api/crypto/ecdh", &self.user_of(kid), body)
    }

    /// `POST /api/crypto/...` with a token for the key `kid`.
    pub fn employ(&self, kid: &str, path: &str, body: &Value) -> Reply {
        self.client.post(&format!("/api/crypto/{path}"), &self.user_of(kid), body)
    }

    fn token(&self, who: Who, scope: &str) -> String {
        let tokens = || self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (who, scope.to_owned());
        if let Some(token) = tokens().get(&name) {
            return token.clone();
        }
        let token = match who {
            Who::External => self.phone().bearer(self, scope),
            Who::Master => login::bearer(&self.client, MASTER, scope),
            Who::User => login::bearer(&self.client, USER, scope),
        };
        tokens().insert(name, token.clone());
        token
    }

    /// The phone of the scene, paired at the first call.
    fn phone(&self) -> &Phone {
        self.phone.get_or_init(|| {
            let phone = Phone::new(99);
            phone.pair(self);
            phone
        })
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}
