//! RSA-OAEP (RFC 8017) by the public half: aws-lc-rs does it for keys from 2048 bits on. It refuses
//! shorter ones, which clients of the original have; those are done here, in constant time.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey,
    PublicEncryptingKey,
};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use super::FormatError;
use super::public_key::PublicKey;

/// The hash of OAEP and of its mask; the label is empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oaep {
    /// SHA-1, as the original's clients have it.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Oaep {
    /// The most bytes that a key of `length` bytes encrypts at once.
    pub fn room(self, length: usize) -> usize {
        length.saturating_sub(self.hash().output_len().saturating_mul(2)).saturating_sub(2)
    }

    /// `plain`, at most [`Oaep::room`] bytes, encrypted to `key`; as long as the modulus.
    ///
    /// # Errors
    /// [`FormatError::Internal`] where it is longer.
    pub fn encrypt(self, key: &PublicKey, plain: &[u8]) -> Result<Vec<u8>, FormatError> {
        let done = match key.bits() {
            ..2048 => self.encrypt_here(key, plain),
            _ => self.encrypt_there(key, plain),
        };
        done.ok_or(FormatError::Internal)
    }

    fn encrypt_there(self, key: &PublicKey, plain: &[u8]) -> Option<Vec<u8>> {
        let there = PublicEncryptingKey::from_der(&key.to_der()).ok()?;
        let there = OaepPublicEncryptingKey::new(there).ok()?;
        let mut room = vec![0; key.length()];
        let sealed = there.encrypt(self.algorithm(), plain, &mut room, None).ok()?;
        Some(sealed.to_vec())
    }

    fn encrypt_here(self, key: &PublicKey, plain: &[u8]) -> Option<Vec<u8>> {
        let block = self.pad(key.length(), plain)?;
        let bits = u32::try_from(key.length().checked_mul(8)?).ok()?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).ok();
        let modulus: Odd<BoxedUint> = Option::from(Odd::new(number(key.modulus())?))?;
        let params = BoxedMontyParams::new_vartime(modulus);
        let base = BoxedMontyForm::new(number(&block)?, &params);
        let sealed = base.pow(&number(key.exponent())?).retrieve().to_be_bytes();
        let zeros = sealed.len().checked_sub(key.length())?;
        sealed.get(zeros..).map(<[u8]>::to_vec)
    }

    /// RFC 8017, section 7.1.1, step 2.
    fn pad(self, length: usize, plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let filler = self.room(length).checked_sub(plain.len())?;
        let hash = self.hash().output_len();
        let mut block = Zeroizing::new(vec![0; length]);
        let (seed, data) = block.split_at_mut_checked(1)?.1.split_at_mut_checked(hash)?;
        getrandom::fill(seed).ok()?;
        let (label, rest) = data.split_at_mut_checked(hash)?;
        label.copy_from_slice(digest::digest(self.hash(), b"").as_ref());
        let (mark, text) = rest.split_at_mut_checked(filler)?.1.split_first_mut()?;
        *mark = 1;
        text.copy_from_slice(plain);
        self.mask(seed, data);
        self.mask(data, seed);
        Some(block)
    }

    /// Masks `text` by MGF1 of `seed`.
    fn mask(self, seed: &[u8], text: &mut [u8]) {
        for (counter, part) in (0_u32..).zip(text.chunks_mut(self.hash().output_len())) {
            let mut work = digest::Context::new(self.hash());
            work.update(seed);
            work.update(&counter.to_be_bytes());
            part.iter_mut().zip(work.finish().as_ref()).for_each(|(byte, mask)| *byte ^= mask);
        }
    }

    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
        }
    }

    fn algorithm(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// The private half of the vectors' key, in software: what a token does elsewhere.
#[cfg(test)]
pub(super) mod private {
    use super::*;
    use crate::keyservice::format::{vectors, xml};

    /// What `sealed` holds.
    pub(crate) fn open(oaep: Oaep, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let text = vectors()["priv"].as_str().unwrap().to_owned();
        let fields = xml::fields(&text, "RSAKeyValue").unwrap();
        let number = |wanted: &str| {
            let (_, value) = fields.iter().find(|(name, _)| *name == wanted).unwrap();
            let bytes = policies::decode_base64(value).unwrap();
            BoxedUint::from_be_slice(&bytes, 1024).unwrap()
        };
        let params = BoxedMontyParams::new_vartime(Odd::new(number("Modulus")).unwrap());
        let base = BoxedMontyForm::new(BoxedUint::from_be_slice(sealed, 1024).ok()?, &params);
        let mut block = base.pow(&number("D")).retrieve().to_be_bytes();
        let (seed, data) = block[1..].split_at_mut(oaep.hash().output_len());
        oaep.mask(data, seed);
        oaep.mask(seed, data);
        let (label, rest) = data.split_at(seed.len());
        let mark = rest.iter().position(|byte| *byte != 0)?;
        let sound = label == digest::digest(oaep.hash(), b"").as_ref() && rest[mark] == 1;
        sound.then(|| Zeroizing::new(rest[mark + 1..].to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    use super::*;
    use crate::keyservice::format::vectors;

    #[test]
    fn short_keys_do_it_here() {
        let key = PublicKey::parse(vectors()["pub"].as_str().unwrap()).unwrap();
        for (oaep, room) in [(Oaep::Sha1, 86), (Oaep::Sha256, 62)] {
            assert_eq!(oaep.room(128), room);
            for length in [0, 1, 32, room] {
                let plain = vec![7; length];
                let sealed = oaep.encrypt(&key, &plain).unwrap();
                assert_eq!(sealed.len(), 128);
                assert_eq!(private::open(oaep, &sealed).unwrap().as_slice(), plain);
            }
            assert!(oaep.encrypt(&key, &vec![7; room + 1]).is_err());
        }
    }

    /// Both ways, opened by aws-lc.
    #[test]
    fn long_keys_do_it_there_as_they_would_here() {
        let pair = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let info = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let (modulus, exponent) = crate::keyservice::format::der::read_info(&info).unwrap();
        let key = PublicKey::new(modulus, exponent).unwrap();
        assert_eq!(key.to_der(), info);
        let pair = OaepPrivateDecryptingKey::new(pair).unwrap();
        for oaep in [Oaep::Sha1, Oaep::Sha256] {
            let longest = vec![9; oaep.room(256)];
            let there = oaep.encrypt(&key, &longest).unwrap();
            let here = oaep.encrypt_here(&key, &longest).unwrap();
            for sealed in [there, here] {
                let mut room = vec![0; 256];
                let plain = pair.decrypt(oaep.algorithm(), &sealed, &mut room, None).unwrap();
                assert_eq!(plain, longest);
            }
            assert!(oaep.encrypt(&key, &[longest.as_slice(), b"x"].concat()).is_err());
        }
    }
}
