//! Messages in the profile `cryptabyte1`: a text is compressed by gzip, files are a ZIP in base64;
//! either is a [`text`] under a passphrase that is random, and that goes to the
//! recipient in [`chunks`](super::chunks).
//!
//! The original knows no other letters than those of Latin-1: each is one byte before the gzip, and
//! each byte of the gzip is one letter of the text that is encrypted.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::zip::{self, File};
use super::{FormatError, Limits, gzip, text};

/// What a message says.
pub enum Content {
    /// Files.
    Files(Vec<File>),
    /// A text.
    Text(Zeroizing<String>),
}

/// A message that only its passphrase opens.
pub struct Sealed {
    /// What is encrypted: base64.
    pub message: String,
    /// The hash of what was encrypted, 64 hexadecimal digits.
    pub hash: String,
    /// Whether it holds files.
    pub is_file: bool,
    /// The passphrase: base64 of 128 random bytes.
    pub passphrase: Zeroizing<String>,
}

/// Seals `content` under a passphrase of its own.
///
/// # Errors
/// [`FormatError::Malformed`] where a text has other letters than those of Latin-1, or a file can't
/// be named in a ZIP. [`FormatError::Internal`].
pub fn seal(content: &Content) -> Result<Sealed, FormatError> {
    let inside = match content {
        Content::Files(files) => base64(&zip::pack(files)?),
        Content::Text(text) => from_latin1(&gzip::pack(&latin1(text)?)?),
    };
    let passphrase = passphrase()?;
    Ok(Sealed {
        message: text::seal(&inside, &passphrase)?,
        hash: text::hash(&inside),
        is_file: matches!(content, Content::Files(_)),
        passphrase,
    })
}

/// Opens what was sealed, here or by a client of the original.
///
/// # Errors
/// [`FormatError::Unopened`], [`FormatError::TooLarge`], and [`FormatError::Malformed`] where it is
/// neither a gzip nor a ZIP in base64.
pub fn open(message: &str, passphrase: &str, limits: Limits) -> Result<Content, FormatError> {
    let inside = text::open(message, passphrase)?;
    if inside.starts_with("\u{1f}\u{8b}") {
        let packed = latin1(&inside)?;
        return Ok(Content::Text(from_latin1(&gzip::unpack(&packed, limits)?)));
    }
    let packed = Base64::decode_vec(&inside).map(Zeroizing::new).map_err(|_| NEITHER)?;
    zip::unpack(&packed, limits).map(Content::Files)
}

/// Base64 of 128 random bytes.
///
/// # Errors
/// [`FormatError::Internal`] where there is no randomness.
pub fn passphrase() -> Result<Zeroizing<String>, FormatError> {
    let mut bytes = Zeroizing::new([0; 128]);
    getrandom::fill(&mut *bytes).map_err(|_| FormatError::Internal)?;
    Ok(base64(&*bytes))
}

/// Base64 of a secret.
pub fn base64(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(bytes))
}

fn latin1(text: &str) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for letter in text.chars() {
        bytes.push(u8::try_from(letter).map_err(|_| NOT_LATIN1)?);
    }
    Ok(bytes)
}

fn from_latin1(bytes: &[u8]) -> Zeroizing<String> {
    // No such letter takes more than two bytes in UTF-8.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    text.extend(bytes.iter().copied().map(char::from));
    text
}

const NEITHER: FormatError =
    FormatError::Malformed("what is encrypted is neither a gzip nor a ZIP");
const NOT_LATIN1: FormatError =
    FormatError::Malformed("this format has no other letters than those of Latin-1");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::vectors;

    #[test]
    fn the_vector_opens() {
        let vectors = vectors();
        let text = |name: &str| vectors[name].as_str().unwrap();
        let content = open(text("msg_enc"), text("msg_key_plain"), Limits::default()).unwrap();
        let Content::Text(said) = content else { panic!("files") };
        assert_eq!(said.as_str(), "secret message \u{e9} \"");
        let inside = text::open(text("msg_enc"), text("msg_key_plain")).unwrap();
        assert_eq!(text::hash(&inside), text("msg_hash"));
        let packed = base16ct::lower::decode_vec(text("gz")).unwrap();
        assert_eq!(latin1(&inside).unwrap().as_slice(), packed);
        assert_eq!(
            text::seal(&from_latin1(&packed), text("msg_key_plain")).unwrap(),
            text("msg_enc")
        );
    }

    #[test]
    fn messages_come_back() {
        let said = "a text \u{ff}\n".repeat(50);
        let sealed = seal(&Content::Text(Zeroizing::new(said.clone()))).unwrap();
        assert!(!sealed.is_file && sealed.passphrase.len() == 172);
        let Content::Text(text) =
            open(&sealed.message, &sealed.passphrase, Limits::default()).unwrap()
        else {
            panic!("files")
        };
        assert_eq!(*text, said);

        let content = Zeroizing::new(vec![0, 1, 255]);
        let sealed = seal(&Content::Files(vec![File { name: "a.bin".into(), content }])).unwrap();
        assert!(sealed.is_file);
        let Content::Files(files) =
            open(&sealed.message, &sealed.passphrase, Limits::default()).unwrap()
        else {
            panic!("a text")
        };
        assert_eq!(
            (files[0].name.as_str(), files[0].content.as_slice()),
            ("a.bin", &[0, 1, 255][..])
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        let other = text::seal("neither", "p").unwrap();
        assert!(matches!(open(&other, "p", Limits::default()), Err(FormatError::Malformed(_))));
        let greek = Content::Text(Zeroizing::new("\u{3b1}".into()));
        assert_eq!(seal(&greek).map(|_| ()).unwrap_err(), NOT_LATIN1);
    }
}
