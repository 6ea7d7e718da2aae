//! Keys of known value: objects of the token, or sealed as the worker seals them.

use std::fmt;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType as Ckk};
use hsm_profiles::{
    Answer, Family, Held, Key, KeyType, Operation, Outcome, SealedKey, SealedTask, Seat, TokenFault,
};

use crate::client::tell;
use crate::employ::{Bench, random_kid};

/// Where the secret part of a key is.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Place {
    /// An object of the token, which computes.
    Token,
    /// Sealed: the worker computes.
    Sealed,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "in the token",
            Self::Sealed => "sealed",
        })
    }
}

/// The worker's thread, and a session that puts keys into its token.
pub(crate) struct Keys<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) seat: &'a mut Seat,
}

impl Keys<'_> {
    /// Has `work` done with a symmetric key of this value, which is gone afterwards.
    pub(crate) fn with_key<T>(
        &mut self,
        place: Place,
        kind: KeyType,
        value: &[u8],
        work: impl FnOnce(&mut Seat, &Key) -> T,
    ) -> T {
        match place {
            Place::Sealed => {
                let key = self.seal(kind, value);
                work(self.seat, &key)
            }
            Place::Token => {
                let is_aes = kind.family() == Family::Aes;
                let ckk = if is_aes { Ckk::AES } else { Ckk::GENERIC_SECRET };
                let (key, object) = self.bench.put_value(kind, ckk, value);
                let done = work(self.seat, &key);
                self.bench.session.destroy_object(object).unwrap();
                done
            }
        }
    }

    /// What a sealed key of this seed makes of a task.
    pub(crate) fn perform(
        &mut self,
        kind: KeyType,
        seed: &[u8],
        task: SealedTask,
    ) -> Result<Vec<u8>, TokenFault> {
        let Key { kid, held: Held::Sealed(blob), .. } = self.seal(kind, seed) else {
            panic!("not sealed");
        };
        match self.seat.perform(&Operation::Sealed { kid, key: SealedKey { kind, blob }, task }) {
            Answer::Done(Outcome::Public(bytes)) => Ok(bytes),
            Answer::Done(Outcome::Secret(bytes)) => Ok(bytes.expose().to_vec()),
            Answer::Failed(fault) => Err(fault),
            other => panic!("{kind}: {}", tell(&other)),
        }
    }

    /// The blob of a seed (docs/adr/0010): a version byte, the nonce, the ciphertext, the tag. It is
    /// made here by the KEK of the token, so that no code of the worker takes seeds from outside.
    fn seal(&self, kind: KeyType, seed: &[u8]) -> Key {
        let session = &self.bench.session;
        let id = Attribute::Id(b"claviger-system:kek".to_vec());
        let kek = session.find_objects(&[id]).unwrap()[0];
        let kid = random_kid();
        let name = kind.name().as_bytes();
        let aad = [b"claviger sealed key v1\0", kid.as_bytes().as_slice(), name].concat();
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).unwrap();
        let mut iv = nonce;
        let gcm = GcmParams::new(&mut iv, &aad, 128.into()).unwrap();
        let cipher = session.encrypt(&Mechanism::AesGcm(gcm), kek, seed).unwrap();
        let blob = [&[1][..], &nonce, &cipher].concat();
        Key { kid, kind, held: Held::Sealed(blob) }
    }
}
