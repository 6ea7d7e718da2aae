//! Fields 5 and 6 of a line: who, and what it was about.
//!
//! Whatever a caller can choose is base64url encoded, so no newline, separator
//! or control character of theirs gets into a line.

use base64ct::{Base64UrlUnpadded, Encoding};

/// Who did it: field 5 (HEM, A13).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Subject {
    /// Nobody in particular, or not known yet: an empty field.
    #[default]
    None,
    /// The user: `U`.
    User,
    /// The master: `M`.
    Master,
    /// An external authenticator by its 16-byte KID: base64url, 22 characters.
    Key([u8; 16]),
}

impl Subject {
    pub(crate) fn push_to(&self, line: &mut String) {
        match self {
            Self::None => {}
            Self::User => line.push('U'),
            Self::Master => line.push('M'),
            Self::Key(kid) => push_base64url(line, kid),
        }
    }
}

/// What it was about: field 6 (HEM, A13), empty or base64url without padding.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Ext {
    /// Nothing to add: an empty field.
    #[default]
    None,
    /// A key: its 16 bytes.
    Kid([u8; 16]),
    /// A Unix time in seconds: 4 bytes, little endian.
    Time(u32),
    /// A log file: its id as 8 lower-case hex digits in ASCII.
    File(u32),
    /// Free text such as a scope: its UTF-8 bytes, cut to at most 1024.
    Text(String),
}

impl Ext {
    pub(crate) fn push_to(&self, line: &mut String) {
        match self {
            Self::None => {}
            Self::Kid(kid) => push_base64url(line, kid),
            Self::Time(seconds) => push_base64url(line, &seconds.to_le_bytes()),
            Self::File(id) => push_base64url(line, format!("{id:08x}").as_bytes()),
            Self::Text(text) => push_base64url(line, cut(text).as_bytes()),
        }
    }
}

/// What field 6 of a type holds, for showing it to people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExtForm {
    Kid,
    /// No documented form.
    Raw,
    Text,
    Time,
}

impl ExtForm {
    /// Field 6 in words: a KID and undocumented bytes as hex, a time as RFC 3339,
    /// text with its control characters escaped. What does not fit stays as it is.
    pub(crate) fn describe(self, field: &str) -> String {
        let Ok(bytes) = Base64UrlUnpadded::decode_vec(field) else {
            return field.escape_debug().to_string();
        };
        match self {
            Self::Time => match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(le) => crate::rfc3339(u32::from_le_bytes(le)),
                Err(_) => hex(&bytes),
            },
            Self::Text => match std::str::from_utf8(&bytes) {
                Ok(text) => text.escape_debug().to_string(),
                Err(_) => hex(&bytes),
            },
            Self::Kid | Self::Raw => hex(&bytes),
        }
    }
}

/// Field 5 in words: `user`, `master`, a KID in hex, or nothing.
pub(crate) fn describe_subject(field: &str) -> String {
    match field {
        "U" => "user".to_owned(),
        "M" => "master".to_owned(),
        other => ExtForm::Kid.describe(other),
    }
}

fn push_base64url(line: &mut String, bytes: &[u8]) {
    line.push_str(&Base64UrlUnpadded::encode_string(bytes));
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_LIMIT)).unwrap_or(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const TEXT_LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ext: &Ext) -> String {
        let mut line = String::new();
        ext.push_to(&mut line);
        line
    }

    #[test]
    fn a_time_is_little_endian_as_in_the_vendors_sample() {
        assert_eq!(written(&Ext::Time(0x6231_0b35)), "NQsxYg");
        assert_eq!(ExtForm::Time.describe("NQsxYg"), "2022-03-15T21:55:01Z");
    }

    #[test]
    fn a_file_is_its_id_in_ascii_hex() {
        let field = written(&Ext::File(0x0a31_0b2b));
        assert_eq!(Base64UrlUnpadded::decode_vec(&field).unwrap(), b"0a310b2b");
    }

    #[test]
    fn text_is_cut_and_can_not_break_a_line() {
        let field = written(&Ext::Text(format!("|\r\n{}", "é".repeat(2000))));
        assert!(field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let text = Base64UrlUnpadded::decode_vec(&field).unwrap();
        assert!((1020..=1024).contains(&text.len()));
        assert!(String::from_utf8(text).unwrap().starts_with("|\r\né"));
        assert!(ExtForm::Text.describe(&field).starts_with(r"|\r\né"));
    }
}
