//! `claviger message`: keys that anybody can leave messages for, and the messages. With a passphrase the
//! device encrypts and decrypts; with a private key of one's own this client does.

mod envelope;
mod found;
mod original;
mod pair;
mod zip;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::args::message::{CreateArgs, MessageCommand, ProofArgs, SendArgs};
use crate::client::Call;
use crate::failure::Failure;
use crate::form::Form;
use crate::passphrase;
use crate::session::{Need, Session};
use envelope::Kind;
use pair::{Pair, PublicKey};

/// The token of a key: 16 bytes as 32 hex digits, in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token(String);

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err("a token is 32 hex digits".into()),
        }
    }
}

/// Does one of them.
pub(crate) fn run(session: &Session, command: &MessageCommand) -> Result<(), Failure> {
    match command {
        MessageCommand::Create(ask) => create(session, ask),
        MessageCommand::Send(ask) => send(session, ask),
        MessageCommand::Read(ask) => found::read(session, ask),
        MessageCommand::Delete(ask) => delete(session, &ask.proof),
    }
}

fn create(session: &Session, ask: &CreateArgs) -> Result<(), Failure> {
    let proof = match (&ask.passphrase_file, &ask.private_key) {
        (Some(file), _) => Proof::Passphrase(passphrase::read(file)?),
        (None, file) => {
            let file = file.as_deref().unwrap_or(Path::new(""));
            let pair = Pair::fresh()?;
            if !session.options.print_curl {
                // It has to last before anything can be encrypted to it.
                pair.write(file)?;
            }
            Proof::Pair(pair)
        }
    };
    let form = match &proof {
        Proof::Passphrase(passphrase) => {
            Form::default().with_secret("passphrase", passphrase.expose_secret())
        }
        Proof::Pair(pair) => Form::default()
            .with("publickey", &pair.public()?.to_pem()?)
            .with_secret("privatekeyhash", &pair.hash()?),
    };
    let form = ask.release.iter().fold(form, |form, date| form.with("releasedate", date));
    let call = service(Method::POST, "keyservice:create").form(form);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let made: Made = client.json(&call)?;
    let public_key = PublicKey::from_xml(&made.public_key)?.to_pem()?;
    let created = Created { token: &made.key_token, public_key, released: made.is_released };
    session.output.show(&created, created.token)
}

fn send(session: &Session, ask: &SendArgs) -> Result<(), Failure> {
    let text = ask.text.as_deref().map(content).transpose()?;
    let text = text.as_deref().map(|text| {
        std::str::from_utf8(text)
            .map_err(|_| Failure::usage("the text is no UTF-8: send it as --file"))
    });
    let text = text.transpose()?;
    let files = ask.file.iter().map(|path| Ok((name(path)?, content(path)?)));
    let files: Vec<_> = files.collect::<Result<_, Failure>>()?;
    let token = || Form::default().with("token", &ask.token.0);
    let forms = match &ask.public_key {
        None => {
            let form = text.iter().fold(token(), |form, text| form.with_secret("message", text));
            vec![
                files.into_iter().fold(form, |form, (name, content)| form.with_file(name, content)),
            ]
        }
        Some(file) => {
            let key = PublicKey::read(&content(file)?)?;
            let text = text.map(|text| envelope::seal(text.as_bytes(), Kind::Text, &key));
            let files = files.iter().map(|(name, content)| {
                envelope::seal(&zip::pack(name, content)?, Kind::File, &key)
            });
            let sealed = text.into_iter().chain(files).collect::<Result<Vec<_>, _>>()?;
            sealed.iter().map(|sealed| sealed.add_to(token())).collect()
        }
    };
    for form in &forms {
        let call = service(Method::PUT, "keyservice:send").form(form.clone());
        let Some(client) = session.client_for(&call)? else { continue };
        client.send(&call)?;
    }
    match session.options.print_curl {
        true => Ok(()),
        false => session.output.show(&Sent { sent: forms.len() }, ""),
    }
}

fn delete(session: &Session, ask: &ProofArgs) -> Result<(), Failure> {
    let form = Form::default().with("token", &ask.token.0);
    let form = match Proof::of(ask)? {
        Proof::Passphrase(passphrase) => form.with_secret("passphrase", passphrase.expose_secret()),
        Proof::Pair(pair) => form.with_secret("privatekeyhash", &pair.hash()?),
    };
    let call = service(Method::DELETE, "keyservice:delete").form(form);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    client.send(&call)?;
    session.output.show(&Deleted { deleted: &ask.token.0 }, "")
}

/// What opens a key.
enum Proof {
    Pair(Pair),
    Passphrase(SecretString),
}

impl Proof {
    fn of(ask: &ProofArgs) -> Result<Self, Failure> {
        match (&ask.passphrase_file, &ask.private_key) {
            (Some(file), _) => passphrase::read(file).map(Self::Passphrase),
            (None, file) => {
                let file = file.as_deref().unwrap_or(Path::new(""));
                Pair::read(&content(file)?).map(Self::Pair)
            }
        }
    }
}

fn service(method: Method, scope: &'static str) -> Call {
    let need = Need { scopes: vec![scope], optional: true, ..Need::default() };
    Call { method, ..Call::get("/Service") }.needs(need).longest(LONGEST)
}

/// All that is in a file; `-` is standard input.
fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = match path.as_os_str() == "-" {
        true => {
            let mut content = Zeroizing::new(Vec::new());
            std::io::stdin().read_to_end(&mut content).map(|_| content)
        }
        false => fs::read(path).map(Zeroizing::new),
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

fn name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let why = || Failure::usage(format!("{} has no name that can be sent", path.display()));
    name.map(str::to_owned).ok_or_else(why)
}

/// As much of a key as is shown.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    key_token: String,
    public_key: String,
    is_released: bool,
}

#[derive(Serialize)]
struct Created<'a> {
    token: &'a str,
    public_key: String,
    released: bool,
}

#[derive(Serialize)]
struct Deleted<'a> {
    deleted: &'a str,
}

#[derive(Serialize)]
struct Sent {
    sent: usize,
}

/// In bytes: as much as a key of a device with the usual limits holds.
const LONGEST: u64 = 128 << 20;
