//! Messages are read: as they were left, or opened by the token for who knows the passphrase.

use hsm_profiles::{Letter, MailboxKey, SecretBytes};
use policies::{Permit, ReadMailbox};
use zeroize::Zeroizing;

use super::format::date::Date;
use super::format::envelope::{self, Kind};
use super::format::message::{self, Content, base64};
use super::format::objects::MessageObject;
use super::format::{FormatError, Limits, chunks, zip};
use super::proof::{Proof, Proven};
use super::{KeyService, apart, broken, today};
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::pipeline::LargePlace;
use crate::store::LetterRow;

impl KeyService {
    /// The messages of a key, oldest first; none before its release. `written` gets them with the
    /// place that they take where they are large, to be kept for as long as they are in memory.
    ///
    /// Messages that do not open are as they were left: whoever left them decides what is in them.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for whatever is wrong with what is shown; [`Fault::Throttled`],
    /// [`Fault::Busy`], [`Fault::Conflict`] where token or state file fail.
    pub async fn read<T>(
        &self,
        _: Permit<ReadMailbox>,
        (peer, token, proof): (Option<Peer>, Option<[u8; 16]>, &Proof),
        written: impl FnOnce(Vec<MessageObject>, LargePlace) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Proven { id, row, inner } = self.prove(peer, token, proof).await?;
        if today().milliseconds() < row.release {
            return written(Vec::new(), None);
        }
        let size = self.0.store.letters_size(id).await.map_err(broken)?;
        let place = match size {
            0..=SMALL => None,
            _ => self.0.large.place().await?,
        };
        let letters = self.0.store.letters(id).await.map_err(broken)?;
        let Some(inner) = inner else {
            return written(letters.into_iter().map(as_left).collect(), place);
        };
        let key = MailboxKey { modulus: row.modulus, wrapped: inner.to_vec() };
        let (length, budget) = (key.modulus.len(), self.budget());
        let blocks: Vec<_> = letters.iter().map(|letter| blocks(letter, length)).collect();
        let opened = self.open(&key, blocks.iter().flatten().cloned().collect()).await?;
        let limits = self.limits();
        let messages = apart(move || {
            let mut opened = opened.into_iter();
            let mut left = budget;
            let decrypt = |(letter, blocks): (LetterRow, Vec<Letter>)| {
                let pieces: Vec<_> = opened.by_ref().take(blocks.len()).collect();
                let limits = Limits { bytes: limits.bytes.min(left), ..limits };
                let object = decrypted(letter, (&pieces, length), limits);
                left = left.saturating_sub(object.message_data.len());
                object
            };
            letters.into_iter().zip(blocks).map(decrypt).collect()
        });
        written(messages.await?, place)
    }

    /// How many bytes one answer may come to, besides what is left as it was.
    fn budget(&self) -> usize {
        let all = usize::try_from(self.0.config.key_bytes).unwrap_or(usize::MAX);
        all.max(self.0.config.message_bytes)
    }

    /// What the token finds in the blocks.
    async fn open(&self, key: &MailboxKey, all: Vec<Letter>) -> Result<Vec<SecretBytes>, Fault> {
        let mut opened = Vec::with_capacity(all.len());
        for some in all.chunks(AT_ONCE) {
            opened.extend(self.0.system.open_letters(key.clone(), some.to_vec()).await?);
        }
        Ok(opened)
    }
}

/// The blocks that the token has to open; none where they are not as they must be.
fn blocks(letter: &LetterRow, length: usize) -> Vec<Letter> {
    match envelope::block(&letter.encryption_key) {
        Some(block) => vec![Letter::Key(block)],
        None => {
            let blocks = chunks::split(&letter.encryption_key, length).unwrap_or_default();
            blocks.into_iter().map(Letter::Chunk).collect()
        }
    }
}

fn decrypted(
    letter: LetterRow,
    (pieces, length): (&[SecretBytes], usize),
    limits: Limits,
) -> MessageObject {
    match plain(&letter, (pieces, length), limits) {
        Ok((message_data, is_file)) => MessageObject {
            encryption_key: None,
            message_data,
            is_file,
            ..as_left(LetterRow { message: String::new(), ..letter })
        },
        Err(_) => as_left(letter),
    }
}

/// What is in a message, files as a ZIP in base64, and whether it is files.
fn plain(
    letter: &LetterRow,
    (pieces, length): (&[SecretBytes], usize),
    limits: Limits,
) -> Result<(Zeroizing<String>, bool), FormatError> {
    if envelope::block(&letter.encryption_key).is_some() {
        let secret = pieces.first().ok_or(FormatError::Unopened)?.expose();
        return [letter.is_file, !letter.is_file]
            .into_iter()
            .find_map(|is_file| of_ours(letter, is_file, secret, limits))
            .ok_or(FormatError::Unopened);
    }
    let pieces: Vec<_> =
        pieces.iter().map(|piece| Zeroizing::new(piece.expose().to_vec())).collect();
    let passphrase = chunks::join(&pieces, length)?;
    match message::open(&letter.message, &passphrase, limits)? {
        Content::Files(files) => Ok((base64(&zip::pack(&files)?), true)),
        Content::Text(text) => Ok((text, false)),
    }
}

/// A message in our own form, of this kind.
fn of_ours(
    letter: &LetterRow,
    is_file: bool,
    secret: &[u8],
    limits: Limits,
) -> Option<(Zeroizing<String>, bool)> {
    let plain = envelope::open(&letter.message, Kind::of(is_file), secret).ok()?;
    match is_file {
        true => {
            // Whoever reads it finds no bomb in it.
            zip::unpack(&plain, Limits { ratio: usize::MAX, ..limits }).ok()?;
            Some((base64(&plain), true))
        }
        false if plain.len() > limits.bytes => None,
        false => {
            let text = std::str::from_utf8(&plain).ok()?;
            Some((Zeroizing::new(text.to_owned()), false))
        }
    }
}

fn as_left(letter: LetterRow) -> MessageObject {
    MessageObject {
        message_id: letter.id,
        encryption_key: Some(letter.encryption_key),
        message_data: Zeroizing::new(letter.message),
        created: Date::from_milliseconds(letter.created),
        message_hash: letter.hash,
        is_file: letter.is_file,
        temporary_download_id: None,
    }
}

/// So many blocks go to the token at once.
const AT_ONCE: usize = 32;
/// Answers of so many bytes need no place.
const SMALL: u64 = 64 << 10;
