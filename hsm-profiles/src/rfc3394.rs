//! Wrapping of keys (RFC 3394, SP 800-38F section 6.2) over whatever enciphers a block.
//!
//! A token's own `CKM_AES_KEY_WRAP` wraps objects only, and wants `CKA_WRAP`; a key with that and
//! `CKA_DECRYPT` could be made to tell other keys. So the steps are done here, and the token does
//! nothing but AES.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Why something can't be unwrapped, or the cipher's own failure.
#[derive(Debug)]
pub(crate) enum Unwrapping<E> {
    /// Another initial value came out: another key, or a forgery.
    Forged,
    /// The cipher failed.
    Cipher(E),
}

/// Wraps `plain`, a multiple of 8 bytes, 16 at least. `encipher` enciphers one block.
pub(crate) fn wrap<E>(
    initial: [u8; 8],
    plain: &[u8],
    mut encipher: impl FnMut(&mut [u8; 16]) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut first = initial;
    let mut wrapped = [&initial[..], plain].concat();
    let (registers, _) = wrapped.as_chunks_mut::<8>();
    let mut step = 0;
    for _ in 0..ROUNDS {
        for register in registers.iter_mut().skip(1) {
            step += 1;
            let mut block = Zeroizing::new(join(first, *register));
            encipher(&mut block)?;
            (first, *register) = split(&block);
            first = count(first, step);
        }
    }
    if let Some(register) = registers.first_mut() {
        *register = first;
    }
    Ok(wrapped)
}

/// Unwraps `wrapped`, a multiple of 8 bytes, 24 at least. `decipher` deciphers one block.
pub(crate) fn unwrap<E>(
    initial: [u8; 8],
    wrapped: &[u8],
    mut decipher: impl FnMut(&mut [u8; 16]) -> Result<(), E>,
) -> Result<Zeroizing<Vec<u8>>, Unwrapping<E>> {
    let (first, rest) = wrapped.split_first_chunk::<8>().ok_or(Unwrapping::Forged)?;
    let mut first = *first;
    let mut plain = Zeroizing::new(rest.to_vec());
    let (registers, _) = plain.as_chunks_mut::<8>();
    let mut step = ROUNDS * u64::try_from(registers.len()).unwrap_or(u64::MAX / ROUNDS);
    for _ in 0..ROUNDS {
        for register in registers.iter_mut().rev() {
            let mut block = Zeroizing::new(join(count(first, step), *register));
            decipher(&mut block).map_err(Unwrapping::Cipher)?;
            (first, *register) = split(&block);
            step -= 1;
        }
    }
    match bool::from(first.ct_eq(&initial)) {
        true => Ok(plain),
        false => Err(Unwrapping::Forged),
    }
}

fn count(half: [u8; 8], step: u64) -> [u8; 8] {
    (u64::from_be_bytes(half) ^ step).to_be_bytes()
}

fn join(first: [u8; 8], second: [u8; 8]) -> [u8; 16] {
    ((u128::from(u64::from_be_bytes(first)) << 64) | u128::from(u64::from_be_bytes(second)))
        .to_be_bytes()
}

fn split(block: &[u8; 16]) -> ([u8; 8], [u8; 8]) {
    match block.as_chunks::<8>() {
        ([first, second], _) => (*first, *second),
        _ => ([0; 8], [0; 8]),
    }
}

const ROUNDS: u64 = 6;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

    use super::*;
    use crate::task::RFC3394_INITIAL;

    /// RFC 3394, section 4.6: 256 bits of key data with a 256-bit KEK.
    #[test]
    fn follows_the_vector_of_the_rfc_and_its_own_steps_back() {
        let kek: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let data: Vec<u8> = (0..16).map(|n: u8| n * 0x11).chain(0..16).collect();
        let expected = "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43b\
                        fb988b9b7a02dd21";
        let aes = aes::Aes256::new(&kek.into());
        let encipher = |block: &mut [u8; 16]| {
            aes.encrypt_block(block.into());
            Ok::<_, Infallible>(())
        };
        let decipher = |block: &mut [u8; 16]| {
            aes.decrypt_block(block.into());
            Ok::<_, Infallible>(())
        };
        let wrapped = wrap(RFC3394_INITIAL, &data, encipher).unwrap();
        assert_eq!(wrapped.iter().map(|b| format!("{b:02x}")).collect::<String>(), expected);
        assert_eq!(*unwrap(RFC3394_INITIAL, &wrapped, decipher).unwrap(), data);
        for bit in 0..8 * wrapped.len() {
            let mut forged = wrapped.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(unwrap(RFC3394_INITIAL, &forged, decipher), Err(Unwrapping::Forged)));
        }
        assert!(matches!(unwrap([0; 8], &wrapped, decipher), Err(Unwrapping::Forged)));
        assert!(matches!(unwrap([0; 8], &[], decipher), Err(Unwrapping::Forged)));
    }
}
