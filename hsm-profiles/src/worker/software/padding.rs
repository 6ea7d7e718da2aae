//! The padding of PKCS#7 (RFC 5652, section 6.3), for the token's CBC, too: so every token pads
//! alike, and fails alike.

use aes::cipher::Array;
use aes::cipher::block_padding::{Padding, Pkcs7};
use aes::cipher::consts::U16;
use zeroize::Zeroizing;

use crate::pkcs11::Failure;

/// `plain` and 1 to 16 bytes more.
pub(in crate::worker) fn pad(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let whole = plain.len() - plain.len() % BLOCK;
    let mut padded = Zeroizing::new(vec![0; whole + BLOCK]);
    if let Some(start) = padded.get_mut(..plain.len()) {
        start.copy_from_slice(plain);
    }
    if let Some(last) = padded.last_chunk_mut::<BLOCK>() {
        let last: &mut Array<u8, U16> = last.into();
        Pkcs7::pad(last, plain.len() % BLOCK);
    }
    padded
}

/// What was padded.
///
/// # Errors
/// [`Failure::Argument`] where the end is no padding.
pub(in crate::worker) fn unpad(
    mut padded: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let wrong = || Failure::Argument("the end of the plaintext is no padding: wrong key or text");
    let whole = padded.len().checked_sub(BLOCK).ok_or_else(wrong)?;
    let last = padded.last_chunk::<BLOCK>().ok_or_else(wrong)?;
    let last: &Array<u8, U16> = last.into();
    let rest = Pkcs7::unpad(last).map_err(|_| wrong())?.len();
    padded.truncate(whole + rest);
    Ok(padded)
}

const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_padded_comes_back_and_nothing_else_does() {
        for length in 0..48 {
            let plain = vec![7; length];
            let padded = pad(&plain);
            assert_eq!((padded.len() % BLOCK, padded.len() > length), (0, true));
            assert_eq!(*unpad(padded).unwrap(), plain);
        }
        for end in [&[0; 16][..], &[17; 16], &[1, 2], &[[5; 14].as_slice(), &[1, 2]].concat(), &[]]
        {
            assert!(unpad(Zeroizing::new(end.to_vec())).is_err(), "{end:?}");
        }
    }
}
