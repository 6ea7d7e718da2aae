//! The user PIN, for the life of the worker.

use std::io;
use std::ptr::NonNull;

use cryptoki::types::AuthPin;
use nix::sys::mman::mlock;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::refusals::Refusals;

/// A PIN in memory that is not swapped, where the system lets us lock it, and wiped at the end.
pub(crate) struct Pin {
    text: AuthPin,
    /// What is known of it from earlier starts.
    refusals: Option<Refusals>,
}

impl Pin {
    /// The PIN that `text` (UTF-8) holds; one line break at its end does not belong to it. `None`
    /// where there is none.
    pub(crate) fn parse(text: &Zeroizing<Vec<u8>>) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return None;
        }
        Some(Self::keep(AuthPin::from(text)))
    }

    /// Locks `pin` in memory.
    pub(crate) fn keep(pin: AuthPin) -> Self {
        let pin = Self { text: pin, refusals: None };
        pin.lock();
        pin
    }

    /// With a memory that outlives the process.
    pub(crate) fn remembered_in(self, refusals: Option<Refusals>) -> Self {
        Self { refusals, ..self }
    }

    /// For `C_Login`.
    pub(crate) fn expose(&self) -> &AuthPin {
        &self.text
    }

    /// Whether it was refused at an earlier start. A memory that can't be read is no reason to try.
    pub(super) fn was_refused(&self) -> io::Result<bool> {
        self.refusals.as_ref().map_or(Ok(false), |memory| memory.has(self.bytes()))
    }

    /// It was refused, or taken. Where that can't be written down, it is not for want of room alone
    /// that nothing works; the next start tries once more.
    pub(super) fn remember(&self, refused: bool) {
        let Some(memory) = &self.refusals else { return };
        let noted = if refused { memory.note(self.bytes()) } else { memory.clear() };
        if let Err(error) = noted {
            tracing::warn!("the file pin-refused can't be written: {error}");
        }
    }

    fn bytes(&self) -> &[u8] {
        self.text.expose_secret().as_bytes()
    }

    fn lock(&self) {
        let bytes = self.bytes();
        let start = NonNull::from(bytes).cast();
        // SAFETY: the range is that of a living allocation; locking pages changes nothing in them.
        let locked = unsafe { mlock(start, bytes.len()) };
        if let Err(error) = locked {
            tracing::warn!("the PIN can't be locked in memory ({error}): raise LimitMEMLOCK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_at_the_end_is_no_part_of_it() {
        for text in ["1234 ", "1234 \n", "1234 \r\n"] {
            let pin = Pin::parse(&Zeroizing::new(text.as_bytes().to_vec())).unwrap();
            assert_eq!(pin.expose().expose_secret(), "1234 ");
        }
        for text in [&b""[..], b"\n", b"\xff\xfe"] {
            assert!(Pin::parse(&Zeroizing::new(text.to_vec())).is_none());
        }
    }
}
