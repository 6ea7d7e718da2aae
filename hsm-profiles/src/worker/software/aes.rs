//! AES under derived keys.

use aes::cipher::consts::{U12, U16};
use aes::cipher::{
    Array, Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt,
    BlockSizeUser, InnerIvInit, KeyInit,
};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use zeroize::Zeroizing;

use crate::algorithm::Width;
use crate::pkcs11::{FORGED, Failure, How};
use crate::rfc3394::{self, Unwrapping};

/// AES at some width.
trait Aes: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit {}

impl<C> Aes for C where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit
{
}

/// Enciphers `plain`: whole blocks, but for GCM, where the tag comes behind.
pub(in crate::worker) fn encrypt(
    width: Width,
    key: &[u8],
    how: How<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    match width {
        Width::Aes128 => encrypt_with(new::<aes::Aes128>(key)?, how, plain),
        Width::Aes192 => encrypt_with(new::<aes::Aes192>(key)?, how, plain),
        Width::Aes256 => encrypt_with(new::<aes::Aes256>(key)?, how, plain),
    }
}

/// Deciphers `text`, which for GCM has its tag behind it.
///
/// # Errors
/// [`Failure::Argument`] where the tag does not fit.
pub(in crate::worker) fn decrypt(
    width: Width,
    key: &[u8],
    how: How<'_>,
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match width {
        Width::Aes128 => decrypt_with(new::<aes::Aes128>(key)?, how, text),
        Width::Aes192 => decrypt_with(new::<aes::Aes192>(key)?, how, text),
        Width::Aes256 => decrypt_with(new::<aes::Aes256>(key)?, how, text),
    }
}

/// Wraps `plain` as RFC 3394 says, under a key of whatever width.
pub(in crate::worker) fn wrap(
    key: &[u8],
    initial: [u8; 8],
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    fn run<C: Aes>(key: &[u8], initial: [u8; 8], plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let cipher = new::<C>(key)?;
        rfc3394::wrap(initial, plain, |block| {
            cipher.encrypt_block(block.into());
            Ok(())
        })
    }
    match key.len() {
        16 => run::<aes::Aes128>(key, initial, plain),
        24 => run::<aes::Aes192>(key, initial, plain),
        _ => run::<aes::Aes256>(key, initial, plain),
    }
}

/// Unwraps `wrapped` as RFC 3394 says, under a key of whatever width.
///
/// # Errors
/// [`Failure::Argument`] where another initial value comes out.
pub(in crate::worker) fn unwrap(
    key: &[u8],
    initial: [u8; 8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    fn run<C: Aes>(
        key: &[u8],
        initial: [u8; 8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let cipher = new::<C>(key)?;
        let plain = rfc3394::unwrap(initial, wrapped, |block| {
            cipher.decrypt_block(block.into());
            Ok(())
        });
        plain.map_err(|error| match error {
            Unwrapping::Cipher(failure) => failure,
            Unwrapping::Forged => Failure::Argument(FORGED),
        })
    }
    match key.len() {
        16 => run::<aes::Aes128>(key, initial, wrapped),
        24 => run::<aes::Aes192>(key, initial, wrapped),
        _ => run::<aes::Aes256>(key, initial, wrapped),
    }
}

fn new<C: Aes>(key: &[u8]) -> Result<C, Failure> {
    C::new_from_slice(key).map_err(|_| Failure::Argument("a key has not the length of its width"))
}

fn encrypt_with<C: Aes>(cipher: C, how: How<'_>, plain: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut text = plain.to_vec();
    match how {
        How::Cbc(iv) => {
            let mut cbc = cbc::Encryptor::inner_iv_init(cipher, iv.into());
            cbc.encrypt_blocks(blocks::<C>(&mut text)?);
        }
        How::Ecb => cipher.encrypt_blocks(blocks::<C>(&mut text)?),
        How::Gcm(nonce, aad) => {
            let done = match (<&[u8; 12]>::try_from(nonce), <&[u8; 16]>::try_from(nonce)) {
                (Ok(nonce), _) => {
                    AesGcm::<C, U12>::from(cipher).encrypt_in_place(nonce.into(), aad, &mut text)
                }
                (_, Ok(nonce)) => {
                    AesGcm::<C, U16>::from(cipher).encrypt_in_place(nonce.into(), aad, &mut text)
                }
                _ => return Err(NONCE),
            };
            done.map_err(|_| Failure::Argument("more than GCM takes at a time"))?;
        }
    }
    Ok(text)
}

fn decrypt_with<C: Aes>(
    cipher: C,
    how: How<'_>,
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut plain = Zeroizing::new(text.to_vec());
    match how {
        How::Cbc(iv) => {
            let mut cbc = cbc::Decryptor::inner_iv_init(cipher, iv.into());
            cbc.decrypt_blocks(blocks::<C>(&mut plain)?);
        }
        How::Ecb => cipher.decrypt_blocks(blocks::<C>(&mut plain)?),
        How::Gcm(nonce, aad) => {
            let done = match (<&[u8; 12]>::try_from(nonce), <&[u8; 16]>::try_from(nonce)) {
                (Ok(nonce), _) => {
                    AesGcm::<C, U12>::from(cipher).decrypt_in_place(nonce.into(), aad, &mut *plain)
                }
                (_, Ok(nonce)) => {
                    AesGcm::<C, U16>::from(cipher).decrypt_in_place(nonce.into(), aad, &mut *plain)
                }
                _ => return Err(NONCE),
            };
            done.map_err(|_| Failure::Argument("the tag does not fit: wrong key, aad or text"))?;
        }
    }
    Ok(plain)
}

const NONCE: Failure = Failure::Argument("a nonce of GCM has 12 or 16 bytes");

fn blocks<C: Aes>(bytes: &mut [u8]) -> Result<&mut [Block<C>], Failure> {
    match Array::slice_as_chunks_mut(bytes) {
        (blocks, []) => Ok(blocks),
        _ => Err(Failure::Argument("these are not whole blocks of 16 bytes")),
    }
}
