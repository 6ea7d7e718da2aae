//! Checkpoints: the size and the root of the tree, signed by the logger key, and while one takes over
//! from another by both (C2SP tlog-checkpoint, signed-note).

use std::fmt;
use std::slice;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

use crate::cosignature::Cosignature;
use crate::log_key::LogKey;
use crate::tree::Hash;

/// A checkpoint of which at least one signature was checked. Displayed it is the signed note, with the
/// cosignatures that it was given; those of a note that is read are passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    claim: Claim,
    /// The id of a logger key and its Ed25519 signature: first that of the current key.
    signatures: Vec<[u8; 68]>,
    /// Of witnesses, one of each.
    cosignatures: Vec<Cosignature>,
}

impl Checkpoint {
    /// Reads a signed note and checks the signature by `key`; those of others are passed over.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says what is wrong with it.
    pub fn open(note: &str, key: &LogKey) -> Result<Self, BadCheckpoint> {
        Self::open_by(note, slice::from_ref(key))
    }

    /// Reads a signed note and checks the signatures by `keys`, of which there must be one; those of
    /// others are passed over.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says what is wrong with it.
    pub(crate) fn open_by(note: &str, keys: &[LogKey]) -> Result<Self, BadCheckpoint> {
        Self::unchecked(note)?.by(keys)
    }

    /// Reads a signed note whose signatures are to be checked later.
    pub(crate) fn unchecked(note: &str) -> Result<Unchecked, BadCheckpoint> {
        let (body, lines) =
            note.split_once("\n\n").ok_or(BadCheckpoint::Malformed("it has no signatures"))?;
        let claim = Claim::parse(body)?;
        let end = lines.strip_suffix('\n');
        let mut signatures = Vec::new();
        for line in end.ok_or(BadCheckpoint::Malformed("it is cut off"))?.split('\n') {
            let (name, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .ok_or(BadCheckpoint::Malformed("a line among the signatures is none"))?;
            let bytes = Base64::decode_vec(signature);
            let bytes = bytes.map_err(|_| BadCheckpoint::Malformed("a signature is not base64"))?;
            if name == claim.origin {
                signatures.extend(<[u8; 68]>::try_from(bytes));
            }
        }
        Ok(Unchecked { claim, signatures })
    }

    /// Reads a signed note by one of `keys` for whatever log it names. Answers the name with the key
    /// that signed first.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says what is wrong with it.
    pub(crate) fn open_of(
        note: &str,
        keys: &[VerifyingKey],
    ) -> Result<(LogKey, Self), BadCheckpoint> {
        let origin = note.lines().next().unwrap_or_default();
        let named = keys.iter().map(|key| LogKey::named(origin, *key)).collect::<Option<Vec<_>>>();
        let named =
            named.ok_or(BadCheckpoint::Malformed("it does not begin with the name of a log"))?;
        let checkpoint = Self::open_by(note, &named)?;
        let first = checkpoint.signers(&named).next().cloned();
        Ok((first.ok_or(BadCheckpoint::WrongKey)?, checkpoint))
    }

    /// Reads a line of a log file whose signatures are to be checked later. `None` if it is no line of a
    /// checkpoint.
    pub(crate) fn of_line(line: &str) -> Option<Result<Unchecked, BadCheckpoint>> {
        let parts: Vec<_> = line.strip_prefix(LINE)?.split(' ').collect();
        let [origin, size, root, signatures @ ..] = parts.as_slice() else {
            return Some(Err(BadCheckpoint::Malformed("it does not have its four parts")));
        };
        if !(1..=2).contains(&signatures.len()) {
            return Some(Err(BadCheckpoint::Malformed("it does not have its four parts")));
        }
        let claim = Claim::parse(&format!("{origin}\n{size}\n{root}"));
        let decoded = |text: &&str| Base64::decode_vec(text).ok()?.try_into().ok();
        let signatures = signatures.iter().filter_map(decoded).collect();
        Some(claim.map(|claim| Unchecked { claim, signatures }))
    }

    /// Reads a line of a log file. `None` if it is no line of a checkpoint.
    pub(crate) fn open_line(line: &str, keys: &[LogKey]) -> Option<Result<Self, BadCheckpoint>> {
        Self::of_line(line).map(|opened| opened?.by(keys))
    }

    /// Those of `keys` that have signed it, in the order of the signatures.
    pub(crate) fn signers<'a>(&'a self, keys: &'a [LogKey]) -> impl Iterator<Item = &'a LogKey> {
        let by =
            move |signature: &'a [u8; 68]| keys.iter().find(|key| signature.starts_with(&key.id()));
        self.signatures.iter().filter_map(by)
    }

    /// Whether it is about the same lines.
    pub(crate) fn says(&self, claim: &Claim) -> bool {
        self.claim == *claim
    }

    /// What it says.
    pub(crate) fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Puts the signatures over the claim's note to it, each with its key.
    pub(crate) fn sealed(claim: Claim, signatures: &[(LogKey, [u8; 64])]) -> Self {
        let signed = |(key, signature): &(LogKey, [u8; 64])| {
            let mut bytes = [0; 68];
            let all = key.id().into_iter().chain(*signature);
            bytes.iter_mut().zip(all).for_each(|(to, byte)| *to = byte);
            bytes
        };
        let signatures = signatures.iter().map(signed).collect();
        Self { claim, signatures, cosignatures: Vec::new() }
    }

    /// How many leaves it covers.
    pub fn size(&self) -> u64 {
        self.claim.size
    }

    /// The root over them.
    pub fn root(&self) -> &Hash {
        &self.claim.root
    }

    /// The text that is signed.
    pub(crate) fn body(&self) -> String {
        self.claim.note()
    }

    /// The same, with the cosignature of a witness, in place of an earlier one of it.
    pub(crate) fn with(mut self, cosignature: Cosignature) -> Self {
        self.cosignatures.retain(|other| !other.is_by_same(&cosignature));
        self.cosignatures.push(cosignature);
        self
    }

    /// The line of a log file that repeats it, without line end.
    pub(crate) fn line(&self) -> String {
        let Claim { origin, size, root } = &self.claim;
        let signatures: Vec<_> = self.signatures.iter().map(|s| Base64::encode_string(s)).collect();
        format!("{LINE}{origin} {size} {root} {}", signatures.join(" "))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.claim.note())?;
        for signature in &self.signatures {
            let signature = Base64::encode_string(signature);
            writeln!(f, "\u{2014} {} {signature}", self.claim.origin)?;
        }
        self.cosignatures.iter().try_for_each(|cosignature| writeln!(f, "{cosignature}"))
    }
}

