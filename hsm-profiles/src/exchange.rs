//! What clients encrypt to the exchange key, RSA, and how it is taken out of its padding: without a
//! branch, an address or an error that depends on what is inside. Whatever is wrong there, the answer
//! is the stand-in that came with the question, so that nobody learns that anything was wrong.

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::{Zeroize, Zeroizing};

use crate::protocol::SecretBytes;

/// How clients pad what they encrypt (RFC 8017).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Padding {
    /// EME-PKCS1-v1_5.
    #[default]
    #[serde(rename = "pkcs1")]
    Pkcs1,
    /// EME-OAEP with SHA-256 for the label, which is empty, and for MGF1.
    #[serde(rename = "oaep-sha256")]
    OaepSha256,
}

/// What a ciphertext is to hold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Cargo {
    /// A key of 32 bytes, as they are or as 64 hexadecimal digits. Answers the 32 bytes.
    Key,
    /// A key, an initialisation vector and another key, 32, 16 and 32 bytes, as 160 hexadecimal
    /// digits. Answers the 80 bytes.
    Keys,
    /// A text of any length. Answers its length in two bytes, high byte first, and then the text
    /// with zeros behind it, always as many bytes.
    Text,
}

/// What the worker does for exchanges. Seals are those of the key-encryption key, bound to a name.
#[derive(Debug, Deserialize, Serialize)]
pub enum Exchange {
    /// Finds the exchange key, or makes it with so many bits. Answers one byte, whether it was
    /// made now, and its modulus.
    Key {
        /// 2048 or 3072.
        bits: u16,
    },
    /// Takes out what a client encrypted. Answers a secret.
    Open {
        /// How it is padded.
        padding: Padding,
        /// What it is to hold.
        cargo: Cargo,
        /// As long as the modulus, and a smaller number.
        ciphertext: Vec<u8>,
        /// What is answered where it holds nothing like that.
        stand_in: SecretBytes,
    },
    /// Seals the keys of a session. Answers a blob.
    Seal {
        /// What the blob is bound to.
        name: Vec<u8>,
        /// The keys, at most 256 bytes.
        secret: SecretBytes,
    },
    /// Opens them again. Answers a secret.
    Unseal {
        /// What the blob is bound to.
        name: Vec<u8>,
        /// The blob.
        blob: Vec<u8>,
    },
}

/// The cargo of `block`, which is what the RSA operation came to: as long as the modulus.
pub(crate) fn unpad(
    padding: Padding,
    cargo: Cargo,
    block: &mut [u8],
    stand_in: &[u8],
) -> SecretBytes {
    let (room, sound) = match padding {
        Padding::Pkcs1 => unmask_nothing(block),
        Padding::OaepSha256 => unmask::<Sha256>(block),
    };
    match cargo {
        Cargo::Key => {
            let mut key = Zeroizing::new(padded(stand_in, 32));
            let raw = tail(padding, room, 32);
            take(&mut key, raw.0, raw.1 & sound);
            let (digits, holds) = tail(padding, room, 64);
            let (bytes, are_digits) = from_hex(digits);
            take(&mut key, &bytes, holds & are_digits & sound);
            SecretBytes::new(key.to_vec())
        }
        Cargo::Keys => {
            let mut keys = Zeroizing::new(padded(stand_in, 80));
            let (digits, holds) = tail(padding, room, 160);
            let (bytes, are_digits) = from_hex(digits);
            take(&mut keys, &bytes, holds & are_digits & sound);
            SecretBytes::new(keys.to_vec())
        }
        Cargo::Text => text(padding, (room, sound), stand_in),
    }
}

/// What stands behind 00 02, and whether these two stand there.
fn unmask_nothing(block: &[u8]) -> (&[u8], Choice) {
    let Some((head, room)) = block.split_at_checked(2) else { return (&[], Choice::from(0)) };
    (room, head.ct_eq(&[0, 2]))
}

/// The part of a text that is in `block`, OAEP with SHA-1; other bytes where nothing is in it. Its
/// length is no secret.
pub(crate) fn unpad_chunk(block: &mut [u8]) -> SecretBytes {
    let found = text(Padding::OaepSha256, unmask::<Sha1>(block), &[]);
    let bytes = found.expose();
    let part = bytes.split_first_chunk::<2>().map(|(length, text)| {
        let length = usize::from(u16::from_be_bytes(*length));
        text.get(..length).unwrap_or_default().to_vec()
    });
    SecretBytes::new(part.unwrap_or_default())
}

/// RFC 8017, section 7.1.2, step 3: what stands behind the hash of the label, and whether that and
/// the first byte are right.
fn unmask<D: Digest>(block: &mut [u8]) -> (&[u8], Choice) {
    let hash = <D as Digest>::output_size();
    let Some((first, rest)) = block.split_first_mut() else { return (&[], Choice::from(0)) };
    let Some((seed, data)) = rest.split_at_mut_checked(hash) else { return (&[], 0.into()) };
    mask::<D>(seed, data);
    mask::<D>(data, seed);
    let Some((label, room)) = data.split_at_checked(hash) else { return (&[], 0.into()) };
    (room, first.ct_eq(&0) & label.ct_eq(D::digest(b"").as_slice()))
}

