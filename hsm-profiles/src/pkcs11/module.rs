//! A loaded and initialised module, and the token in it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::Error;
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};

use super::errors::{Classes, Failure};
use super::raw::Raw;
use super::store::Store;
use crate::profile::Profile;

/// A module with `C_Initialize` behind it: one a process, for good.
pub(crate) struct Module {
    /// What is peculiar to it.
    pub(crate) profile: Profile,
    /// The file that was loaded.
    pub(crate) path: PathBuf,
    /// What its return values mean.
    pub(crate) classes: Classes,
    /// Where the token keeps its keys.
    pub(crate) store: Store,
    /// Held by whoever makes a key.
    pub(crate) generation: Mutex<()>,
    pub(super) raw: Raw,
    context: Pkcs11,
    slot: Slot,
}

impl Module {
    /// Loads the module at `path`, or where the profile says it is, and looks for the token with
    /// this label.
    pub(crate) fn open(
        profile: Profile,
        path: Option<&Path>,
        label: &str,
    ) -> Result<Self, Failure> {
        let path = locate(&profile, path)?;
        let store = Store::of(profile.store);
        store.put_back();
        let context = initialise(&path)?;
        let raw = Raw::load(&path)?;
        let slot = find_slot(&context, label)?;
        store.keep_spare();
        Ok(Self {
            classes: Classes::new(&profile.errors),
            store,
            generation: Mutex::new(()),
            profile,
            path,
            raw,
            context,
            slot,
        })
    }

    /// A read-write session. It is logged in if another one is.
    pub(super) fn session(&self) -> Result<Session, Failure> {
        Ok(self.context.open_rw_session(self.slot)?)
    }

    /// `C_GetTokenInfo`.
    pub(crate) fn token_info(&self) -> Result<TokenInfo, Failure> {
        Ok(self.context.get_token_info(self.slot)?)
    }

    /// Sees to it that what was changed since `start` survives a power loss.
    pub(super) fn sync_store(&self, start: SystemTime) -> Result<(), Failure> {
        if !self.profile.quirks.sync_store_after_generation {
            return Ok(());
        }
        self.store.sync(start).map_err(Failure::Unsynced)
    }

    /// Sees to it that what is gone stays gone, whenever it went.
    pub(super) fn sync_names(&self) -> Result<(), Failure> {
        if !self.profile.quirks.sync_store_after_generation {
            return Ok(());
        }
        self.store.sync_names().map_err(Failure::Unsynced)
    }

    /// Whether the token answers. One that answers with a date that can't be read does.
    pub(crate) fn answers(&self) -> bool {
        !matches!(self.context.get_token_info(self.slot), Err(Error::Pkcs11(..)))
    }
}

/// Where the module is: `path`, or the first of the profile's that exists.
pub(super) fn locate(profile: &Profile, path: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = path.or_else(|| profile.module()) {
        return Ok(path.to_owned());
    }
    let places: Vec<_> = profile.modules.iter().map(|path| path.display().to_string()).collect();
    Err(Failure::Absent(format!(
        "no PKCS#11 module of {} at {}: install it, or name its path",
        profile.title,
        places.join(", ")
    )))
}

/// Loads the module and calls `C_Initialize`.
pub(super) fn initialise(path: &Path) -> Result<Pkcs11, Failure> {
    let context = Pkcs11::new(path).map_err(|error| {
        Failure::Absent(format!("{} is no PKCS#11 module: {error}", path.display()))
    })?;
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    Ok(context)
}

/// A token that can't be asked is passed over: another may be the one.
fn find_slot(context: &Pkcs11, label: &str) -> Result<Slot, Failure> {
    let mut found = context.get_slots_with_token()?.into_iter().filter(|slot| {
        context
            .get_token_info(*slot)
            .is_ok_and(|info| info.token_initialized() && info.label() == label)
    });
    match (found.next(), found.next()) {
        (Some(slot), None) => Ok(slot),
        (None, _) => Err(Failure::Absent(format!(
            "no token with the label {label:?}: is its storage or its network there?"
        ))),
        (Some(_), Some(_)) => Err(Failure::Absent(format!(
            "several tokens have the label {label:?}: give each its own"
        ))),
    }
}
