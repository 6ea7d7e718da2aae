//! The body of an answer: bytes, or a file that is read while it is sent.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// The body of an answer. Its length is known before it is sent.
#[derive(Debug)]
pub enum Payload {
    /// In memory.
    Bytes(Full<Bytes>),
    /// In a file.
    Stored(Stored),
}

/// A file, as long as it was when it was opened. A piece of it at a time is in memory.
#[derive(Debug)]
pub struct Stored {
    file: File,
    left: u64,
    piece: Box<[u8]>,
}

impl Stored {
    /// The file at `path`.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(PIECE);
        let left = file.metadata().await?.len();
        Ok(Self { file, left, piece: vec![0; PIECE].into() })
    }

    /// The next piece; `None` at the end. A file that has become shorter is an error, which breaks the
    /// answer off: its length was told.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let most = usize::try_from(self.left).unwrap_or(PIECE);
        let (piece, _) = self.piece.split_at_mut(most.min(PIECE));
        let mut buffer = ReadBuf::new(piece);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let read = Bytes::copy_from_slice(buffer.filled());
        self.left = self.left.saturating_sub(u64::try_from(read.len()).unwrap_or(u64::MAX));
        Poll::Ready(Some(match read.is_empty() {
            true => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            false => Ok(read),
        }))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Bytes(bytes) => {
                Pin::new(bytes).poll_frame(context).map_err(|never| match never {})
            }
            Self::Stored(stored) => stored.poll_piece(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_end_stream(),
            Self::Stored(stored) => stored.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => bytes.size_hint(),
            Self::Stored(stored) => SizeHint::with_exact(stored.left),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(Full::new(bytes))
    }
}

impl From<Stored> for Payload {
    fn from(stored: Stored) -> Self {
        Self::Stored(stored)
    }
}

/// What is read at a time.
const PIECE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    /// A file of some pieces and a bit, and what is in it.
    fn file() -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|at| at.to_le_bytes()[0] ^ 0x5a).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[tokio::test]
    async fn a_file_is_sent_to_the_byte_and_as_it_was() {
        let (mut file, bytes) = file();
        let mut payload = Payload::from(Stored::open(file.path()).await.unwrap());
        let length = u64::try_from(bytes.len()).unwrap();
        assert_eq!(payload.size_hint().exact(), Some(length));
        let first = payload.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(payload.size_hint().exact(), Some(length - u64::try_from(first.len()).unwrap()));
        assert!(!payload.is_end_stream());
        file.write_all(b"more").unwrap();
        let rest = payload.collect().await.unwrap().to_bytes();
        assert_eq!([first, rest].concat(), bytes);
    }

    #[tokio::test]
    async fn one_that_was_cut_breaks_off() {
        let (file, bytes) = file();
        let payload = Payload::from(Stored::open(file.path()).await.unwrap());
        file.as_file().set_len(u64::try_from(bytes.len() - 1).unwrap()).unwrap();
        assert_eq!(payload.collect().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn an_empty_one_is_at_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let payload = Payload::from(Stored::open(file.path()).await.unwrap());
        assert!(payload.is_end_stream());
        assert!(payload.collect().await.unwrap().to_bytes().is_empty());
    }
}
