//! One row of a table, and the walk that takes it to a daemon and looks what it left in the log.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::client::{Client, Reply};
use tests::log::{Entry, LogReader};
use tests::scene::Scene;

/// One row: a request, its status, and all that the log has of it.
pub(crate) struct Row {
    /// `METHOD PATH`; in it and in the others `<name>` stands for what the walk knows by that name.
    pub(crate) call: &'static str,
    /// `user SCOPE`, `master SCOPE`, `phone SCOPE`, `bearer TOKEN`, or nothing for nobody.
    pub(crate) who: &'static str,
    /// The JSON text of a POST.
    pub(crate) body: &'static str,
    /// What is answered.
    pub(crate) status: u16,
    /// The entries, each `TYPE RESULT SUBJECT EXT` with `-` for nothing, with `; ` between them.
    pub(crate) log: &'static str,
    prepare: Option<fn(&mut Walk<'_>)>,
}

/// A row that needs nothing but what the walk knows.
pub(crate) const fn row(
    call: &'static str,
    who: &'static str,
    body: &'static str,
    status: u16,
    log: &'static str,
) -> Row {
    Row { call, who, body, status, log, prepare: None }
}

impl Row {
    /// Does this first.
    pub(crate) const fn after(self, prepare: fn(&mut Walk<'_>)) -> Self {
        Self { prepare: Some(prepare), ..self }
    }

    /// The types of its entries, without `LOG_TYPE_`.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.log.split("; ").filter_map(|entry| entry.split(' ').next()).filter(|k| !k.is_empty())
    }
}

/// A walk over the rows of tables, at one daemon.
pub(crate) struct Walk<'a> {
    /// The daemon.
    pub(crate) scene: &'a Scene,
    log: LogReader,
    known: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl<'a> Walk<'a> {
    /// A walk that knows nothing.
    pub(crate) fn new(scene: &'a Scene) -> Self {
        Self { scene, log: scene.log(), known: BTreeMap::new(), wrong: Vec::new() }
    }

    /// From now on `<name>` is `value`.
    pub(crate) fn know(&mut self, name: &str, value: impl Into<String>) {
        self.known.insert(name.to_owned(), value.into());
    }

    /// Takes one row.
    pub(crate) fn take(&mut self, row: &Row) {
        if let Some(prepare) = row.prepare {
            prepare(self);
        }
        self.ask((row.call, row.who, row.body), row.status, row.log);
    }

    /// Expects a 403 and this entry.
    pub(crate) fn refused(&mut self, call: &str, who: &str, body: &str, log: &str) {
        self.ask((call, who, body), 403, log);
    }

    fn ask(&mut self, (call, who, body): (&str, &str, &str), status: u16, log: &str) {
        let token = self.token(&self.fill(who));
        let (call, body) = (self.fill(call), self.fill(body));
        let what = format!("{call} by {who:?} with {body}");
        let client = self.scene.client.clone();
        self.see(&what, status, log, || send(&client, &call, token.as_deref(), body.into_bytes()));
    }

    /// Expects this status of what is `done`, and these entries and no others.
    pub(crate) fn see(&mut self, what: &str, status: u16, log: &str, done: impl FnOnce() -> Reply) {
        let before = self.log.news();
        let logins = ["AUTH_SUCCESS_INTERNAL", "AUTH_SUCCESS_EXTERNAL", "AUTH_PAIRED_EXTERNAL"];
        let is_login = |entry: &&Entry| logins.contains(&entry.kind.as_str());
        let strange: Vec<_> = before.iter().filter(|entry| !is_login(entry)).collect();
        assert!(strange.is_empty(), "before {what}: {strange:?}");
        let reply = done();
        let found: Vec<_> = self.log.news().iter().map(text).collect();
        self.remember(&reply);
        let (found, expected) = ((reply.status, found.join("; ")), (status, self.fill(log)));
        if found != expected {
            self.wrong.push(format!("{what}\n    is       {found:?}\n    expected {expected:?}"));
        }
    }

    /// Looks into the file of the run that has begun.
    pub(crate) fn reopen(&mut self) {
        self.log = self.scene.log();
    }

    /// Ends the walk.
    ///
    /// # Panics
    /// Where a row was not as the tables have it; names all of them.
    pub(crate) fn settle(self) {
        assert!(self.wrong.is_empty(), "{} rows:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }

    /// The texts of an answer are known by their names, a KID as `new`.
    fn remember(&mut self, reply: &Reply) {
        let Ok(Value::Object(members)) = serde_json::from_slice(&reply.body) else { return };
        for (name, value) in members {
            if let Value::String(value) = value {
                let name = if name == "kid" { "new" } else { &name };
                self.know(name, value);
            }
        }
    }

    fn fill(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
    }

    fn token(&self, who: &str) -> Option<String> {
        let (role, scope) = who.split_once(' ')?;
        Some(match role {
            "bearer" => scope.to_owned(),
            "master" => self.scene.master(scope),
            "phone" => self.scene.external(scope),
            "user" => self.scene.user(scope),
            other => panic!("who is {other}?"),
        })
    }
}

/// Sends `METHOD PATH`, with the body where it is a POST.
pub(crate) fn send(client: &Client, call: &str, token: Option<&str>, body: Vec<u8>) -> Reply {
    let (method, path) = call.split_once(' ').unwrap();
    match method {
        "POST" => client.post_bytes(path, token, body),
        _ => client.call(method, path, token, None),
    }
}

fn text(entry: &Entry) -> String {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    format!("{} {} {}", entry.head(), or_dash(&entry.subject), or_dash(&entry.ext))
}
