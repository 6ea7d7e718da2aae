//! What the parent hands over.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, fcntl};
use zeroize::Zeroizing;

use crate::pkcs11::{Pin, Refusals};
use crate::protocol::TokenFault;

/// The socket to the daemon. `None` where there is none.
pub(super) fn socket(number: RawFd) -> Option<UnixStream> {
    take(number).map(UnixStream::from)
}

/// The PIN, read to the end of its descriptor.
///
/// # Errors
/// [`TokenFault::Down`] where it can't be read: no attempt is made then.
pub(super) fn pin(number: RawFd) -> Result<Pin, TokenFault> {
    let down = |what: &str| TokenFault::Down(format!("the PIN file {what}"));
    let file = File::from(take(number).ok_or_else(|| down("was not handed over"))?);
    // One allocation of its final size: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let limit = u64::try_from(LONGEST + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut text).map_err(|_| down("can't be read"))?;
    if text.len() > LONGEST {
        return Err(down("is longer than 1024 bytes"));
    }
    Pin::parse(&text).ok_or_else(|| down("has no PIN in it, or not in UTF-8"))
}

/// The file that remembers a refused PIN. `None` where there is none.
pub(super) fn refusals(number: RawFd) -> Option<Refusals> {
    take(number).map(|file| Refusals::in_file(File::from(file)))
}

#[expect(unsafe_code, reason = "a number becomes an owned descriptor nowhere else")]
fn take(number: RawFd) -> Option<OwnedFd> {
    if number < 0 {
        return None;
    }
    // SAFETY: the parent hands the descriptor over under this number to nobody but us, and this
    // function is called once for each number before anything else opens one.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    if fcntl(&descriptor, FcntlArg::F_GETFD).is_err() {
        // Not open: dropping it would be an error, too.
        std::mem::forget(descriptor);
        return None;
    }
    Some(descriptor)
}

const LONGEST: usize = 1024;
