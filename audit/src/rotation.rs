//! A logger key takes over from another one: both sign for a while, until the older one goes. Which
//! keys sign is told by the latest checkpoint alone, so that a run that broke off can be done again.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::anchor::Anchor;
use crate::checkpoint::Checkpoint;
use crate::closing::{Receipt, Unwritten};
use crate::disk::Directory;
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::log::{Log, put_vkey};
use crate::log_key::LogKey;
use crate::options::Options;
use crate::signer::Signer;
use crate::start_error::StartError;

/// Has the logger key that signs nothing yet take over: an entry `LOG_TYPE_AUDIT_KEY_CHANGED` names
/// it, and a checkpoint that covers the entry is signed by both keys. From then on both sign. Answers
/// the new key; where two keys sign already, the current one of them, and nothing is changed. The
/// daemon must not run.
///
/// # Errors
/// [`StartError`]; it can be done again then.
pub fn begin_rotation(
    options: Options,
    signer: Box<dyn Signer>,
    anchors: Vec<Box<dyn Anchor>>,
) -> Result<LogKey, StartError> {
    let shelf = Directory(options.directory.clone());
    let log = Log::start_anchored(options, signer, anchors)?;
    let begun = take_over(&log);
    log.shutdown();
    let key = begun?;
    is_signed(&log, &key)?;
    put_vkey(&shelf, &key)?;
    Ok(key)
}

fn take_over(log: &Log) -> Result<LogKey, StartError> {
    let signing = log.signers().signing();
    if signing.len() > 1 {
        return Ok(log.key().clone());
    }
    let mut idle = log.keys().iter().filter(|key| !signing.contains(key.key()));
    let next = idle.next().ok_or_else(|| StartError::Rotation("there is no other key".into()))?;
    hand_over(log, next.key()).map_err(|_| StartError::Recovery)?;
    Ok(next.clone())
}

/// Names the key and has it sign from the next checkpoint on.
pub(crate) fn hand_over(log: &Log, next: &VerifyingKey) -> Result<(), Unwritten> {
    let key = log.keys().iter().find(|key| key.key() == next).ok_or(Unwritten)?;
    let appointed = log.signers().sign(appointment(key).as_bytes()).map_err(|_| Unwritten)?;
    let text = format!("{BEGIN}{key} {}", Base64::encode_string(&appointed));
    // Durable before the key signs anything, so that its first checkpoint covers it.
    let _ = key_changed(log, text)?;
    log.signers().take_over(*next);
    Ok(())
}

/// Enters that the older one of two logger keys that sign is going to be destroyed, and sees to it
/// that every checkpoint that a start looks at is signed by the one that stays, which it answers. With
/// one key only nothing is entered. The daemon must not run; `anchors` are asked for twice.
///
/// # Errors
/// [`StartError`], also where the rotation did not get as far; it can be done again then.
pub fn end_rotation(
    options: Options,
    signer: Box<dyn Signer>,
    anchors: &dyn Fn() -> Vec<Box<dyn Anchor>>,
) -> Result<LogKey, StartError> {
    let log = Log::start_anchored(options, signer, anchors())?;
    let entered = give_up(&log);
    log.shutdown();
    entered?;
    let (key, last) = (log.key(), log.checkpoint());
    is_signed(&log, key)?;
    for anchor in anchors() {
        let place = anchor.place();
        let fault = |why: String| StartError::Anchor { place, why };
        for note in anchor.get().map_err(|error| fault(error.to_string()))? {
            let kept = Checkpoint::open(&note, key).map_err(|bad| fault(bad.to_string()))?;
            if last.as_ref().is_none_or(|last| !last.says(kept.claim())) {
                return Err(fault("it is not the latest one".into()));
            }
        }
    }
    Ok(key.clone())
}

fn give_up(log: &Log) -> Result<(), StartError> {
    let signing = log.signers().signing();
    if signing.len() < log.keys().len() {
        let why = "the new key has not signed a checkpoint: rotate first".to_owned();
        return Err(StartError::Rotation(why));
    }
    for old in log.keys().iter().filter(|key| *key != log.key()) {
        let _ = key_changed(log, format!("{END}{old}")).map_err(|_| StartError::Recovery)?;
    }
    Ok(())
}

/// Enters a change of logger keys.
fn key_changed(log: &Log, text: String) -> Result<Receipt, Unwritten> {
    let (kind, ok) = (LogType::LOG_TYPE_AUDIT_KEY_CHANGED, LogResult::LOG_RESULT_OK);
    log.append(kind, ok, Subject::None, Ext::Text(text))
}

