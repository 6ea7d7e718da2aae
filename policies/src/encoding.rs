//! Base64 as the HEM API takes and gives it.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Decodes base64 in the standard or the URL-safe alphabet, padded or not (hem.md A1), in constant
/// time for its length. `None` where it is neither.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let trimmed = text.trim_end_matches('=');
    let padding = text.len() - trimmed.len();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let url_safe: String = trimmed
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    Base64UrlUnpadded::decode_vec(&url_safe).ok()
}

/// Encodes as standard, padded base64 without line breaks.
pub fn encode_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_both_alphabets_and_either_padding() {
        for text in ["+/8=", "-_8=", "-_8", "+/8"] {
            assert_eq!(decode_base64(text).as_deref(), Some(&[0xfb, 0xff][..]), "{text}");
        }
        assert_eq!(decode_base64("").as_deref(), Some(&[][..]));
        for bad in ["=", "A", "AA=", "AAA==", "AAAA====", "AA A", "AA\n", "A*==", "AB=="] {
            assert_eq!(decode_base64(bad), None, "{bad}");
        }
    }
}
