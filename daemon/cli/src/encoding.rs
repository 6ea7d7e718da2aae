//! Values of the command line and of the wire: key ids, base64, labels, scopes.

use std::str::FromStr;

use base64ct::{Base64, Base64Unpadded, Encoding};

/// A key id: 16 bytes as 32 hex digits. Taken in any case, always sent in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Kid(String);

impl Kid {
    /// The 32 lower-case hex digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() != KID_DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("a key id is {KID_DIGITS} hex digits"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// A raw public key. Parsed from base64 of either alphabet, padded or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Standard base64 with padding, as the API wants it.
    pub(crate) fn to_wire(&self) -> String {
        Base64::encode_string(&self.0)
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let raw = decode(text)?;
        if raw.is_empty() {
            return Err("the public key is empty".into());
        }
        Ok(Self(raw))
    }
}

/// Bytes of a base64 text in the standard or the URL-safe alphabet, padding optional.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let bare = text.trim().trim_end_matches('=');
    let standard: String = bare.chars().map(to_standard_alphabet).collect();
    Base64Unpadded::decode_vec(&standard)
        .map_err(|_| "not base64: letters, digits, + and / (or - and _), then = at the end".into())
}

/// Standard base64 with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The text of a base64 description, if it is printable.
pub(crate) fn printable(descr: &str) -> Option<String> {
    let text = String::from_utf8(decode(descr).ok()?).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

/// A label of a key: 1 to 32 printable ASCII characters.
pub(crate) fn label(text: &str) -> Result<String, String> {
    let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if text.is_empty() || text.len() > LABEL_MAX || !printable {
        return Err(format!("a label is 1 to {LABEL_MAX} printable ASCII characters"));
    }
    Ok(text.to_owned())
}

/// A description of a key, at most 128 bytes.
pub(crate) fn description(text: &str) -> Result<String, String> {
    if text.len() > DESCR_MAX {
        return Err(format!("a description is at most {DESCR_MAX} bytes, this is {}", text.len()));
    }
    Ok(text.to_owned())
}

/// The name of a key type or hash, in the upper case the API spells them.
pub(crate) fn algorithm(text: &str) -> Result<String, String> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || !text.bytes().all(name) {
        return Err("a name of letters, digits and -, such as SECP256R1 or SHA2-256".into());
    }
    Ok(text.to_ascii_uppercase())
}

/// One scope or several with a space between: printable ASCII, at most 1023 characters in all. The
/// key id of a `keymgmt:use:` scope is put in lower case, as the daemon compares it byte by byte.
pub(crate) fn scope(text: &str) -> Result<String, String> {
    let good = |scope: &str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
    if text.len() > SCOPE_MAX || !text.split(' ').all(good) {
        return Err(format!("scopes have one space between, {SCOPE_MAX} characters in all"));
    }
    let scopes: Result<Vec<_>, _> = text.split(' ').map(one_scope).collect();
    scopes.map(|scopes| scopes.join(" "))
}

fn one_scope(text: &str) -> Result<String, String> {
    let Some(kid) = text.strip_prefix(USE) else { return Ok(text.to_owned()) };
    Ok(format!("{USE}{}", Kid::from_str(kid)?.as_str()))
}

fn to_standard_alphabet(letter: char) -> char {
    match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    }
}

/// The scope that allows every operation with one key, before the key id.
pub(crate) const USE: &str = "keymgmt:use:";
const KID_DIGITS: usize = 32;
const LABEL_MAX: usize = 32;
const DESCR_MAX: usize = 128;
const SCOPE_MAX: usize = 1023;

#[cfg(test)]
mod tests {
    use super::{Kid, PublicKey, decode, label, printable, scope};

    #[test]
    fn key_ids_take_any_case() {
        let kid: Kid = "B40EBEC2e14056459f6b480063c8FE65".parse().unwrap();
        assert_eq!(kid.as_str(), "b40ebec2e14056459f6b480063c8fe65");
        for bad in ["", "b40ebec2", &"g".repeat(32), &"a".repeat(33)] {
            assert!(bad.parse::<Kid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn base64_takes_both_alphabets_with_and_without_padding() {
        for text in ["+/+/AQ==", "-_-_AQ==", "+/+/AQ", "-_-_AQ", " -_-_AQ\n"] {
            assert_eq!(decode(text).unwrap(), [0xfb, 0xff, 0xbf, 0x01], "{text}");
        }
        for bad in ["A", "A*==", "AB\u{e9}", "AQ==AQ=="] {
            assert!(decode(bad).is_err(), "{bad}");
        }
        assert_eq!("-_-_AQ".parse::<PublicKey>().unwrap().to_wire(), "+/+/AQ==");
        assert!("".parse::<PublicKey>().is_err());
    }

    #[test]
    fn descriptions_are_decoded_only_when_printable() {
        assert_eq!(printable("Y2Fmw6k=").as_deref(), Some("caf\u{e9}"));
        assert_eq!(printable("G1szMW0="), None, "an escape sequence");
        assert_eq!(printable("/w=="), None, "not UTF-8");
    }

    #[test]
    fn labels_and_scopes_have_limits() {
        assert!(label("web server 1").is_ok() && label(&"x".repeat(32)).is_ok());
        assert!(label("").is_err() && label(&"x".repeat(33)).is_err() && label("\u{e9}").is_err());
        assert_eq!(scope("keymgmt:gen").unwrap(), "keymgmt:gen");
        let use_scope = scope(&format!("keymgmt:use:{}", "AB".repeat(16))).unwrap();
        assert_eq!(use_scope, format!("keymgmt:use:{}", "ab".repeat(16)));
        assert_eq!(scope(&format!("pqc:aes {use_scope}")).unwrap(), format!("pqc:aes {use_scope}"));
        for bad in ["keymgmt:use:12", "", " a", "a ", "a  b", "a keymgmt:use:12", "a\tb"] {
            assert!(scope(bad).is_err(), "{bad:?}");
        }
    }
}