/// What the logger key before signs to have `key` take over. It can be taken for no checkpoint, which
/// begins with a name that has no space, and for no key of a file, which has 32 bytes.
fn appointment(key: &LogKey) -> String {
    format!("claviger logger key\n{key}\n")
}

/// The key that the ext of a `LOG_TYPE_AUDIT_KEY_CHANGED` appoints, if one of `by` has signed that.
/// Whoever can write lines into the file can make its tags, but no such signature.
pub(crate) fn appointed(ext: &str, by: &[LogKey]) -> Option<LogKey> {
    let (vkey, signature) = ext.strip_prefix(BEGIN)?.split_once(' ')?;
    let (key, mut bytes) = (LogKey::parse(vkey)?, [0; 64]);
    let length = Base64::decode(signature, &mut bytes).ok()?.len();
    let (text, signature) = (appointment(&key), Signature::from_bytes(&bytes));
    let good = |signer: &LogKey| {
        let same_log = signer.origin() == key.origin();
        same_log && signer.key().verify_strict(text.as_bytes(), &signature).is_ok()
    };
    (length == 64 && by.iter().any(good)).then_some(key)
}

/// Whether the last checkpoint of a log that was shut down is by `key`, and nothing is left unsigned.
fn is_signed(log: &Log, key: &LogKey) -> Result<(), StartError> {
    let by = log.checkpoint().is_some_and(|last| last.signers(log.keys()).any(|by| by == key));
    match log.unsigned() {
        None if by => Ok(()),
        why => {
            let why = why.unwrap_or_else(|| "the last checkpoint is not by the new key".to_owned());
            Err(StartError::Rotation(why))
        }
    }
}

/// How the ext of `LOG_TYPE_AUDIT_KEY_CHANGED` begins where the key that follows signs from now on; after
/// it there is the signature of the key before, in base64.
const BEGIN: &str = "begin ";

/// The same where it is going to be destroyed.
const END: &str = "end ";

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ed25519_dalek::{Signer as _, SigningKey};
    use tempfile::TempDir;

    use super::*;
    use crate::signer::SignerError;

    struct Key(u8);

    impl Signer for Key {
        fn public_key(&self) -> [u8; 32] {
            SigningKey::from_bytes(&[self.0; 32]).verifying_key().to_bytes()
        }

        fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
            Ok(SigningKey::from_bytes(&[self.0; 32]).sign(message).to_bytes())
        }

        fn others(&self) -> Vec<Box<dyn Signer>> {
            if self.0 == 1 { vec![Box::new(Self(2))] } else { Vec::new() }
        }
    }

    #[test]
    fn only_a_trusted_key_appoints_another_for_its_own_log() {
        let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]);
        let old = LogKey::of(key(1).verifying_key());
        let new = LogKey::named(old.origin(), key(2).verifying_key()).unwrap();
        let by = |seed: u8, named: &LogKey| {
            let signature = key(seed).sign(appointment(named).as_bytes()).to_bytes();
            format!("{BEGIN}{named} {}", Base64::encode_string(&signature))
        };
        let trusted = std::slice::from_ref(&old);
        assert_eq!(appointed(&by(1, &new), trusted), Some(new.clone()));
        let elsewhere = LogKey::of(key(2).verifying_key());
        for bad in [
            by(2, &new),
            by(3, &new),
            by(1, &elsewhere),
            by(1, &new).replace(BEGIN, END),
            format!("{BEGIN}{new}"),
            format!("{BEGIN}{new} "),
            by(1, &new).replacen(&new.to_string(), &old.to_string(), 1),
        ] {
            assert_eq!(appointed(&bad, trusted), None, "{bad}");
        }
    }

    /// The one before may have signed the entry that names the next key; that one signs all the same.
    #[test]
    fn a_key_that_takes_over_signs_where_no_line_is_new() {
        let home = TempDir::new().unwrap();
        let mut options = Options::new(home.path(), "Claviger test");
        options.checkpoint_pause = Duration::from_millis(1);
        let log = Log::start(options, Box::new(Key(1))).unwrap();
        let next = log.keys().iter().find(|key| *key != log.key()).unwrap();
        let receipt = key_changed(&log, format!("{BEGIN}{next} unsigned")).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while log.checkpoint().is_none_or(|last| Some(last.size()) <= receipt.index()) {
            assert!(Instant::now() < until, "{:?}", log.unsigned());
            std::thread::sleep(Duration::from_millis(1));
        }
        log.signers().take_over(*next.key());
        log.shutdown();
        is_signed(&log, next).unwrap();
    }
}
