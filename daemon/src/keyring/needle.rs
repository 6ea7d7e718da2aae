//! What a search looks for.

use policies::decode_base64;

/// A pattern over descriptions: `^<b64>` is their beginning, `<b64>$` their end, `^<b64>$` all of
/// them, bare base64 anything in between, compared over the decoded bytes (hem.md A9, search
/// pattern).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Needle {
    anchor: Anchor,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Anchor {
    Both,
    End,
    Nowhere,
    Start,
}

impl Needle {
    /// Takes `text` as a pattern.
    ///
    /// # Errors
    /// [`BadNeedle`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadNeedle> {
        let (starts, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
        let (ends, encoded) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        let anchor = match (starts, ends) {
            (true, true) => Anchor::Both,
            (true, false) => Anchor::Start,
            (false, true) => Anchor::End,
            (false, false) => Anchor::Nowhere,
        };
        let bytes = decode_base64(encoded).ok_or(BadNeedle::Malformed)?;
        match bytes.len() {
            0 => Err(BadNeedle::Malformed),
            1..=LONGEST => Ok(Self { anchor, bytes }),
            _ => Err(BadNeedle::TooLong),
        }
    }

    /// Whether a search for it may be opened to callers without a token: it names the beginning of
    /// a description, at least six bytes of it.
    pub fn is_open_to_anyone(&self) -> bool {
        matches!(self.anchor, Anchor::Both | Anchor::Start) && self.bytes.len() >= SHORTEST_OPEN
    }

    /// Whether a description fits.
    pub(super) fn fits(&self, descr: &[u8]) -> bool {
        match self.anchor {
            Anchor::Both => descr == self.bytes,
            Anchor::End => descr.ends_with(&self.bytes),
            Anchor::Nowhere => descr.windows(self.bytes.len()).any(|part| part == self.bytes),
            Anchor::Start => descr.starts_with(&self.bytes),
        }
    }
}

/// Not a pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadNeedle {
    /// Not base64, or nothing.
    #[error("a search pattern is base64 of at least one byte, with ^ before it or $ after it")]
    Malformed,
    /// More than 64 bytes.
    #[error("a search pattern has at most {LONGEST} bytes")]
    TooLong,
}

const LONGEST: usize = 64;
const SHORTEST_OPEN: usize = 6;

#[cfg(test)]
mod tests {
    use policies::encode_base64;

    use super::*;

    fn needle(before: &str, bytes: &[u8], after: &str) -> Needle {
        Needle::parse(&format!("{before}{}{after}", encode_base64(bytes))).unwrap()
    }

    #[test]
    fn anchors_hold() {
        let descr = b"CCTEST:T-10.1_SHA";
        for (fits, needle) in [
            (true, needle("^", b"CCTEST", "")),
            (false, needle("^", b"TEST", "")),
            (true, needle("^", descr, "")),
            (false, needle("^", b"CCTEST:T-10.1_SHA2", "")),
            (true, needle("^", descr, "$")),
            (false, needle("^", b"CCTEST", "$")),
            (true, needle("", b"_SHA", "$")),
            (false, needle("", b"_SH", "$")),
            (true, needle("", b"T-10", "")),
            (true, needle("", b"C", "")),
            (false, needle("", b"T-11", "")),
            (false, needle("", b"CCTEST:T-10.1_SHA2", "")),
        ] {
            assert_eq!(needle.fits(descr), fits, "{needle:?}");
        }
        assert!(!needle("", b"x", "").fits(b""));
    }

    #[test]
    fn only_long_beginnings_are_open() {
        assert!(needle("^", b"EXTAID", "").is_open_to_anyone());
        assert!(needle("^", b"EXTAID", "$").is_open_to_anyone());
        assert!(!needle("^", b"EXTAI", "").is_open_to_anyone());
        assert!(!needle("", b"EXTAID", "").is_open_to_anyone());
        assert!(!needle("", b"EXTAID", "$").is_open_to_anyone());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "^", "$", "^$", "a b", "^QUJD$$", "^^QUJD", "QUJD$$", "*"] {
            assert_eq!(Needle::parse(bad), Err(BadNeedle::Malformed), "{bad}");
        }
        assert_eq!(needle("^", &[7; 64], "").bytes.len(), 64);
        assert_eq!(Needle::parse(&encode_base64(&[7; 65])), Err(BadNeedle::TooLong));
        assert_eq!(Needle::parse("^QUI").unwrap(), Needle::parse("^QUI=").unwrap());
    }
}