/// A checkpoint as it was read, which proves nothing yet.
#[derive(Clone, Debug)]
pub(crate) struct Unchecked {
    pub(crate) claim: Claim,
    signatures: Vec<[u8; 68]>,
}

impl Unchecked {
    /// With the signatures by `keys`, all of which must be good.
    pub(crate) fn by(self, keys: &[LogKey]) -> Result<Checkpoint, BadCheckpoint> {
        let Self { claim, signatures } = self;
        if keys.iter().all(|key| claim.origin != key.origin()) {
            return Err(BadCheckpoint::WrongOrigin(claim.origin));
        }
        let note = claim.note();
        let mut checked = Vec::new();
        for signature in signatures {
            let Some(key) = keys.iter().find(|key| signature.starts_with(&key.id())) else {
                continue;
            };
            let ed25519 = signature.last_chunk().ok_or(BadCheckpoint::WrongKey)?;
            key.key()
                .verify_strict(note.as_bytes(), &Signature::from_bytes(ed25519))
                .map_err(|_| BadCheckpoint::Forged)?;
            checked.push(signature);
        }
        if checked.is_empty() {
            return Err(BadCheckpoint::WrongKey);
        }
        Ok(Checkpoint { claim, signatures: checked, cosignatures: Vec::new() })
    }
}

/// What a checkpoint says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claim {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Claim {
    /// The text that is signed.
    pub(crate) fn note(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads three lines. Extension lines are refused: this log makes none.
    fn parse(body: &str) -> Result<Self, BadCheckpoint> {
        let lines: Vec<_> = body.split('\n').collect();
        let [origin, size, root] = lines.as_slice() else {
            return Err(BadCheckpoint::Malformed("it does not have three lines"));
        };
        let number: u64 =
            size.parse().map_err(|_| BadCheckpoint::Malformed("its size is not a number"))?;
        let root = Hash::parse(root);
        let root = root.ok_or(BadCheckpoint::Malformed("its root is not 32 bytes in base64"))?;
        if number.to_string() != *size {
            return Err(BadCheckpoint::Malformed("its size is not in plain decimal"));
        }
        Ok(Self { origin: (*origin).to_owned(), size: number, root })
    }
}

/// What is wrong with a checkpoint.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadCheckpoint {
    /// The signature is not by the key over this text.
    #[error("the checkpoint was edited or forged: its signature is not over this text")]
    Forged,
    /// Not a checkpoint.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// It has no signature that names the key.
    #[error("the checkpoint has no signature by this logger key")]
    WrongKey,
    /// It is about another log.
    #[error("the checkpoint is about another log, {0:?}")]
    WrongOrigin(String),
}

