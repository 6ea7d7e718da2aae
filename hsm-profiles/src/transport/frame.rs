//! The wire between the daemon and its worker: frames on a stream socket.
//!
//! A frame is the length of what follows (little-endian `u32`), the request's id (little-endian
//! `u64`) and a postcard body: an [`Operation`](crate::Operation) one way, an
//! [`Answer`](crate::Answer) with the same id the other way, in any order. Id 0 is the worker's
//! greeting. Both directions pass through memory that is wiped, for answers are secrets.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The longest frame, without its length: 1 MiB. A longer one means that the other side is broken.
pub const MAX_FRAME: usize = 1 << 20;

/// The id of the first frame of a worker, which no request has.
pub const GREETING: u64 = 0;

/// Frames on their way out: many are collected, then written at once.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Outbox {
    bytes: Vec<u8>,
}

impl Outbox {
    /// Appends the frame of `body`.
    ///
    /// # Errors
    /// [`BadFrame`] where it is longer than [`MAX_FRAME`]; the outbox then is as it was before.
    pub fn push<T: Serialize>(&mut self, id: u64, body: &T) -> Result<(), BadFrame> {
        let start = self.bytes.len();
        self.append(&[0; LENGTH]);
        self.append(&id.to_le_bytes());
        let written = postcard::serialize_with_flavor(body, Tail(self))
            .map_err(|_| BadFrame::Body)
            .and_then(|()| self.close(start));
        if written.is_err() {
            self.cut(start);
        }
        written
    }

    /// The frames, ready to be written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Wipes what was written; the room is kept for the next frames.
    pub fn clear(&mut self) {
        self.cut(0);
    }

    fn close(&mut self, start: usize) -> Result<(), BadFrame> {
        let length = self.bytes.len() - start - LENGTH;
        let field = u32::try_from(length).map_err(|_| BadFrame::TooLong(length))?;
        if length > MAX_FRAME {
            return Err(BadFrame::TooLong(length));
        }
        if let Some(place) = self.bytes.get_mut(start..start + LENGTH) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        Ok(())
    }

    fn append(&mut self, more: &[u8]) {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            grow(&mut self.bytes, needed);
        }
        self.bytes.extend_from_slice(more);
    }

    fn cut(&mut self, length: usize) {
        self.bytes.get_mut(length..).unwrap_or_default().zeroize();
        self.bytes.truncate(length);
    }
}

/// Frames on their way in: read as much as there is, then take them out one by one.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// What was read and not taken lies in `start..end`.
    start: usize,
    end: usize,
}

impl Inbox {
    /// An empty one.
    pub fn new() -> Self {
        Self { bytes: vec![0; ROOM], start: 0, end: 0 }
    }

    /// Where the next bytes are to be read into; never empty. Tell [`Inbox::filled`] how many came.
    pub fn space(&mut self) -> &mut [u8] {
        self.tidy();
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// `count` bytes were read into [`Inbox::space`].
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Takes out the next whole frame, and wipes it; `None` until more is read.
    ///
    /// # Errors
    /// [`BadFrame`]: the stream can't be trusted any more and has to be closed.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<(u64, T)>, BadFrame> {
        let Some((head, rest)) = self.waiting().split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(BadFrame::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let parsed = parse(frame);
        let next = self.start + LENGTH + length;
        self.bytes.get_mut(self.start..next).unwrap_or_default().zeroize();
        self.start = next;
        parsed.map(Some)
    }

    fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Moves what waits to the front, and makes room where a frame fills everything.
    fn tidy(&mut self) {
        let waiting = self.end - self.start;
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            // What lies before `start` was wiped when it was taken.
            let left_behind = waiting.max(self.start)..self.end;
            self.bytes.get_mut(left_behind).unwrap_or_default().zeroize();
            (self.start, self.end) = (0, waiting);
        }
        if self.end == self.bytes.len() {
            let length = self.bytes.len() * 2;
            grow(&mut self.bytes, length);
            self.bytes.resize(length, 0);
        }
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// What came is not a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadFrame {
    /// Not an operation or an answer.
    #[error("the body of a frame is nothing that daemon and worker say: do both have one version?")]
    Body,
    /// Shorter than its id.
    #[error("a frame is too short to have an id: do daemon and worker have one version?")]
    TooShort,
    /// Longer than [`MAX_FRAME`].
    #[error("a frame of {0} bytes is longer than 1 MiB")]
    TooLong(usize),
}

fn parse<T: DeserializeOwned>(frame: &[u8]) -> Result<(u64, T), BadFrame> {
    let (id, body) = frame.split_first_chunk().ok_or(BadFrame::TooShort)?;
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok((u64::from_le_bytes(*id), value)),
        Ok(_) | Err(_) => Err(BadFrame::Body),
    }
}

