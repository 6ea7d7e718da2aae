//! Messages that are read: opened by the device, or here.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::envelope::{self, Kind};
use super::pair::Pair;
use super::{Proof, original, service, zip};
use crate::args::message::ReadArgs;
use crate::failure::Failure;
use crate::output::{plain, utc};
use crate::session::Session;

/// Reads the messages of a key, and shows them.
pub(super) fn read(session: &Session, ask: &ReadArgs) -> Result<(), Failure> {
    let proof = Proof::of(&ask.proof)?;
    let call = service(Method::GET, "keyservice:read").header("token", &ask.proof.token.0);
    let call = match &proof {
        Proof::Passphrase(phrase) => call.secret_header("passphrase", phrase.expose_secret()),
        Proof::Pair(pair) => call.secret_header("privatekeyhash", &pair.hash()?),
    };
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let body = client.send(&call)?;
    // There is nothing where there are no messages.
    let left: Vec<Left> = match body.is_empty() {
        true => Vec::new(),
        false => serde_json::from_slice(&body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::unexpected(format!("the messages are not as expected, {place}"))
        })?,
    };
    let messages: Vec<_> = left.into_iter().map(|left| left.opened(&proof)).collect();
    if let Some(folder) = &ask.save {
        let files = messages.iter().flat_map(|message| message.files.iter().flatten());
        files.into_iter().try_for_each(|file| save(folder, file))?;
    }
    let lines: Vec<_> = messages.iter().map(Message::shown).collect();
    let text = Zeroizing::new(lines.join("\n"));
    match io::stdout().is_terminal() {
        true => session.output.show(&messages, &plain(&text)),
        false => session.output.show(&messages, &text),
    }
}

/// A message as the device has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Left {
    message_id: u64,
    encryption_key: Option<String>,
    message_data: Zeroizing<String>,
    created: String,
    is_file: bool,
}

impl Left {
    fn opened(self, proof: &Proof) -> Message {
        let content = match (&self.encryption_key, proof) {
            (None, _) if !self.is_file => {
                Some((Zeroizing::new(self.message_data.as_bytes().to_vec()), Kind::Text))
            }
            (None, _) => {
                let zip = Base64::decode_vec(&self.message_data).ok();
                zip.map(|zip| (Zeroizing::new(zip), Kind::File))
            }
            (Some(key), Proof::Pair(pair)) => self.open(key, pair),
            (Some(_), Proof::Passphrase(_)) => None,
        };
        let milliseconds = self.created.trim_matches(|c: char| !c.is_ascii_digit());
        let created = milliseconds.parse().map_or(0, |time: u64| time / 1000);
        let (text, files) = match content {
            Some((text, Kind::Text)) => {
                (std::str::from_utf8(&text).ok().map(|text| Zeroizing::new(text.to_owned())), None)
            }
            Some((zip, Kind::File)) => (None, zip::unpack(&zip)),
            None => (None, None),
        };
        let files = files.map(|files| files.into_iter().map(File::from).collect());
        Message { id: self.message_id, created: utc(created), text, files }
    }

    fn open(&self, key: &str, pair: &Pair) -> Option<(Zeroizing<Vec<u8>>, Kind)> {
        match envelope::is_ours(key) {
            true => envelope::open(&self.message_data, key, pair),
            false => original::open(&self.message_data, key, pair),
        }
    }
}

/// A message as it is shown: a text, files, or neither where it does not open.
#[derive(Serialize)]
struct Message {
    id: u64,
    created: String,
    text: Option<Zeroizing<String>>,
    files: Option<Vec<File>>,
}

#[derive(Serialize)]
struct File {
    name: String,
    /// In base64.
    content: Zeroizing<String>,
    length: usize,
}

impl From<zip::File> for File {
    fn from(file: zip::File) -> Self {
        let content = Zeroizing::new(Base64::encode_string(&file.content));
        Self { name: file.name, content, length: file.content.len() }
    }
}

impl Message {
    fn shown(&self) -> String {
        match (&self.text, &self.files) {
            (Some(text), _) => text.to_string(),
            (None, Some(files)) => {
                let file = |file: &File| format!("[file {}, {} bytes]", file.name, file.length);
                files.iter().map(file).collect::<Vec<_>>().join("\n")
            }
            (None, None) => format!("[message {} of {} does not open]", self.id, self.created),
        }
    }
}

fn save(folder: &Path, file: &File) -> Result<(), Failure> {
    let path = folder.join(&file.name);
    let content = Base64::decode_vec(&file.content).map(Zeroizing::new).unwrap_or_default();
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    new.and_then(|mut new| new.write_all(&content)).map_err(|error| {
        Failure::usage(format!("cannot write {}: {error}", path.display()))
            .hint("nothing is overwritten: give another folder")
    })
}
