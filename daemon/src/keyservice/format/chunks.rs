//! `encryptionkey` of the profile `cryptabyte1`: the passphrase of a message for the holder of a private
//! key. Its UTF-32LE is cut into pieces as long as RSA-OAEP with SHA-1 takes; each is encrypted, its
//! bytes turned round, and written in base64, one right after the other; an empty piece is the end.
//!
//! The original leaves the empty piece out where the last one is shorter than the others. That is read
//! too: whatever ends with a full piece was cut off.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::FormatError;
use super::oaep::Oaep;
use super::public_key::PublicKey;

/// `passphrase`, encrypted to `key`.
///
/// # Errors
/// [`FormatError::Internal`] where there is no randomness.
pub fn seal(passphrase: &str, key: &PublicKey) -> Result<String, FormatError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(passphrase.len().saturating_mul(4)));
    plain.extend(passphrase.chars().flat_map(|letter| u32::from(letter).to_le_bytes()));
    let empty: &[u8] = &[];
    let pieces = plain.chunks(Oaep::Sha1.room(key.length())).chain([empty]);
    let sealed = pieces.map(|piece| {
        let mut block = Oaep::Sha1.encrypt(key, piece)?;
        block.reverse();
        Ok(Base64::encode_string(&block))
    });
    sealed.collect()
}

/// The blocks to be decrypted, RSA-OAEP with SHA-1, in their order and as RSA has them: big-endian and
/// `length` bytes, as many as the modulus. At most 32 of them.
///
/// # Errors
/// [`FormatError::Malformed`]
pub fn split(sealed: &str, length: usize) -> Result<Vec<Vec<u8>>, FormatError> {
    let sealed: Vec<u8> = sealed.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digits = length.div_ceil(3).saturating_mul(4);
    if digits == 0 || sealed.is_empty() || sealed.len() / digits > MOST {
        return Err(NOT_SEALED);
    }
    let blocks = sealed.chunks(digits).map(|block| {
        let text = std::str::from_utf8(block).map_err(|_| NOT_SEALED)?;
        let mut block = Base64::decode_vec(text).map_err(|_| NOT_SEALED)?;
        block.reverse();
        if block.len() == length { Ok(block) } else { Err(NOT_SEALED) }
    });
    blocks.collect()
}

/// The passphrase of what the blocks of [`split`] held, in their order.
///
/// # Errors
/// [`FormatError::Unopened`]
pub fn join(
    pieces: &[Zeroizing<Vec<u8>>],
    length: usize,
) -> Result<Zeroizing<String>, FormatError> {
    let full = Oaep::Sha1.room(length);
    let (last, before) = match pieces {
        [before @ .., last, end] if end.is_empty() => (last, before),
        [before @ .., last] if last.len() < full => (last, before),
        _ => return Err(FormatError::Unopened),
    };
    if last.len() > full || before.iter().any(|piece| piece.len() != full) {
        return Err(FormatError::Unopened);
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(full.saturating_mul(pieces.len())));
    pieces.iter().for_each(|piece| plain.extend_from_slice(piece));
    let (letters, []) = plain.as_chunks::<4>() else { return Err(FormatError::Unopened) };
    let mut passphrase = Zeroizing::new(String::with_capacity(plain.len()));
    for letter in letters {
        let letter = char::from_u32(u32::from_le_bytes(*letter));
        passphrase.push(letter.ok_or(FormatError::Unopened)?);
    }
    Ok(passphrase)
}

/// A passphrase of the original has 9 at 1024 bits.
const MOST: usize = 32;
const NOT_SEALED: FormatError = FormatError::Malformed(
    "encryptionkey must be the passphrase in blocks of RSA to the key's public half, in base64",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::oaep::private;
    use crate::keyservice::format::vectors;

    fn open(sealed: &str) -> Result<Zeroizing<String>, FormatError> {
        let blocks = split(sealed, 128)?;
        let pieces = blocks.iter().map(|block| private::open(Oaep::Sha1, block));
        let pieces: Option<Vec<_>> = pieces.collect();
        join(&pieces.ok_or(FormatError::Unopened)?, 128)
    }

    #[test]
    fn the_vector_opens() {
        let vectors = vectors();
        let text = |name: &str| vectors[name].as_str().unwrap();
        assert_eq!(split(text("msg_key"), 128).unwrap().len(), 9);
        assert_eq!(open(text("msg_key")).unwrap().as_str(), text("msg_key_plain"));
    }

    #[test]
    fn what_is_sealed_opens() {
        let key = PublicKey::parse(vectors()["pub"].as_str().unwrap()).unwrap();
        for passphrase in ["", "a", "\u{e4}\u{1f511}", &"x".repeat(172), &"x".repeat(100)] {
            let sealed = seal(passphrase, &key).unwrap();
            assert_eq!(open(&sealed).unwrap().as_str(), passphrase);
            let blocks = (passphrase.chars().count() * 4).div_ceil(86) + 1;
            assert_eq!(sealed.len(), blocks * 172);
        }
        // As the original has it: no empty block after a short one.
        let sealed = seal(&"x".repeat(100), &key).unwrap();
        assert_eq!(open(&sealed[..sealed.len() - 172]).unwrap().len(), 100);
        // Cut off in the middle.
        assert_eq!(open(&sealed[..172]).unwrap_err(), FormatError::Unopened);
    }

    #[test]
    fn pieces_that_do_not_fit_are_no_passphrase() {
        let piece = |length: usize| Zeroizing::new(b"x\0\0\0".repeat(22)[..length].to_vec());
        let joined = |lengths: &[usize]| {
            let pieces: Vec<_> = lengths.iter().map(|length| piece(*length)).collect();
            join(&pieces, 128).map(|text| text.len())
        };
        assert_eq!(joined(&[0]), Ok(0));
        assert_eq!(joined(&[84]), Ok(21));
        assert_eq!(joined(&[84, 0]), Ok(21));
        for bad in
            [&[][..], &[86], &[85], &[4, 84], &[4, 4, 0], &[86, 86], &[0, 84], &[87, 1], &[88, 0]]
        {
            assert_eq!(joined(bad), Err(FormatError::Unopened), "{bad:?}");
        }
        let surrogate = Zeroizing::new(vec![0, 0xd8, 0, 0]);
        assert_eq!(join(&[surrogate], 128).unwrap_err(), FormatError::Unopened);
    }

    #[test]
    fn what_is_no_blocks_is_refused() {
        let good = vectors()["msg_key"].as_str().unwrap().to_owned();
        assert_eq!(split(&format!("{}\r\n", &good), 128).unwrap().len(), 9);
        for bad in ["", "AAAA", &good[1..], &good[..171], &good.replace('=', "A"), "\u{e9}"] {
            assert_eq!(split(bad, 128).unwrap_err(), NOT_SEALED, "{bad}");
        }
        assert_eq!(split(&good, 256).unwrap_err(), NOT_SEALED);
        assert_eq!(split(&good.repeat(4), 128).unwrap_err(), NOT_SEALED);
        assert_eq!(split("AAAA", 0).unwrap_err(), NOT_SEALED);
    }
}