/// MGF1, over `target`.
fn mask<D: Digest>(target: &mut [u8], seed: &[u8]) {
    for (part, counter) in target.chunks_mut(<D as Digest>::output_size()).zip(0u32..) {
        let mut hash = D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        part.iter_mut().zip(hash.iter()).for_each(|(byte, mask)| *byte ^= mask);
        hash.as_mut_slice().zeroize();
    }
}

/// The last `length` bytes, and whether nothing but filler and a separator is before them.
fn tail(padding: Padding, room: &[u8], length: usize) -> (&[u8], Choice) {
    let split = room.len().checked_sub(length).and_then(|at| room.split_at_checked(at));
    let Some((before, message)) = split else { return (&[], Choice::from(0)) };
    let Some((separator, filler)) = before.split_last() else { return (&[], Choice::from(0)) };
    let long_enough = Choice::from(u8::from(filler.len() >= shortest_filler(padding)));
    let filled = filler.iter().fold(long_enough, |so, byte| so & is_filler(padding, *byte));
    (message, filled & is_separator(padding, *separator))
}

/// The text behind the first separator. Where it begins is a secret, so it is moved to the front in
/// steps of powers of two.
fn text(padding: Padding, (room, sound): (&[u8], Choice), stand_in: &[u8]) -> SecretBytes {
    let (mut found, mut clean, mut before) = (Choice::from(0), sound, 0u16);
    for byte in room {
        let ends = is_separator(padding, *byte) & !found;
        clean &= found | ends | is_filler(padding, *byte);
        before.conditional_assign(&before.wrapping_add(1), !(found | ends));
        found |= ends;
    }
    let shortest = u16::try_from(shortest_filler(padding)).unwrap_or(u16::MAX);
    let holds = found & clean & !before.ct_lt(&shortest);
    let mut data = Zeroizing::new(room.to_vec());
    let skipped = before.wrapping_add(1);
    for step in [1u16, 2, 4, 8, 16, 32, 64, 128, 256] {
        let move_it = !(skipped & step).ct_eq(&0);
        for at in 0..data.len() {
            let source = data.get(at + usize::from(step)).copied().unwrap_or(0);
            if let Some(byte) = data.get_mut(at) {
                byte.conditional_assign(&source, move_it);
            }
        }
    }
    let all = u16::try_from(room.len()).unwrap_or(u16::MAX);
    let length = u16::conditional_select(&all, &all.wrapping_sub(skipped), holds);
    let mut answer = Zeroizing::new(padded(stand_in, room.len()));
    take(&mut answer, &data, holds);
    SecretBytes::new([&length.to_be_bytes()[..], &answer].concat())
}

/// Puts `found` over `answer` where `holds`.
fn take(answer: &mut [u8], found: &[u8], holds: Choice) {
    for (byte, found) in answer.iter_mut().zip(found) {
        byte.conditional_assign(found, holds);
    }
}

/// The bytes that digits of either case stand for, and whether all are digits.
fn from_hex(digits: &[u8]) -> (Zeroizing<Vec<u8>>, Choice) {
    let mut all = Choice::from(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        let mut byte = 0u8;
        for digit in pair {
            let (value, is_digit) = nibble(*digit);
            byte = (byte << 4) | value;
            all &= is_digit;
        }
        bytes.push(byte);
    }
    (bytes, all)
}

fn nibble(digit: u8) -> (u8, Choice) {
    let (decimal, letter) = (digit ^ b'0', (digit | 0x20).wrapping_sub(b'a'));
    let (is_decimal, is_letter) = (decimal.ct_lt(&10), letter.ct_lt(&6));
    let value = u8::conditional_select(&letter.wrapping_add(10), &decimal, is_decimal);
    (value & 15, is_decimal | is_letter)
}

fn is_filler(padding: Padding, byte: u8) -> Choice {
    match padding {
        Padding::Pkcs1 => !byte.ct_eq(&0),
        Padding::OaepSha256 => byte.ct_eq(&0),
    }
}

fn is_separator(padding: Padding, byte: u8) -> Choice {
    match padding {
        Padding::Pkcs1 => byte.ct_eq(&0),
        Padding::OaepSha256 => byte.ct_eq(&1),
    }
}

fn shortest_filler(padding: Padding) -> usize {
    match padding {
        Padding::Pkcs1 => 8,
        Padding::OaepSha256 => 0,
    }
}

/// `bytes` with zeros behind them, or cut.
fn padded(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(length, 0);
    padded
}

#[cfg(test)]
mod tests;
