//! The device under examination: its listeners, tokens for it, and the keys that were made in it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::encoding::base64;
use crate::kinds::{KINDS, Kind};
use crate::ledger::Ledger;
use crate::login::{Challenge, LIFE, Secret};
use crate::reply::Reply;
use crate::verdict::{OrFails, Verdict, not_applicable};
use crate::wire::Wire;

/// A device.
pub(crate) struct Device {
    /// The TLS listener.
    pub(crate) wire: Wire,
    /// The plain listener, where one is known.
    pub(crate) plain: Option<Wire>,
    /// Who can log in.
    pub(crate) people: People,
    /// What may be done to the device beyond keys and settings of the run's own.
    pub(crate) may: May,
    /// What should stand in its log.
    pub(crate) ledger: Ledger,
    tokens: Mutex<HashMap<(Role, String), String>>,
    deck: Mutex<HashMap<&'static str, String>>,
    made: Mutex<Vec<String>>,
    secrets: [OnceLock<Secret>; 2],
}

/// The passphrases.
#[derive(Default)]
pub(crate) struct People {
    /// The user's.
    pub(crate) user: Option<SecretString>,
    /// The administrator's.
    pub(crate) master: Option<SecretString>,
}

/// What may be done to the device.
#[derive(Clone, Copy, Default)]
pub(crate) struct May {
    /// Initialise it, if it is fresh.
    pub(crate) provision: bool,
    /// Restart it, and change the user's passphrase there and back.
    pub(crate) disrupt: bool,
}

/// Who logs in with a passphrase.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Role {
    /// The user, `U`.
    User,
    /// The administrator, `M`.
    Master,
}

impl Device {
    /// A device of which nothing is known yet.
    pub(crate) fn new(wire: Wire, plain: Option<Wire>, people: People, may: May) -> Self {
        Self {
            wire,
            plain,
            people,
            may,
            ledger: Ledger::default(),
            tokens: Mutex::default(),
            deck: Mutex::default(),
            made: Mutex::default(),
            secrets: [const { OnceLock::new() }; 2],
        }
    }

    /// Asks by TLS.
    pub(crate) fn send(&self, ask: &Ask) -> Verdict<Reply> {
        let reply = self.send_by(&self.wire, ask)?;
        self.ledger.note(ask, &reply);
        Ok(reply)
    }

    /// Asks in plain HTTP.
    pub(crate) fn send_plain(&self, ask: &Ask) -> Verdict<Reply> {
        match &self.plain {
            Some(plain) => self.send_by(plain, ask),
            None => not_applicable("no --plain-url"),
        }
    }

    /// Asks through this listener.
    pub(crate) fn send_by(&self, wire: &Wire, ask: &Ask) -> Verdict<Reply> {
        let about = format!("{} {}", ask.method, ask.path);
        let reply = wire.exchange(&ask.method, &ask.bytes(wire.host()));
        let mut reply = reply.or_fails(|| about.clone())?;
        reply.about = about;
        Ok(reply)
    }

