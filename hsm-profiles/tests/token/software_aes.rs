//! AES, wrapping and derivation by other code than the token's and the worker's.

use aes_gcm::AesGcm;
use aes_gcm::aead::Aead;
use aes_gcm::aead::consts::U16;
use aes_gcm::{KeyInit, aead::Payload};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey,
    PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use hsm_profiles::{Cipher, Ciphered, Mode, RFC3394_INITIAL};

/// Deciphers with other code than the token's and the worker's, but for GCM, where the worker's is
/// held against the token's.
pub(crate) fn open(cipher: Cipher, key: &[u8], sealed: &Ciphered, aad: &[u8]) -> Vec<u8> {
    let algorithm = algorithm(key);
    let unbound = UnboundCipherKey::new(algorithm, key).unwrap();
    let mut text = sealed.text.clone();
    match cipher.mode {
        Mode::Cbc => {
            let iv = <[u8; 16]>::try_from(sealed.iv.as_slice()).unwrap();
            let context = DecryptionContext::Iv128(FixedLength::from(&iv));
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(unbound).unwrap();
            key.decrypt(&mut text, context).unwrap().to_vec()
        }
        Mode::Ecb => {
            let key = DecryptingKey::ecb(unbound).unwrap();
            key.decrypt(&mut text, DecryptionContext::None).unwrap().to_vec()
        }
        Mode::Gcm | Mode::Gcm96 => {
            let msg = &[text, sealed.tag.clone()].concat();
            let nonce = sealed.iv.as_slice().try_into().unwrap();
            let payload = Payload { msg, aad };
            match key.len() {
                16 => {
                    AesGcm::<aes::Aes128, U16>::new_from_slice(key).unwrap().decrypt(nonce, payload)
                }
                24 => {
                    AesGcm::<aes::Aes192, U16>::new_from_slice(key).unwrap().decrypt(nonce, payload)
                }
                _ => {
                    AesGcm::<aes::Aes256, U16>::new_from_slice(key).unwrap().decrypt(nonce, payload)
                }
            }
            .unwrap()
        }
    }
}

/// RFC 3394, section 2.2.1, step by step as it is written there.
pub(crate) fn wrap(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let n = plain.len() / 8;
    let mut a = RFC3394_INITIAL;
    let mut r: Vec<[u8; 8]> = plain.chunks(8).map(|p| p.try_into().unwrap()).collect();
    let aes = |block: &[u8]| {
        let unbound = UnboundCipherKey::new(algorithm(key), key).unwrap();
        let mut block = block.to_vec();
        EncryptingKey::ecb(unbound).unwrap().encrypt(&mut block).unwrap();
        block
    };
    for j in 0..6 {
        for i in 1..=n {
            let b = aes(&[a, r[i - 1]].concat());
            let t = u64::try_from(n * j + i).unwrap();
            a = (u64::from_be_bytes(b[..8].try_into().unwrap()) ^ t).to_be_bytes();
            r[i - 1] = b[8..].try_into().unwrap();
        }
    }
    [&a[..], &r.concat()].concat()
}

/// HKDF-SHA-256 without salt.
pub(crate) fn hkdf(secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let salt = aws_lc_rs::hkdf::Salt::new(aws_lc_rs::hkdf::HKDF_SHA256, &[]);
    let mut key = vec![0; length];
    salt.extract(secret).expand(info, Length(length)).unwrap().fill(&mut key).unwrap();
    key
}

fn algorithm(key: &[u8]) -> &'static Algorithm {
    match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        _ => &AES_256,
    }
}
