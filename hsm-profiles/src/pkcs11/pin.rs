//! The user PIN, for the life of the worker.

use std::ptr::NonNull;

use cryptoki::types::AuthPin;
use nix::sys::mman::mlock;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

/// A PIN in memory that is not swapped, where the system lets us lock it, and wiped at the end.
pub(crate) struct Pin(AuthPin);

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
        let pin = Self(pin);
        pin.lock();
        pin
    }

    /// For `C_Login`.
    pub(crate) fn expose(&self) -> &AuthPin {
        &self.0
    }

    fn lock(&self) {
        let bytes = self.0.expose_secret().as_bytes();
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
