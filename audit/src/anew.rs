//! Going on after a loss, as an operator decided: what is left of the log is set aside, and another
//! begins that says so.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::anchor::{Anchor, AnchorError};
use crate::checkpoint::{Checkpoint, Claim};
use crate::disk::Directory;
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::log::Log;
use crate::log_key::LogKey;
use crate::options::Options;
use crate::restore::CHECKPOINT;
use crate::rotation::hand_over;
use crate::signer::{Signer, SignerError};
use crate::signers::Signers;
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
    let signers = Signers::of(signer)?;
    let directory = options.directory.clone();
    let mut notes = vec![fs::read_to_string(directory.join(CHECKPOINT)).unwrap_or_default()];
    for anchor in &anchors {
        notes.extend(anchor.get().map_err(|error| unusable(&**anchor, &error))?);
    }
    // What this key did not sign is no reason not to go on: an operator has decided.
    let known = notes.iter().filter_map(|note| Checkpoint::open_of(note, &signers.all()).ok());
    let old = known.max_by_key(|(key, known)| (key.generation(), known.size()));
    if let Some((key, known)) = &old {
        signers.go_on_from(key.origin(), known);
    }
    // Where two keys sign, the new log begins with the older one, and says that the other takes over:
    // whoever knows either follows it.
    let keys = signers.signing();
    let oldest = keys.last().copied();
    let oldest = oldest.ok_or_else(|| SignerError::new("there is no logger key"))?;
    signers.leave(oldest);
    let last = old.as_ref().map_or_else(|| LogKey::of(oldest), |(key, _)| key.clone());
    let origin = last.next(oldest).origin().to_owned();
    let claim = Claim { origin, size: 0, root: Hash::of_nothing() };
    let empty = signers.seal(&[oldest], claim)?;
    for anchor in &anchors {
        anchor.put(&empty.to_string()).map_err(|error| unusable(&**anchor, &error))?;
    }
    let aside = set_aside(&directory).map_err(StartError::Directory)?;
    let places = (Box::new(Directory(directory.clone())), Arc::new(Directory(directory)));
    let log = Log::start_by((places.0, places.1), options, signers, anchors)?;
    let lost = match old {
        Some((key, known)) => {
            format!("{} {} {}", key.origin(), known.size(), known.root())
        }
        None => "unknown".to_owned(),
    };
    let (kind, ok) = (LogType::LOG_TYPE_AUDIT_RESTARTED, LogResult::LOG_RESULT_OK);
    let entered = log.append(kind, ok, Subject::None, Ext::Text(format!("{lost}: {reason}")));
    let entered = entered.and_then(|_| match keys.first().filter(|key| **key != oldest) {
        Some(newer) => hand_over(&log, newer),
        None => Ok(()),
    });
    log.shutdown();
    entered.map(|()| aside).map_err(|_| StartError::Recovery)
}

fn unusable(anchor: &dyn Anchor, error: &AnchorError) -> StartError {
    StartError::Anchor { place: anchor.place(), why: error.to_string() }
}

/// Moves all but `set-aside` itself into a new folder there.
fn set_aside(directory: &Path) -> io::Result<PathBuf> {
    let folder = directory.join(ASIDE);
    let mut names = (1..=u32::MAX).map(|number| folder.join(number.to_string()));
    let aside = names.find(|name| !name.exists()).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&aside)?;
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
