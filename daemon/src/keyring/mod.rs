//! The keys: what is known about each, in memory, with the state file and the token behind it.
//!
//! Reads and uses never touch the state file. What changes a key goes through the state file and
//! the token in an order that leaves no orphan in the token and no record without a key, wherever
//! the process stops (docs/state.md). Whoever names a key here shows a permit for it.

mod adopt;
mod agree;
mod cipher;
mod create;
mod delete;
mod derive;
mod employ;
mod fault;
mod import;
mod mender;
mod needle;
mod nonces;
mod open;
mod own;
mod pairing;
mod post_quantum;
mod read;
mod sealed;
mod shelf;
#[cfg(test)]
mod tests;
pub(crate) mod token;
mod update;
mod usage;
mod view;
mod wipe;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hsm_profiles::TokenFault;
use policies::{Kid, Subject};

pub use self::adopt::{Adoptable, Adoption};
pub use self::agree::Peer;
pub use self::create::NewKey;
pub use self::employ::Sharing;
pub use self::fault::{KeyFault, OpenError};
pub use self::import::NewPublic;
pub use self::needle::{BadNeedle, Needle};
pub use self::open::Recovery;
pub use self::own::{Purpose, Standing};
pub use self::pairing::{Authenticator, NewAuthenticator};
pub use self::read::Page;
pub use self::view::KeyView;
pub use self::wipe::Wipe;
use crate::keyring::mender::Mender;
use crate::keyring::nonces::Nonces;
use crate::keyring::shelf::Shelf;
use crate::keyring::token::Token;
use crate::store::{Due, Fact, Owed, Record, Store, StoreFault, Tag, holds};

/// All keys. Cloning is shallow.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

/// Where the time comes from: a function that gives Unix seconds.
pub type Clock = fn() -> u64;

struct Keys {
    store: Store,
    token: Arc<dyn Token>,
    clock: Clock,
    shelf: RwLock<Shelf>,
    /// The last sequence number that was given out.
    sequence: AtomicU64,
    /// Held from a change of the state file to the same change of the shelf, so that both change in
    /// the same order. Never held while the token makes or destroys something.
    turn: tokio::sync::Mutex<()>,
    mender: Mender,
    nonces: Nonces,
    /// Held while an authenticator is paired, so that there are never more than may be.
    pairing: tokio::sync::Mutex<()>,
    /// Held while somebody gets a key that there is one of, so that there is.
    standing: tokio::sync::Mutex<()>,
}

impl Keys {
    fn shelf(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf_mut(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next sequence number.
    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// The record's MAC.
    async fn seal(&self, record: &Record) -> Result<Tag, TokenFault> {
        self.token.mac(&record.seal_text()).await
    }

    /// A change of this key that is about to be written down, for the log.
    async fn due(&self, fact: Fact, kid: Kid, subject: Subject) -> Result<Due, KeyFault> {
        let owed = Owed::fresh(fact, Some(kid), subject, (self.clock)())?;
        Ok(owed.due(&*self.token).await?)
    }

    /// Makes the shelf say about a key what the state file says.
    async fn refresh(&self, kid: Kid) -> Result<(), OpenError> {
        let _turn = self.turn.lock().await;
        let Some(stored) = self.store.record(kid).await? else {
            self.shelf_mut().remove(kid);
            return Ok(());
        };
        match verified(&*self.token, stored.content).await? {
            Some(record) => self.shelf_mut().place(record),
            None => self.shelf_mut().mark_damaged(kid),
        }
        Ok(())
    }
}

/// The record, where its MAC fits.
async fn verified(
    token: &dyn Token,
    content: Option<(Record, Tag)>,
) -> Result<Option<Record>, TokenFault> {
    let Some((record, tag)) = content else { return Ok(None) };
    let intact = holds(token, &record.seal_text(), &tag).await?;
    Ok(intact.then_some(record))
}

/// 16 bytes from the system's generator.
fn random() -> Result<[u8; 16], KeyFault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|why| StoreFault::Randomness(why.to_string()))?;
    Ok(bytes)
}
