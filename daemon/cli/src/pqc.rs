//! `claviger pqc`: the post-quantum API. What one command prints with `--json` another one reads.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::pqc::{CipherArgs, PqcCommand, TokenArgs};
use crate::client::Call;
use crate::encoding::USE;
use crate::failure::{Failure, Kind};
use crate::output::plain;
use crate::session::{Need, Session};

/// Does one of them.
pub(crate) fn run(session: &Session, command: &PqcCommand) -> Result<(), Failure> {
    match command {
        PqcCommand::Token(ask) => token(session, ask),
        PqcCommand::Generate { set } => {
            let call = kem("generate_keys", json!({ "algorithm": set }));
            tell::<Generated>(session, &call, |key| key.pk.clone())
        }
        PqcCommand::Encapsulate { key } => {
            let Generated { pk, verification_key, signature, .. } = document(key)?;
            let body = json!({ "pk": pk, "signature": signature, "verif_key": verification_key });
            tell::<Encapsulated>(session, &kem("encapsulate_key", body), |sent| sent.cipher.clone())
        }
        PqcCommand::Decapsulate { key, sent } => {
            let (Named { pk }, Sent { cipher }) = (document(key)?, document(sent)?);
            let call = kem("decapsulate_key", json!({ "cipher": cipher, "pk": pk }));
            tell::<Decapsulated>(session, &call, |opened| opened.shared_key.to_string())
        }
        PqcCommand::Sign { text, set } => {
            let body = json!({ "data": read(text)?.as_str(), "algorithm": set });
            tell::<Signed>(session, &signing("sign", body), |signed| signed.signature.clone())
        }
        PqcCommand::Verify { text, signed } => verify(session, text, signed),
        PqcCommand::Encrypt(ask) => {
            let body = json!({ "unencrypted": read(&ask.file)?.as_str() });
            tell::<String>(session, &cipher("encrypt_text", ask, body)?, Clone::clone)
        }
        PqcCommand::Decrypt(ask) => {
            let body = json!({ "ciphertext": read(&ask.file)?.trim() });
            let call = cipher("decrypt_text", ask, body)?;
            tell::<Zeroizing<String>>(session, &call, |text| text.to_string())
        }
    }
}

fn token(session: &Session, ask: &TokenArgs) -> Result<(), Failure> {
    let body = json!({ "expiry_time": ask.lifetime, "expire_after_attempts": ask.uses });
    let call = Call::post("/api/token/new", body).needs(need("token:new"));
    tell::<Issued>(session, &call, |issued| issued.new_token.to_string())
}

/// A signature that does not hold is a failure, for scripts.
fn verify(session: &Session, text: &Path, signed: &Path) -> Result<(), Failure> {
    let Signed { signature, pk } = document(signed)?;
    let body = json!({ "data": read(text)?.as_str(), "signature": signature, "pk": pk });
    let call = signing("verify", body);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let verified: Verified = client.json(&call)?;
    match verified.verified {
        true => session.output.show(&verified, "verified"),
        false => Err(Failure::new(Kind::Failed, "this is no signature of the text by that key")
            .hint("is it the same text, to the byte?")),
    }
}

/// Sends the call and shows its answer: whole to scripts, the part that matters to people.
fn tell<T: for<'a> Deserialize<'a> + Serialize>(
    session: &Session,
    call: &Call,
    part: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    let Some(client) = session.client_for(call)? else { return Ok(()) };
    let answer: T = client.json(call)?;
    let text = Zeroizing::new(part(&answer));
    // A terminal is not to be driven by it; a file or a program gets every byte.
    match io::stdout().is_terminal() {
        true => session.output.show(&answer, &plain(&text)),
        false => session.output.show(&answer, &text),
    }
}

fn kem(what: &str, body: Value) -> Call {
    Call::post(format!("/api/kem/{what}"), body).needs(need("pqc:kem"))
}

fn signing(what: &str, body: Value) -> Call {
    Call::post(format!("/api/signature/{what}"), body).needs(need("pqc:sign"))
}

fn cipher(what: &str, ask: &CipherArgs, mut body: Value) -> Result<Call, Failure> {
    let mut need = need("pqc:aes");
    if let Value::Object(members) = &mut body {
        if let Some(file) = &ask.key_file {
            members.insert("key".into(), read(file)?.trim().into());
        }
        if let Some(kid) = &ask.kid {
            members.insert("kid".into(), kid.as_str().into());
            let both = format!("pqc:aes {USE}{}", kid.as_str());
            need = Need { exact: Some(both), ..Need::default() };
        }
    }
    Ok(Call::post(format!("/api/aes/{what}"), body).needs(need))
}

fn need(scope: &'static str) -> Need {
    Need { scopes: vec![scope], ..Need::default() }
}

/// The text of a file; `-` is standard input.
fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let done = match path.as_os_str() == "-" {
        true => io::stdin().read_to_string(&mut text).map(drop),
        false => fs::read_to_string(path).map(|read| text = Zeroizing::new(read)),
    };
    match done {
        Ok(()) => Ok(text),
        Err(error) => {
            let message = format!("cannot read {} as text: {error}", path.display());
            Err(Failure::usage(message))
        }
    }
}

/// What another command printed with `--json`.
fn document<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, Failure> {
    let text = read(path)?;
    serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::usage(format!("{} is not what is needed, {place}", path.display()))
            .hint("it takes what another command of `claviger pqc` printed with --json")
    })
}

#[derive(Deserialize, Serialize)]
struct Issued {
    new_token: Zeroizing<String>,
}

#[derive(Deserialize, Serialize)]
struct Generated {
    pk: String,
    verification_key: String,
    verification_signature: String,
    signature: String,
}

#[derive(Deserialize, Serialize)]
struct Encapsulated {
    cipher: String,
    shared_key: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Named {
    pk: String,
}

#[derive(Deserialize)]
struct Sent {
    cipher: String,
}

#[derive(Deserialize, Serialize)]
struct Decapsulated {
    shared_key: Zeroizing<String>,
}

#[derive(Deserialize, Serialize)]
struct Signed {
    signature: String,
    pk: String,
}

#[derive(Deserialize, Serialize)]
struct Verified {
    verified: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::cipher;
    use crate::args::pqc::PqcCommand;
    use crate::args::{Args, Command};

    fn parse(line: &[&str]) -> Result<PqcCommand, clap::Error> {
        let line = ["claviger", "pqc"].iter().chain(line);
        match Args::try_parse_from(line)?.command {
            Command::Pqc(command) => Ok(command),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stored_key_takes_both_scopes() {
        let kid = "AB".repeat(16);
        let PqcCommand::Encrypt(ask) = parse(&["encrypt", "x", "--kid", &kid]).unwrap() else {
            panic!("not encrypt")
        };
        let call = cipher("encrypt_text", &ask, serde_json::json!({})).unwrap();
        let both = format!("pqc:aes keymgmt:use:{}", kid.to_lowercase());
        assert_eq!(call.need.advice(), Some(both.as_str()));
        assert_eq!(call.body.unwrap()["kid"], kid.to_lowercase());
    }

    #[test]
    fn a_cipher_takes_exactly_one_key() {
        let kid = "AB".repeat(16);
        assert!(parse(&["encrypt", "x"]).is_err());
        assert!(parse(&["decrypt", "x", "--kid", &kid, "--key-file", "y"]).is_err());
        assert!(parse(&["decrypt", "-", "--key-file", "y"]).is_ok());
        assert!(parse(&["token", "--uses", "0"]).is_err());
        assert!(parse(&["generate", "--set", "ML-KEM-2048"]).is_err());
    }
}
