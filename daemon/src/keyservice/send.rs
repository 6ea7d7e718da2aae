//! Messages are left: encrypted here to the public half of a key, or by who leaves them.

use policies::{Permit, SendMessage};
use zeroize::Zeroizing;

use super::format::envelope::{self, Kind};
use super::format::public_key::PublicKey;
use super::format::zip::{self, File};
use super::format::{FormatError, text};
use super::proof::unknown;
use super::{KeyService, apart, broken, origin, today};
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::store::LetterRow;

/// What somebody leaves.
pub enum Parcel {
    /// To be encrypted here: a text, files, or both. Each becomes a message.
    Plain {
        /// The text.
        text: Option<Zeroizing<String>>,
        /// The files.
        files: Vec<File>,
    },
    /// Encrypted already.
    Sealed {
        /// The message.
        message: String,
        /// The key that opens it, for the holder of the private half.
        key: String,
        /// Whether it holds a file.
        is_file: bool,
    },
}

impl KeyService {
    /// Leaves messages for the key of this name: all of them or none.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where there is no such key, something is not in its form, too long, or more
    /// than the key takes. [`Fault::Throttled`]. [`Fault::Conflict`] where the state file fails.
    pub async fn send(
        &self,
        _: Permit<SendMessage>,
        (peer, token): (Option<Peer>, Option<[u8; 16]>),
        parcel: Parcel,
    ) -> Result<(), Fault> {
        self.0.sendings.take(origin(peer))?;
        let Some((id, row)) = self.find(token).await? else { return Err(unknown()) };
        let public = PublicKey::new(&row.modulus, &row.exponent).map_err(|_| Fault::Internal)?;
        let longest = self.limits().bytes;
        let created = today().milliseconds();
        let letters = apart(move || written(parcel, &public, longest)).await??;
        let letters: Vec<_> =
            letters.into_iter().map(|letter| LetterRow { created, ..letter }).collect();
        match self.0.store.add_letters(id, &letters, self.room()).await.map_err(broken)? {
            true => Ok(()),
            false => Err(FULL.into()),
        }
    }
}

/// The messages of a parcel, as they are stored.
fn written(
    parcel: Parcel,
    public: &PublicKey,
    longest: usize,
) -> Result<Vec<LetterRow>, FormatError> {
    match parcel {
        Parcel::Plain { text, files } => {
            let said = text.iter().map(|text| text.len());
            let all = said.chain(files.iter().map(|file| file.content.len()));
            if all.fold(0, usize::saturating_add) > longest {
                return Err(TOO_LONG);
            }
            let text = text.map(|text| sealed(text.as_bytes(), Kind::Text, public));
            let files = files
                .into_iter()
                .map(|file| sealed(&zip::pack(std::slice::from_ref(&file))?, Kind::File, public));
            text.into_iter().chain(files).collect()
        }
        Parcel::Sealed { message, key, is_file } => {
            judge(&key, public.length())?;
            Ok(vec![letter(key, message, is_file)])
        }
    }
}

fn sealed(plain: &[u8], kind: Kind, public: &PublicKey) -> Result<LetterRow, FormatError> {
    let sealed = envelope::seal(plain, kind, public)?;
    Ok(letter(sealed.encryption_key, sealed.message_data, kind == Kind::File))
}

fn letter(encryption_key: String, message: String, is_file: bool) -> LetterRow {
    let hash = text::hash(&message);
    LetterRow { id: 0, encryption_key, message, hash, is_file, created: 0 }
}

/// Whether a message in our own form is to this key. What is in another form is its sender's: it is
/// kept as it came.
fn judge(key: &str, length: usize) -> Result<(), FormatError> {
    match envelope::block(key) {
        Some(block) if block.len() != length => Err(OTHER_KEY),
        Some(_) | None => Ok(()),
    }
}

const FULL: FormatError = FormatError::Malformed(
    "this key has no room for this message: its owner has to read and delete, or it is too long",
);
const OTHER_KEY: FormatError = FormatError::Malformed("encryptionkey is not as long as the key");
const TOO_LONG: FormatError =
    FormatError::Malformed("the message is longer than this service takes: send it in parts");
