//! Cosignatures: what a witness signs who has seen that the log only grew (C2SP tlog-cosignature).

use std::fmt;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::checkpoint::{self, Checkpoint};

/// The key of a witness, of type cosignature/v1. Displayed it is its vkey, as that of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WitnessKey {
    name: String,
    key: VerifyingKey,
}

/// A line below a checkpoint whose signature was checked: by whom, and when it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosignature {
    witness: WitnessKey,
    time: u64,
    signature: [u8; 64],
}

impl WitnessKey {
    /// Reads a vkey of type 4, Ed25519 cosignatures.
    pub fn parse(vkey: &str) -> Option<Self> {
        // The base64 may have a `+` of its own.
        let mut parts = vkey.trim().splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = Base64::decode_vec(key).ok()?;
        let (TYPE, key) = bytes.split_first()? else { return None };
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let parsed = Self { name: name.to_owned(), key };
        (good && !key.is_weak() && id == checkpoint::hex(parsed.id())).then_some(parsed)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cosignature of `checkpoint` among `lines`, signature lines of a signed note with their
    /// line ends; those of others are passed over.
    ///
    /// # Errors
    /// [`BadCosignature`] says what is wrong.
    pub fn check(
        &self,
        checkpoint: &Checkpoint,
        lines: &str,
    ) -> Result<Cosignature, BadCosignature> {
        let own = format!("\u{2014} {} ", self.name);
        let decoded = |line: &str| Base64::decode_vec(line.strip_prefix(&own)?).ok();
        let mut found = lines.lines().filter_map(decoded).filter(|b| b.starts_with(&self.id()));
        let found = found.next().ok_or(BadCosignature::None)?;
        let found = <[u8; 76]>::try_from(found).map_err(|_| BadCosignature::Malformed)?;
        let (_, rest) = found.split_first_chunk::<4>().ok_or(BadCosignature::Malformed)?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or(BadCosignature::Malformed)?;
        let signature = *rest.first_chunk().ok_or(BadCosignature::Malformed)?;
        let time = u64::from_be_bytes(*time);
        let signed = format!("cosignature/v1\ntime {time}\n{}", checkpoint.body());
        self.key
            .verify_strict(signed.as_bytes(), &Signature::from_bytes(&signature))
            .map_err(|_| BadCosignature::Forged)?;
        Ok(Cosignature { witness: self.clone(), time, signature })
    }

    /// Names the key in signatures.
    fn id(&self) -> [u8; 4] {
        let digest: [u8; 32] = Sha256::new_with_prefix(&self.name)
            .chain_update([b'\n', *TYPE])
            .chain_update(self.key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[*TYPE], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.name, checkpoint::hex(self.id()), Base64::encode_string(&typed))
    }
}

impl Cosignature {
    /// When it was made, by the clock of the witness, in Unix seconds.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Whether both are by the same witness.
    pub(crate) fn is_by_same(&self, other: &Self) -> bool {
        self.witness == other.witness
    }
}

/// The line, without its line end.
impl fmt::Display for Cosignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { witness, time, signature } = self;
        let bytes = [&witness.id()[..], &time.to_be_bytes(), signature].concat();
        write!(f, "\u{2014} {} {}", witness.name, Base64::encode_string(&bytes))
    }
}

/// Why there is no cosignature.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadCosignature {
    /// The signature is not by the key over this checkpoint.
    #[error("the cosignature is not by this witness over this checkpoint")]
    Forged,
    /// It is too short or too long.
    #[error("the cosignature is not one of type cosignature/v1")]
    Malformed,
    /// There is no line of this witness.
    #[error("no line is by this witness")]
    None,
}

/// Of cosignature/v1 in signed-note.
const TYPE: &u8 = &4;

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::checkpoint::Claim;
    use crate::log_key::LogKey;
    use crate::tree::Hash;

    fn checkpoint(size: u64) -> Checkpoint {
        let signer = SigningKey::from_bytes(&[5; 32]);
        let key = LogKey::of(signer.verifying_key());
        let origin = key.origin().to_owned();
        let claim = Claim { origin, size, root: Hash::of_leaf(b"root") };
        let signature = signer.sign(claim.note().as_bytes()).to_bytes();
        Checkpoint::sealed(claim, &[(key, signature)])
    }

    fn witness() -> (SigningKey, WitnessKey) {
        let signer = SigningKey::from_bytes(&[6; 32]);
        let key = signer.verifying_key();
        (signer, WitnessKey { name: "witness.example/w1".to_owned(), key })
    }

    fn made() -> (WitnessKey, Cosignature) {
        let (signer, witness) = witness();
        let text = format!("cosignature/v1\ntime 1700000000\n{}", checkpoint(300).body());
        let signature = signer.sign(text.as_bytes()).to_bytes();
        (witness.clone(), Cosignature { witness, time: 1_700_000_000, signature })
    }

    #[test]
    fn it_reads_back_and_no_bit_can_be_flipped() {
        let (witness, cosignature) = made();
        let lines = format!("\u{2014} other AAAA\n{cosignature}\n");
        assert_eq!(witness.check(&checkpoint(300), &lines), Ok(cosignature.clone()));
        assert_eq!(witness.check(&checkpoint(301), &lines), Err(BadCosignature::Forged));
        assert_eq!(witness.check(&checkpoint(300), "\n"), Err(BadCosignature::None));
        let line = format!("{cosignature}\n");
        for place in 0..line.len() * 8 {
            let mut bytes = line.clone().into_bytes();
            bytes[place / 8] ^= 1 << (place % 8);
            let Ok(line) = str::from_utf8(&bytes) else { continue };
            let taken = witness.check(&checkpoint(300), line);
            // A flip in the line's end alone leaves the signature as it is.
            assert!(taken.is_err() || place / 8 == bytes.len() - 1, "bit {place}");
        }
    }

    #[test]
    fn a_checkpoint_carries_it_and_is_read_as_before() {
        let (_, cosignature) = made();
        let cosigned = checkpoint(300).with(cosignature.clone());
        let note = cosigned.to_string();
        assert_eq!(note, format!("{}{cosignature}\n", checkpoint(300)));
        let key = LogKey::of(SigningKey::from_bytes(&[5; 32]).verifying_key());
        assert_eq!(Checkpoint::open(&note, &key), Ok(checkpoint(300)));
        // The same witness again, later: one line.
        assert_eq!(cosigned.with(cosignature).to_string(), note);
    }

    #[test]
    fn a_vkey_reads_back_and_those_of_logs_are_none() {
        let (_, witness) = witness();
        assert_eq!(WitnessKey::parse(&witness.to_string()), Some(witness.clone()));
        let log = LogKey::of(SigningKey::from_bytes(&[5; 32]).verifying_key());
        assert_eq!(WitnessKey::parse(&log.to_string()), None);
        assert_eq!(WitnessKey::parse(&witness.to_string().replacen("w1", "w2", 1)), None);
    }
}
