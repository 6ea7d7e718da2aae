//! As much DER as public RSA keys need: `SubjectPublicKeyInfo` (RFC 5280) and `RSAPublicKey` (RFC 8017).

/// Modulus and exponent of a `SubjectPublicKeyInfo`, without leading zeros.
pub(super) fn read_info(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, []) = take(der, SEQUENCE)? else { return None };
    let key = info.strip_prefix(RSA_ENCRYPTION)?;
    let (bits, []) = take(key, BIT_STRING)? else { return None };
    let (0, key) = bits.split_first()? else { return None };
    read_key(key)
}

/// Modulus and exponent of an `RSAPublicKey`, without leading zeros.
pub(super) fn read_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (numbers, []) = take(der, SEQUENCE)? else { return None };
    let (modulus, rest) = take(numbers, INTEGER)?;
    let (exponent, []) = take(rest, INTEGER)? else { return None };
    Some((positive(modulus)?, positive(exponent)?))
}

/// A `SubjectPublicKeyInfo` of both, which have no leading zeros.
pub(super) fn write_info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [number(modulus), number(exponent)].concat();
    let key = [vec![0], tagged(SEQUENCE, &numbers)].concat();
    tagged(SEQUENCE, &[RSA_ENCRYPTION, &tagged(BIT_STRING, &key)].concat())
}

/// What has the tag, and what follows it. Lengths must be as short as they can.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        short @ ..=0x7f => (usize::from(*short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    let shortest = der.len() - content.len() - rest.len() == header(content.len());
    (*first == tag && shortest).then_some((content, rest))
}

fn header(length: usize) -> usize {
    match length {
        0..0x80 => 2,
        0x80..0x100 => 3,
        _ => 4,
    }
}

/// A positive number without the zero that keeps it from being a negative one.
fn positive(number: &[u8]) -> Option<&[u8]> {
    let (first, rest) = number.split_first()?;
    match (first, rest.first()) {
        (0, Some(0x80..)) => Some(rest),
        (1..=0x7f, _) => Some(number),
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Vec<u8> {
    let zero: &[u8] = if bytes.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    tagged(INTEGER, &[zero, bytes].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let header: &[u8] = match (header(content.len()), length) {
        (2, [_, low]) => &[tag, low],
        (3, [_, low]) => &[tag, 0x81, low],
        (_, [high, low]) => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}

const BIT_STRING: u8 = 3;
const INTEGER: u8 = 2;
const SEQUENCE: u8 = 0x30;
/// The algorithm identifier of rsaEncryption: its object identifier and NULL.
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
