//! AES in the modes of the API, and RFC 3394, under keys of 16, 24 or 32 bytes.

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, Payload};
use aes_kw::{KwAes128, KwAes192, KwAes256};

use crate::verdict::{OrFails, Verdict};

/// The plaintext of GCM with a nonce of 16 bytes.
pub(crate) fn open_gcm(key: &[u8], iv: &[u8], sealed: &[u8], aad: &[u8]) -> Verdict<Vec<u8>> {
    fn open<C: KeyInit + Aead<NonceSize = U16>>(
        key: &[u8],
        iv: &[u8],
        payload: Payload<'_, '_>,
    ) -> Option<Vec<u8>> {
        let iv = <&aes_gcm::aead::Nonce<C>>::try_from(iv).ok()?;
        C::new_from_slice(key).ok()?.decrypt(iv, payload).ok()
    }
    let payload = Payload { msg: sealed, aad };
    let plain = match key.len() {
        16 => open::<AesGcm<Aes128, U16>>(key, iv, payload),
        24 => open::<AesGcm<Aes192, U16>>(key, iv, payload),
        _ => open::<AesGcm<Aes256, U16>>(key, iv, payload),
    };
    plain.or_fails(|| "GCM does not open under the key expected".to_owned())
}

/// The plaintext of CBC with PKCS #7 padding.
pub(crate) fn open_cbc(key: &[u8], iv: &[u8], sealed: &[u8]) -> Verdict<Vec<u8>> {
    fn open<D: KeyIvInit + BlockModeDecrypt>(
        key: &[u8],
        iv: &[u8],
        text: &[u8],
    ) -> Option<Vec<u8>> {
        D::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(text).ok()
    }
    let plain = match key.len() {
        16 => open::<cbc::Decryptor<Aes128>>(key, iv, sealed),
        24 => open::<cbc::Decryptor<Aes192>>(key, iv, sealed),
        _ => open::<cbc::Decryptor<Aes256>>(key, iv, sealed),
    };
    plain.or_fails(|| "CBC does not open under the key expected".to_owned())
}

/// CBC with PKCS #7 padding, AES-128.
pub(crate) fn seal_cbc(key: &[u8], iv: &[u8], plain: &[u8]) -> Verdict<Vec<u8>> {
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(key, iv);
    let cipher = cipher.or_fails(|| "AES-128-CBC".to_owned())?;
    Ok(cipher.encrypt_padded_vec::<Pkcs7>(plain))
}

/// ECB of whole blocks: CBC of each block alone, under an IV of zeros.
pub(crate) fn ecb(key: &[u8], plain: &[u8]) -> Verdict<Vec<u8>> {
    fn block<E: KeyIvInit + BlockModeEncrypt>(key: &[u8], block: &[u8]) -> Option<Vec<u8>> {
        let cipher = E::new_from_slices(key, &[0; 16]).ok()?;
        Some(cipher.encrypt_padded_vec::<NoPadding>(block))
    }
    let blocks = plain.chunks(16).map(|text| match key.len() {
        16 => block::<cbc::Encryptor<Aes128>>(key, text),
        24 => block::<cbc::Encryptor<Aes192>>(key, text),
        _ => block::<cbc::Encryptor<Aes256>>(key, text),
    });
    let blocks: Option<Vec<_>> = blocks.collect();
    Ok(blocks.or_fails(|| "ECB".to_owned())?.concat())
}

/// RFC 3394.
pub(crate) fn wrap(key: &[u8], plain: &[u8]) -> Verdict<Vec<u8>> {
    let mut out = vec![0; plain.len() + 8];
    let done = match key.len() {
        16 => KwAes128::new_from_slice(key)
            .ok()
            .and_then(|k| k.wrap_key(plain, &mut out).ok().map(drop)),
        24 => KwAes192::new_from_slice(key)
            .ok()
            .and_then(|k| k.wrap_key(plain, &mut out).ok().map(drop)),
        _ => KwAes256::new_from_slice(key)
            .ok()
            .and_then(|k| k.wrap_key(plain, &mut out).ok().map(drop)),
    };
    done.or_fails(|| "RFC 3394 of that length".to_owned())?;
    Ok(out)
}
