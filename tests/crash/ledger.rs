//! What was asked of the daemon and what it acknowledged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a request does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Deed {
    Agree,
    Create,
    Delete,
    Import,
}

/// What has to be found of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    There,
    Gone,
    /// A change was asked for and never acknowledged.
    Unsure,
}

/// How a deed to a key went, over all requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Answered with 200.
    pub(crate) acknowledged: usize,
    /// Never answered.
    pub(crate) lost: usize,
}

/// Shared by everybody who asks.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<State>);

#[derive(Clone, Default)]
struct State {
    counts: BTreeMap<(Deed, String), Count>,
    fates: BTreeMap<String, Fate>,
    refused: usize,
}

impl Deed {
    /// The type of its log entry.
    pub(crate) fn log_type(self) -> &'static str {
        match self {
            Self::Agree => "CRYPTO_ECDH",
            Self::Create => "KEY_GENERATION",
            Self::Delete => "KEY_DELETE",
            Self::Import => "KEY_IMPORT",
        }
    }
}

impl Ledger {
    /// A request is about to be sent. Until it is acknowledged or refused it counts as lost.
    pub(crate) fn ask(&self, deed: Deed, kid: &str) {
        let mut state = self.state();
        state.count(deed, kid).lost += 1;
        if matches!(deed, Deed::Delete | Deed::Import) {
            state.fates.insert(kid.to_owned(), Fate::Unsure);
        }
    }

    /// It was answered with 200.
    pub(crate) fn acknowledge(&self, deed: Deed, kid: &str) {
        let mut state = self.state();
        let count = state.count(deed, kid);
        count.acknowledged += 1;
        count.lost -= 1;
        match deed {
            Deed::Agree => {}
            Deed::Create | Deed::Import => drop(state.fates.insert(kid.to_owned(), Fate::There)),
            Deed::Delete => drop(state.fates.insert(kid.to_owned(), Fate::Gone)),
        }
    }

    /// A key was made; its name was not known before.
    pub(crate) fn acknowledge_creation(&self, kid: &str) {
        self.ask(Deed::Create, kid);
        self.acknowledge(Deed::Create, kid);
    }

    /// It was refused because the token was away; it may have happened all the same.
    pub(crate) fn refuse(&self, deed: Deed, kid: &str) {
        let mut state = self.state();
        state.count(deed, kid).lost -= 1;
        state.refused += 1;
    }

    /// The keys whose fate is known or was at stake.
    pub(crate) fn fates(&self) -> BTreeMap<String, Fate> {
        self.state().fates.clone()
    }

    /// Everything that was asked.
    pub(crate) fn counts(&self) -> BTreeMap<(Deed, String), Count> {
        self.state().counts.clone()
    }

    /// For people.
    pub(crate) fn summary(&self) -> String {
        let state = self.state();
        let of = |deed| -> usize {
            let each = state.counts.iter().filter(|((of, _), _)| *of == deed);
            each.map(|(_, count)| count.acknowledged).sum()
        };
        let lost: usize = state.counts.values().map(|count| count.lost).sum();
        format!(
            "acknowledged: {} agreements, {} creations, {} imports, {} deletions; {} refused, {lost} lost",
            of(Deed::Agree),
            of(Deed::Create),
            of(Deed::Import),
            of(Deed::Delete),
            state.refused,
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, deed: Deed, kid: &str) -> &mut Count {
        self.counts.entry((deed, kid.to_owned())).or_default()
    }
}
