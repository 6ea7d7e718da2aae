//! What is looked for, in every spelling that a program might give it.

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};

/// What every canary in a request begins with; its name and a full stop follow.
pub(crate) const MARK: &str = "c4naRy-";

/// A text that is a canary of this name.
pub(crate) fn canary(name: &str) -> String {
    format!("{MARK}{name}.")
}

/// Something secret, and the files where it may be.
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) belongs: &'static [&'static str],
}

impl Secret {
    /// Something that may be nowhere.
    pub(crate) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), belongs: &[] }
    }

    /// Something that these files may have.
    pub(crate) fn within(self, belongs: &'static [&'static str]) -> Self {
        Self { belongs, ..self }
    }
}

/// The spellings of `bytes`, which must be long enough not to be found by chance: as they are, in hex, in
/// base64 wherever it begins, and as a list of numbers. Bytes stand as the characters of the same number.
pub(crate) fn spellings(bytes: &[u8]) -> Vec<String> {
    assert!(bytes.len() >= MARK.len(), "{} bytes are found anywhere", bytes.len());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<_> = bytes.iter().take(12).map(ToString::to_string).collect();
    let mut all = vec![latin(bytes), hex.to_uppercase(), hex, list.join(", "), list.join(",")];
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        // Characters that say something of the bytes before and after are left out.
        let (start, end) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for text in
            [Base64Unpadded::encode_string(&shifted), Base64UrlUnpadded::encode_string(&shifted)]
        {
            all.push(text[start..end].to_owned());
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Each byte as the character of the same number, so that anything can be searched as a text.
pub(crate) fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[test]
fn every_spelling_is_one_of_the_spellings() {
    let text = canary("x");
    let is_found = |place: &str| spellings(text.as_bytes()).iter().any(|form| place.contains(form));
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "y", "yz"] {
            let whole = format!("{before}{text}{after}");
            assert!(is_found(&whole) && is_found(&format!("{:?}", whole.as_bytes())));
            assert!(is_found(&Base64Unpadded::encode_string(whole.as_bytes())), "{whole}");
            assert!(is_found(&Base64UrlUnpadded::encode_string(whole.as_bytes())), "{whole}");
        }
    }
    assert!(!is_found("c4naRy") && !is_found(""));
}
