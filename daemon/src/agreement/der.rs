//! As much of DER (X.690) as public keys and certificates are written in.

/// Takes values off the front of a text. Nothing but DER is read: lengths in their shortest form,
/// numbers without needless zeros.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// What `text` has.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The content of the next value, which has this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match (first, rest) {
            (length @ ..=0x7f, rest) => (usize::from(*length), rest),
            (0x81, [length @ 0x80..=0xff, rest @ ..]) => (usize::from(*length), rest),
            (0x82, [high @ 1..=0xff, low, rest @ ..]) => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        (*found == tag).then(|| self.0 = rest)?;
        Some(content)
    }

    /// The next value, which is a sequence.
    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// The next value, which is a positive number: big-endian, without zeros in front.
    pub(crate) fn number(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0, number @ ..] if number.first().is_some_and(|first| *first >= 0x80) => Some(number),
            number if number.first().is_some_and(|first| (1..0x80).contains(first)) => Some(number),
            _ => None,
        }
    }

    /// Nothing, if nothing is left.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A value of this tag.
pub(crate) fn value(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let head = match length {
        ..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Some([head.as_slice(), content].concat())
}

/// A positive number, which may have zeros in front.
pub(crate) fn number(number: &[u8]) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(zeros..)?;
    let sign: &[u8] = if significant.first()? & 0x80 == 0 { &[] } else { &[0] };
    value(INTEGER, &[sign, significant].concat())
}

pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1234] {
            let written = value(SEQUENCE, &vec![7; length]).unwrap();
            let mut reader = Reader::new(&written);
            assert_eq!(reader.take(SEQUENCE).unwrap().len(), length);
            reader.end().unwrap();
            assert!(Reader::new(&written).take(INTEGER).is_none());
            assert!(Reader::new(&written[..written.len() - 1]).take(SEQUENCE).is_none());
        }
        for (given, read) in [(&[0, 0, 5][..], &[5][..]), (&[0x80], &[0x80]), (&[1, 0], &[1, 0])] {
            assert_eq!(Reader::new(&number(given).unwrap()).number(), Some(read));
        }
        assert_eq!(number(&[0, 0]), None);
    }

    #[test]
    fn what_is_no_der_is_not_read() {
        for head in
            [&[0x30, 0x80][..], &[0x30, 0x81, 0x7f], &[0x30, 0x82, 0, 0x80], &[0x30, 0x83, 0, 1, 0]]
        {
            let bad = [head, &[0; 300]].concat();
            assert!(Reader::new(&bad).take(SEQUENCE).is_none(), "{head:?}");
        }
        for short in [&[][..], &[0x30], &[0x30, 0x81], &[0x30, 0x82, 1]] {
            assert!(Reader::new(short).take(SEQUENCE).is_none(), "{short:?}");
        }
        for bad in [&[2, 0][..], &[2, 1, 0], &[2, 2, 0, 5], &[2, 1, 0x80], &[2, 2, 0xff, 1]] {
            assert!(Reader::new(bad).number().is_none(), "{bad:?}");
        }
    }
}