/// Makes room for `needed` bytes. A plain `reserve` would leave the old copy behind unwiped.
fn grow(bytes: &mut Vec<u8>, needed: usize) {
    let mut wider = Vec::with_capacity(needed.max(bytes.capacity() * 2).max(ROOM));
    wider.extend_from_slice(bytes);
    bytes.zeroize();
    *bytes = wider;
}

/// Lets postcard write to the end of an outbox.
struct Tail<'a>(&'a mut Outbox);

impl Flavor for Tail<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.append(&[byte]);
        Ok(())
    }

    fn try_extend(&mut self, more: &[u8]) -> postcard::Result<()> {
        self.0.append(more);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

const LENGTH: usize = 4;

const ROOM: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(inbox: &mut Inbox, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = inbox.space();
            let count = bytes.len().min(space.len());
            space[..count].copy_from_slice(&bytes[..count]);
            inbox.filled(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn has_the_layout_that_is_written_down() {
        let mut outbox = Outbox::default();
        outbox.push(0x0102, &7_u8).unwrap();
        assert_eq!(outbox.bytes(), [9, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn many_frames_survive_any_cut_of_the_stream() {
        let mut outbox = Outbox::default();
        let bodies: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; usize::from(n) * 1000]).collect();
        for (id, body) in (1..).zip(&bodies) {
            outbox.push(id, body).unwrap();
        }
        for cut in [1, 7, 4096, usize::MAX] {
            let mut inbox = Inbox::new();
            let mut taken = Vec::new();
            for piece in outbox.bytes().chunks(cut.min(outbox.bytes().len())) {
                feed(&mut inbox, piece);
                while let Some((id, body)) = inbox.take::<Vec<u8>>().unwrap() {
                    assert_eq!(id, u64::try_from(taken.len()).unwrap() + 1);
                    taken.push(body);
                }
            }
            assert_eq!(taken, bodies, "cut in pieces of {cut}");
        }
    }

    #[test]
    fn broken_frames_are_refused() {
        let too_long = (u32::try_from(MAX_FRAME).unwrap() + 1).to_le_bytes();
        for (bytes, fault) in [
            (too_long.to_vec(), BadFrame::TooLong(MAX_FRAME + 1)),
            (vec![7, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1], BadFrame::TooShort),
            (vec![8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], BadFrame::Body),
            (vec![10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1], BadFrame::Body),
        ] {
            let mut inbox = Inbox::new();
            feed(&mut inbox, &bytes);
            assert_eq!(inbox.take::<bool>(), Err(fault), "{bytes:?}");
        }
        let mut outbox = Outbox::default();
        assert_eq!(
            outbox.push(1, &vec![0_u8; MAX_FRAME]),
            Err(BadFrame::TooLong(MAX_FRAME + 8 + 3))
        );
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_was_taken_is_wiped() {
        let secret = *b"canary canary canary";
        let mut outbox = Outbox::default();
        outbox.push(1, &secret.to_vec()).unwrap();
        let mut inbox = Inbox::new();
        feed(&mut inbox, outbox.bytes());
        inbox.take::<Vec<u8>>().unwrap().unwrap();
        assert!(inbox.bytes.iter().all(|byte| *byte == 0));
    }
}
