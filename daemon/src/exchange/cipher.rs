//! What both sides of a session compute: check digits, and AES-256-CBC with PKCS#7 padding. Opening
//! takes the same way whether the padding is right or not.

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use subtle::{Choice, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

use crate::config::CheckDigit;
use crate::fault::Fault;

/// The check digit of `key`: 3 bytes.
pub(super) fn check_digit(how: CheckDigit, key: &[u8], iv: &[u8]) -> Result<[u8; 3], Fault> {
    let mut block = match how {
        CheckDigit::CbcSpaces => xor(&[0x20; BLOCK], iv),
        CheckDigit::KcvEcb => [0; BLOCK],
        CheckDigit::KcvCmac => subkey(&Zeroizing::new(encrypted(key, [0; BLOCK])?)),
    };
    block = encrypted(key, block)?;
    let [first, second, third, ..] = block;
    Ok([first, second, third])
}

/// `plain` under `key`.
pub(super) fn encrypt(key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
    let filler = BLOCK - plain.len() % BLOCK;
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + filler));
    text.extend_from_slice(plain);
    text.resize(plain.len() + filler, u8::try_from(filler).unwrap_or(0));
    let mut cipher: Vec<u8> = Vec::with_capacity(text.len());
    let mut before = xor(&[0; BLOCK], iv);
    for block in text.chunks(BLOCK) {
        before = encrypted(key, xor(&before, block))?;
        cipher.extend_from_slice(&before);
    }
    Ok(cipher)
}

/// What `cipher`, whole blocks and at least one, comes to with its padding; how long it is without,
/// and whether the padding is one.
pub(super) fn decrypt(
    key: &[u8],
    iv: &[u8],
    cipher: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, usize, Choice), Fault> {
    let key = UnboundCipherKey::new(&AES_256, key).map_err(|_| Fault::Internal)?;
    let key = DecryptingKey::ecb(key).map_err(|_| Fault::Internal)?;
    let mut text = Zeroizing::new(cipher.to_vec());
    key.decrypt(&mut text, DecryptionContext::None).map_err(|_| Fault::Internal)?;
    let masks = iv.iter().chain(cipher);
    text.iter_mut().zip(masks).for_each(|(byte, mask)| *byte ^= mask);
    let filler = text.last().copied().unwrap_or(0);
    let mut sound = !filler.ct_eq(&0) & filler.ct_lt(&17);
    for (place, byte) in (0u8..16).zip(text.iter().rev()) {
        sound &= !place.ct_lt(&filler) | byte.ct_eq(&filler);
    }
    let length = text.len().saturating_sub(usize::from(filler));
    Ok((text, length, sound))
}

fn encrypted(key: &[u8], mut block: [u8; BLOCK]) -> Result<[u8; BLOCK], Fault> {
    let key = UnboundCipherKey::new(&AES_256, key).map_err(|_| Fault::Internal)?;
    let key = EncryptingKey::ecb(key).map_err(|_| Fault::Internal)?;
    let none = EncryptionContext::None;
    key.less_safe_encrypt(&mut block, none).map_err(|_| Fault::Internal)?;
    Ok(block)
}

/// The first subkey of CMAC (NIST SP 800-38B, section 6.1), which is added to a block of zeros.
fn subkey(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let number = u128::from_be_bytes(*block);
    let carry = u8::try_from(number >> 127).unwrap_or(0);
    let mut shifted = (number << 1).to_be_bytes();
    let [.., last] = &mut shifted;
    *last ^= 0x87 & 0u8.wrapping_sub(carry);
    shifted
}

fn xor(block: &[u8; BLOCK], mask: &[u8]) -> [u8; BLOCK] {
    let mut block = *block;
    block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    block
}

pub(super) const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(from: u8) -> [u8; 32] {
        std::array::from_fn(|at| from + u8::try_from(at).unwrap())
    }

    #[test]
    fn padding_is_taken_off_and_judged() {
        let (key, iv) = (bytes(0), [9; 16]);
        for length in 0..50 {
            let plain = vec![b'x'; length];
            let cipher = encrypt(&key, &iv, &plain).unwrap();
            let (text, found, sound) = decrypt(&key, &iv, &cipher).unwrap();
            assert_eq!((found, bool::from(sound)), (length, true));
            assert_eq!(text[..found], plain);
        }
        // A last block that ends in 0, in 17, and in 3 after something else.
        for end in [0u8, 17, 3] {
            let mut block = [1; 16];
            block[15] = end;
            let cipher = encrypted(&key, xor(&block, &iv)).unwrap();
            assert!(!bool::from(decrypt(&key, &iv, &cipher).unwrap().2), "{end}");
        }
    }

    /// Each by `openssl enc` and `openssl mac`.
    #[test]
    fn check_digits_are_those_of_others() {
        let key = bytes(0);
        let iv: Vec<u8> = (0..16).collect();
        for (how, expected) in [
            (CheckDigit::CbcSpaces, [0x61, 0xa6, 0x93]),
            (CheckDigit::KcvEcb, KCV_ECB),
            (CheckDigit::KcvCmac, KCV_CMAC),
        ] {
            assert_eq!(check_digit(how, &key, &iv).unwrap(), expected, "{how:?}");
        }
    }

    const KCV_ECB: [u8; 3] = [0xf2, 0x90, 0x00];
    const KCV_CMAC: [u8; 3] = [0x37, 0x78, 0x22];
}
