//! Where seeds are while they are open: a page of the thread's own, locked and wiped.

use std::cell::RefCell;
use std::ptr::NonNull;

use nix::sys::mman::mlock;
use zeroize::Zeroize;

/// Runs `work` with `length` zero bytes that are not swapped, where the system lets us lock them,
/// and that are wiped on every way out. `length` is at most [`SIZE`]; `work` must not ask again.
pub(crate) fn with_locked<T>(length: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    PAGE.with_borrow_mut(|page| {
        let wiped = Wiped(page.0.get_mut(..length).unwrap_or_default());
        work(wiped.0)
    })
}

/// Aligned and sized so that nothing else of ours lies in it.
#[repr(C, align(4096))]
struct Page([u8; SIZE]);

impl Page {
    fn locked() -> Box<Self> {
        let page = Box::new(Self([0; SIZE]));
        // SAFETY: the range is that of a living allocation; locking pages changes nothing in them.
        // They stay locked when the thread ends, by then wiped, until the allocator gives them back.
        let locked = unsafe { mlock(NonNull::from(page.as_ref()).cast(), SIZE) };
        if let Err(error) = locked {
            tracing::warn!("sealed keys can't be locked in memory ({error}): raise LimitMEMLOCK");
        }
        page
    }
}

struct Wiped<'a>(&'a mut [u8]);

impl Drop for Wiped<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

thread_local! {
    static PAGE: RefCell<Box<Page>> = RefCell::new(Page::locked());
}

const SIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_gone_afterwards_even_after_a_panic() {
        with_locked(64, |bytes| bytes.fill(7));
        with_locked(64, |bytes| assert_eq!(bytes, [0; 64]));
        let broken = std::panic::catch_unwind(|| {
            with_locked(64, |bytes| {
                bytes.fill(7);
                panic!("midway");
            });
        });
        assert!(broken.is_err());
        with_locked(64, |bytes| assert_eq!(bytes, [0; 64]));
    }
}