pub(crate) fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// How the line of a checkpoint begins in a log file.
const LINE: &str = "# checkpoint ";

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn made() -> (LogKey, Checkpoint) {
        let signer = SigningKey::from_bytes(&[5; 32]);
        let key = LogKey::of(signer.verifying_key());
        let origin = key.origin().to_owned();
        let claim = Claim { origin, size: 300, root: Hash::of_leaf(b"root") };
        let signature = signer.sign(claim.note().as_bytes()).to_bytes();
        (key.clone(), Checkpoint::sealed(claim, &[(key, signature)]))
    }

    #[test]
    fn it_reads_back_and_no_bit_can_be_flipped() {
        let (key, checkpoint) = made();
        let (note, line) = (checkpoint.to_string(), checkpoint.line());
        assert_eq!(Checkpoint::open(&note, &key).as_ref(), Ok(&checkpoint));
        assert_eq!(Checkpoint::open_line(&line, slice::from_ref(&key)), Some(Ok(checkpoint)));
        assert_eq!(Checkpoint::open_line("# Claviger 0.1.0", slice::from_ref(&key)), None);
        for place in 0..note.len() * 8 {
            let mut bytes = note.clone().into_bytes();
            bytes[place / 8] ^= 1 << (place % 8);
            let opened = str::from_utf8(&bytes).map(|note| Checkpoint::open(note, &key));
            assert!(!matches!(opened, Ok(Ok(_))), "bit {place}");
        }
    }

    #[test]
    fn further_signatures_are_passed_over() {
        let (key, checkpoint) = made();
        let note = format!("{checkpoint}\u{2014} witness.example AAAAAAAA\n");
        assert_eq!(Checkpoint::open(&note, &key), Ok(checkpoint));
    }

    #[test]
    fn two_keys_sign_and_either_is_enough() {
        let (key, first) = made();
        let signer = SigningKey::from_bytes(&[6; 32]);
        let other = LogKey::named(key.origin(), signer.verifying_key()).unwrap();
        let claim = first.claim.clone();
        let sign = |seed| SigningKey::from_bytes(&[seed; 32]).sign(claim.note().as_bytes());
        let signatures = [(other.clone(), sign(6).to_bytes()), (key.clone(), sign(5).to_bytes())];
        let both = Checkpoint::sealed(claim.clone(), &signatures);
        let (note, line) = (both.to_string(), both.line());
        let keys = [key.clone(), other.clone()];
        assert_eq!(Checkpoint::open_by(&note, &keys), Ok(both.clone()));
        assert_eq!(Checkpoint::open_line(&line, &keys), Some(Ok(both.clone())));
        assert_eq!(both.signers(&keys).collect::<Vec<_>>(), [&other, &key]);
        let pair = [*key.key(), *other.key()];
        assert_eq!(Checkpoint::open_of(&note, &pair), Ok((other.clone(), both)));
        for alone in [key, other] {
            let opened = Checkpoint::open(&note, &alone).unwrap();
            assert!(opened.says(&claim));
            let opened = Checkpoint::open_line(&line, slice::from_ref(&alone)).unwrap().unwrap();
            assert!(opened.says(&claim));
        }
        let three = format!("{line} {}", line.rsplit(' ').next().unwrap());
        assert!(matches!(
            Checkpoint::open_line(&three, &keys),
            Some(Err(BadCheckpoint::Malformed(_)))
        ));
    }

    #[test]
    fn another_key_and_another_name_are_told_apart() {
        let (key, checkpoint) = made();
        let note = checkpoint.to_string();
        let stranger = SigningKey::from_bytes(&[6; 32]).verifying_key();
        let other = LogKey::named(key.origin(), stranger).unwrap();
        assert_eq!(Checkpoint::open(&note, &other), Err(BadCheckpoint::WrongKey));
        let renamed = LogKey::named("another", *key.key()).unwrap();
        let origin = key.origin().to_owned();
        assert_eq!(Checkpoint::open(&note, &renamed), Err(BadCheckpoint::WrongOrigin(origin)));
    }

    #[test]
    fn a_checkpoint_of_go_is_taken() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = LogKey::parse(key).unwrap();
        // Its text is not one of a checkpoint, but its signature is by this key.
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let bytes = Base64::decode_vec(signature).unwrap();
        assert_eq!(bytes[..4], key.id());
        let signature = Signature::from_slice(&bytes[4..]).unwrap();
        key.key().verify_strict(text.as_bytes(), &signature).unwrap();
    }
}