    /// `GET path`, by somebody if there is a token.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> Verdict<Reply> {
        let ask = Ask::get(path);
        self.send(&token.map_or(ask.clone(), |token| ask.bearer(token)))
    }

    /// `POST path`, by somebody if there is a token.
    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Verdict<Reply> {
        let ask = Ask::post(path, body);
        self.send(&token.map_or(ask.clone(), |token| ask.bearer(token)))
    }

    /// `DELETE path`
    pub(crate) fn delete(&self, path: &str, token: &str) -> Verdict<Reply> {
        self.send(&Ask::new("DELETE", path).bearer(token))
    }

    /// `GET path` with a token of the user's for `scope`.
    pub(crate) fn user_get(&self, scope: &str, path: &str) -> Verdict<Reply> {
        self.get(path, Some(&self.user(scope)?))
    }

    /// `POST path` with a token of the user's for `scope`.
    pub(crate) fn user_post(&self, scope: &str, path: &str, body: &Value) -> Verdict<Reply> {
        self.post(path, Some(&self.user(scope)?), body)
    }

    /// `POST path` about the key `kid`, with a token of the user's for it.
    pub(crate) fn with_key(&self, kid: &str, path: &str, body: &Value) -> Verdict<Reply> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("kid".to_owned(), Value::from(kid));
        }
        self.user_post(&format!("keymgmt:use:{kid}"), path, &body)
    }

    /// A token of the user's, kept.
    pub(crate) fn user(&self, scope: &str) -> Verdict<String> {
        self.token(Role::User, scope)
    }

    /// A token of the administrator's, kept.
    pub(crate) fn master(&self, scope: &str) -> Verdict<String> {
        self.token(Role::Master, scope)
    }

    /// A token, from before or by a login.
    pub(crate) fn token(&self, role: Role, scope: &str) -> Verdict<String> {
        let name = (role, scope.to_owned());
        if let Some(token) = locked(&self.tokens).get(&name) {
            return Ok(token.clone());
        }
        let token = self.login(role, scope, LIFE)?.is(200)?.text("token")?;
        locked(&self.tokens).insert(name, token.clone());
        Ok(token)
    }

    /// A login for a token that ends in `seconds`; its answer, which is late by design (A4).
    pub(crate) fn login(&self, role: Role, scope: &str, seconds: u64) -> Verdict<Reply> {
        let challenge = self.challenge()?;
        let who = self.secret(role, &challenge.eid)?;
        let exp = challenge.now + seconds;
        let signed = challenge.sign(who, challenge.claims(who, scope, exp))?;
        self.post("/api/auth/token", None, &json!({ "auth": signed }))
    }

    /// What a login has to sign.
    pub(crate) fn challenge(&self) -> Verdict<Challenge> {
        Challenge::of(&self.get("/api/auth/token", None)?.is(200)?)
    }

    /// The key of somebody's passphrase.
    pub(crate) fn secret(&self, role: Role, eid: &str) -> Verdict<&Secret> {
        let [user, master] = &self.secrets;
        let (place, passphrase, name) = match role {
            Role::User => (user, &self.people.user, "CLAVIGER_USER_PASSPHRASE"),
            Role::Master => (master, &self.people.master, "CLAVIGER_MASTER_PASSPHRASE"),
        };
        match passphrase {
            Some(passphrase) => Ok(place.get_or_init(|| Secret::of_passphrase(passphrase, eid))),
            None => not_applicable(format!("{name} is not set")),
        }
    }

    /// Logs in for all these scopes at once, as each login takes half a second.
    pub(crate) fn log_in(&self, role: Role, scopes: &[String]) -> Verdict {
        for some in scopes.chunks(AT_ONCE) {
            std::thread::scope(|threads| {
                let all: Vec<_> =
                    some.iter().map(|scope| threads.spawn(|| self.token(role, scope))).collect();
                all.into_iter().try_for_each(|one| match one.join() {
                    Ok(token) => token.map(|_| ()),
                    Err(_) => crate::verdict::fails("a login broke off"),
                })
            })?;
        }
        Ok(())
    }

    /// The run's own key of this type, which can do all that the type can.
    pub(crate) fn key(&self, kind: Kind) -> Verdict<String> {
        if let Some(kid) = locked(&self.deck).get(kind.name) {
            return Ok(kid.clone());
        }
        let kid = self.create(kind, kind.full_mode())?;
        locked(&self.deck).insert(kind.name, kid.clone());
        Ok(kid)
    }

    /// Makes the run's own key of every type, and logs in for each.
    pub(crate) fn deal(&self) -> Verdict {
        let mut scopes: Vec<_> = SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        self.log_in(Role::User, &scopes)?;
        scopes.clear();
        for kind in KINDS {
            scopes.push(format!("keymgmt:use:{}", self.key(kind)?));
        }
        self.log_in(Role::User, &scopes)
    }

    /// Creates a key and takes note of it.
    pub(crate) fn create(&self, kind: Kind, mode: Option<&str>) -> Verdict<String> {
        let mut body = json!({
            "label": label(kind.name), "type": kind.name, "descr": descr(kind.name),
        });
        if let (Some(mode), Some(fields)) = (mode, body.as_object_mut()) {
            fields.insert("mode".to_owned(), Value::from(mode));
        }
        let reply = self.user_post("keymgmt:gen", "/api/keymgmt/create", &body)?;
        self.made(&reply.is(200)?)
    }

    /// Imports a public key and takes note of it.
    pub(crate) fn import(&self, kind: Kind, public: &[u8]) -> Verdict<String> {
        let mode = kind.full_mode().unwrap_or("ECDH");
        let body = json!({
            "label": label(kind.name), "type": kind.name, "descr": descr(kind.name),
            "mode": mode, "pubkey": base64(public),
        });
        let reply = self.user_post("keymgmt:imp", "/api/keymgmt/import", &body)?;
        self.made(&reply.is(200)?)
    }

    /// The KID of an answer, of which note is taken: the key goes at the end of the run.
    pub(crate) fn made(&self, reply: &Reply) -> Verdict<String> {
        let kid = reply.text("kid")?;
        locked(&self.made).push(kid.clone());
        Ok(kid)
    }

    /// The raw public key of `kid`.
    pub(crate) fn public(&self, kid: &str) -> Verdict<Vec<u8>> {
        let reply = self.user_get("keymgmt:get", &format!("/api/keymgmt/get/{kid}"))?;
        reply.is(200)?.bytes("pubkey")
    }

    /// Deletes a key of the run's own.
    pub(crate) fn remove(&self, kid: &str) -> Verdict {
        let token = self.user("keymgmt:del")?;
        self.delete(&format!("/api/keymgmt/delete/{kid}"), &token)?.is(200)?;
        self.forget(kid);
        Ok(())
    }

    /// Takes note that a key is gone.
    pub(crate) fn forget(&self, kid: &str) {
        locked(&self.made).retain(|other| other != kid);
    }

    /// Deletes all keys that the run has made, and answers what went wrong.
    pub(crate) fn tidy(&self) -> Vec<String> {
        locked(&self.deck).clear();
        let made = std::mem::take(&mut *locked(&self.made));
        let gone = made.iter().map(|kid| (kid, self.remove(kid)));
        let left = gone.filter_map(|(kid, result)| Some((kid, result.err()?)));
        left.map(|(kid, why)| format!("key {kid} is still there: {why:?}")).collect()
    }

    /// Forgets all tokens, as the device does at a restart.
    pub(crate) fn forget_tokens(&self) {
        locked(&self.tokens).clear();
    }
}

/// The label of a key of the run's own.
pub(crate) fn label(what: &str) -> String {
    format!("{PREFIX}{what}")
}

/// The description of a key of the run's own, in base64.
pub(crate) fn descr(what: &str) -> String {
    base64(format!("CONFORMANCE:{what}").as_bytes())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the labels of the run's own keys begin with.
pub(crate) const PREFIX: &str = "conformance ";
const AT_ONCE: usize = 12;
/// The scopes that most checks need.
const SCOPES: [&str; 10] = [
    "keymgmt:gen",
    "keymgmt:list",
    "keymgmt:get",
    "keymgmt:imp",
    "keymgmt:upd",
    "keymgmt:del",
    "keymgmt:search",
    "keymgmt:derive",
    "system:config",
    "logger:get",
];
