//! One line of the log: seven fields between `|`, the last one a tag (HEM, A13).

use std::fmt::Write;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The HMAC key of a file, ready to tag lines: cloning the keyed state saves
/// two of the four hash blocks an entry would cost.
#[derive(Clone)]
pub(crate) struct FileKey(Hmac<Sha256>);

impl FileKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros (RFC 2104), so this is the same key.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self(Hmac::new((&*block).into()))
    }

    /// The first 16 bytes of HMAC-SHA256 over `text`, as base64url.
    pub(crate) fn tag(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Base64UrlUnpadded::encode_string(&full[..16])
    }

    /// Whether `record` carries the right tag.
    pub(crate) fn made(&self, record: &Record<'_>) -> bool {
        self.tag(record.tagged).as_bytes().ct_eq(record.tag.as_bytes()).into()
    }
}

/// Fields 1 to 4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) time: u32,
    pub(crate) kind: u8,
    pub(crate) result: u8,
}

/// Adds one whole line to `text`; the closures write fields 5 and 6.
pub(crate) fn push_record(
    text: &mut String,
    key: &FileKey,
    head: Head,
    subject: impl FnOnce(&mut String),
    ext: impl FnOnce(&mut String),
) {
    let start = text.len();
    let Head { sequence, time, kind, result } = head;
    // Writing to a String can't fail.
    let _ = write!(text, "{sequence:x}|{time:x}|{kind:x}|{result}|");
    subject(text);
    text.push('|');
    ext(text);
    text.push('|');
    let tag = key.tag(text.get(start..).unwrap_or_default());
    text.push_str(&tag);
    text.push_str(LINE_END);
}

/// A line that was read, its seven fields apart.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) head: Head,
    pub(crate) subject: &'a str,
    pub(crate) ext: &'a str,
    pub(crate) tag: &'a str,
    /// What the tag covers: everything up to and including the last `|`.
    pub(crate) tagged: &'a str,
}

/// What a line turned out to be.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// Starts with `#` and does not have seven fields: not covered by any tag.
    Comment,
    Record(Record<'a>),
}

impl<'a> Line<'a> {
    /// Reads one line without its line end.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(crate) fn parse(line: &'a str) -> Result<Self, &'static str> {
        let mut fields = line.split('|');
        let mut next = || fields.next();
        let (
            Some(sequence),
            Some(time),
            Some(kind),
            Some(result),
            Some(subject),
            Some(ext),
            Some(tag),
        ) = (next(), next(), next(), next(), next(), next(), next())
        else {
            return not_seven(line);
        };
        if next().is_some() {
            return not_seven(line);
        }
        let head = Head {
            sequence: hex(sequence).ok_or("field 1 is not a hexadecimal sequence number")?,
            time: narrow(hex(time)).ok_or("field 2 is not a hexadecimal Unix time of 32 bits")?,
            kind: narrow(hex(kind)).ok_or("field 3 is not a hexadecimal type of 8 bits")?,
            result: decimal(result).ok_or("field 4 is not a decimal result")?,
        };
        let tagged = line.get(..line.len() - tag.len()).unwrap_or_default();
        Ok(Self::Record(Record { head, subject, ext, tag, tagged }))
    }
}

impl Record<'_> {
    /// Type 0 with result 0 is always a key record (HEM, A13).
    pub(crate) fn is_key_init(&self) -> bool {
        self.head.kind == 0 && self.head.result == 0
    }
}

fn not_seven(line: &str) -> Result<Line<'_>, &'static str> {
    if line.starts_with('#') {
        Ok(Line::Comment)
    } else {
        Err("it does not have seven fields and is not a comment")
    }
}

/// Digits only: the parser of the standard library would let a sign through.
fn hex(field: &str) -> Option<u64> {
    let digits = field.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u64::from_str_radix(field, 16).ok() } else { None }
}

fn decimal(field: &str) -> Option<u8> {
    let digits = field.bytes().all(|byte| byte.is_ascii_digit());
    if digits { field.parse().ok() } else { None }
}

fn narrow<T: TryFrom<u64>>(wide: Option<u64>) -> Option<T> {
    T::try_from(wide?).ok()
}

/// As the device ends its lines.
pub(crate) const LINE_END: &str = "\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let key = FileKey::new(&[7; 32]);
        let head = Head { sequence: 0x1f, time: 0x6231_0ba5, kind: 0x26, result: 2 };
        let mut text = "before\r\n".to_owned();
        push_record(&mut text, &key, head, |t| t.push('U'), |t| t.push_str("NQsxYg"));
        let line = text.lines().nth(1).unwrap();
        assert!(line.starts_with("1f|62310ba5|26|2|U|NQsxYg|"));
        let Ok(Line::Record(record)) = Line::parse(line) else { panic!("{line}") };
        assert_eq!((record.head, record.subject, record.ext), (head, "U", "NQsxYg"));
        assert!(key.made(&record));
        assert!(!FileKey::new(&[8; 32]).made(&record));
    }

    #[test]
    fn only_a_hash_makes_a_comment() {
        assert!(matches!(Line::parse("# a|b"), Ok(Line::Comment)));
        for bad in ["", "a|b", "0|1|2|0|||t|x", "#|1|2|0|||t", "+1|1|2|0|||t", "1||2|0|||t"] {
            assert!(Line::parse(bad).is_err(), "{bad}");
        }
    }
}
