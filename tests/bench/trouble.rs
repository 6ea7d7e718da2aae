//! Why a measurement could not be made.

use std::fmt;

/// A reason in words. Whatever can be displayed becomes one by `?`.
pub(crate) struct Trouble(String);

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Works because `Trouble` itself has no `Display`.
impl<E: fmt::Display> From<E> for Trouble {
    fn from(reason: E) -> Self {
        Self(reason.to_string())
    }
}
