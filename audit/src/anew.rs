//! Going on after a loss, as an operator decided: what is left of the log is set aside, and another
//! begins that says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::VerifyingKey;

use crate::anchor::{Anchor, AnchorError};
use crate::checkpoint::{Checkpoint, Claim, LogKey};
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::log::Log;
use crate::options::Options;
use crate::restore::CHECKPOINT;
use crate::signer::{Signer, SignerError, sign_and_check};
use crate::start_error::StartError;
use crate::tree::Hash;

/// Moves everything in the log directory into a folder below `set-aside` and begins a new log there,
/// of the same key under the name of the next [generation](LogKey::generation). Its first entry,
/// `LOG_TYPE_AUDIT_RESTARTED`, has the name and size of the old one, as far as they are known, and
/// `reason`. The anchors are set to the new log, so that the old one does not start again.
/// Answers the folder. The daemon must not run.
///
/// # Errors
/// [`StartError`]; it can be done again then.
pub fn begin_anew(
    options: Options,
    signer: Box<dyn Signer>,
    anchors: Vec<Box<dyn Anchor>>,
    reason: &str,
) -> Result<PathBuf, StartError> {
    let verifying = VerifyingKey::from_bytes(&signer.public_key())
        .map_err(|_| SignerError::new("its public key is no Ed25519 key"))?;
    let directory = options.directory.clone();
    let mut notes = vec![fs::read_to_string(directory.join(CHECKPOINT)).unwrap_or_default()];
    for anchor in &anchors {
        notes.extend(anchor.get().map_err(|error| unusable(&**anchor, &error))?);
    }
    // What this key did not sign is no reason not to go on: an operator has decided.
    let known = notes.iter().filter_map(|note| Checkpoint::open_of(note, verifying).ok());
    let old = known.max_by_key(|(key, known)| (key.generation(), known.size()));
    let generation = old.as_ref().map_or(0, |(key, _)| key.generation());
    let key = LogKey::of_generation(verifying, generation.saturating_add(1));
    let claim = Claim { origin: key.origin().to_owned(), size: 0, root: Hash::of_nothing() };
    let signature = sign_and_check(&*signer, claim.note().as_bytes())?;
    let empty = Checkpoint::sealed(claim, signature, &key);
    for anchor in &anchors {
        anchor.put(&empty.to_string()).map_err(|error| unusable(&**anchor, &error))?;
    }
    let aside = set_aside(&directory).map_err(StartError::Directory)?;
    let log = Log::start_anchored(options, signer, anchors)?;
    let lost = match old {
        Some((key, known)) => {
            format!("{} {} {}", key.origin(), known.size(), known.root())
        }
        None => "unknown".to_owned(),
    };
    let (kind, ok) = (LogType::LOG_TYPE_AUDIT_RESTARTED, LogResult::LOG_RESULT_OK);
    let entered = log.append(kind, ok, Subject::None, Ext::Text(format!("{lost}: {reason}")));
    log.shutdown();
    entered.map(|_| aside).map_err(|_| StartError::Recovery)
}

fn unusable(anchor: &dyn Anchor, error: &AnchorError) -> StartError {
    StartError::Anchor { place: anchor.place(), why: error.to_string() }
}

/// Moves all but `set-aside` itself into a new folder there.
fn set_aside(directory: &Path) -> io::Result<PathBuf> {
    let folder = directory.join(ASIDE);
    let mut names = (1..=u32::MAX).map(|number| folder.join(number.to_string()));
    let aside = names.find(|name| !name.exists()).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::create_dir_all(&aside)?;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name != ASIDE {
            fs::rename(directory.join(&name), aside.join(&name))?;
        }
    }
    fs::File::open(&aside)?.sync_all()?;
    fs::File::open(directory)?.sync_all()?;
    Ok(aside)
}

const ASIDE: &str = "set-aside";
