//! Which log this is, and by which of the logger keys it goes on: that is known from the checkpoints
//! that are there.

use crate::anchor::{self, Anchor, Held};
use crate::checkpoint::Checkpoint;
use crate::disk::Shelf;
use crate::log_key::LogKey;
use crate::restore::CHECKPOINT;
use crate::signer::SignerError;
use crate::signers::Signers;
use crate::start_error::StartError;

/// What a start knows before it looks at lines.
pub(crate) struct Identity {
    /// The current key under the name of the log.
    pub(crate) key: LogKey,
    /// All logger keys there are, under the same name.
    pub(crate) keys: Vec<LogKey>,
    /// What the anchors hold of this log.
    pub(crate) held: Vec<Held>,
}

/// Has those sign that have signed the latest checkpoint that is known. The name of the log is that in
/// the anchors, or that of the directory where its key has taken over from the one that it was named
/// after, if none is given.
pub(crate) fn identify(
    signers: &Signers,
    shelf: &dyn Shelf,
    origin: Option<&str>,
    anchors: &[Box<dyn Anchor>],
) -> Result<Identity, StartError> {
    let all = signers.all();
    let held = anchor::read(anchors, &all)?;
    let here = shelf.get(CHECKPOINT).map_err(StartError::Directory)?;
    // What is wrong with it is told when the lines are read.
    let here =
        here.and_then(|note| Checkpoint::open_of(&String::from_utf8_lossy(&note), &all).ok());
    let anchored = held.iter().map(|held| (&held.key, &held.checkpoint));
    let known = anchored.chain(here.as_ref().map(|(key, checkpoint)| (key, checkpoint)));
    let latest = known.max_by_key(|(key, checkpoint)| (key.generation(), checkpoint.size()));
    if let Some((key, checkpoint)) = latest {
        signers.go_on_from(key.origin(), checkpoint);
    }
    let current = signers.signing().first().copied();
    let current = current.ok_or_else(|| SignerError::new("there is no logger key"))?;
    let later = here.filter(|(key, _)| key.is_later()).map(|(key, _)| key.origin().to_owned());
    let name = origin.map(str::to_owned);
    let name = name.or_else(|| held.first().map(|held| held.key.origin().to_owned())).or(later);
    let name = name.unwrap_or_else(|| LogKey::of(current).origin().to_owned());
    let named = |key| LogKey::named(&name, key).ok_or_else(|| StartError::Origin(name.clone()));
    let key = named(current)?;
    let keys = all.into_iter().map(named).collect::<Result<_, _>>()?;
    match held.iter().find(|held| held.key.origin() != name) {
        Some(Held { place, key, .. }) => Err(StartError::Anchor {
            place,
            why: format!("it is that of {}, not of {name}", key.origin()),
        }),
        None => Ok(Identity { key, keys, held }),
    }
}
