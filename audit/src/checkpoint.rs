//! Checkpoints: the size and the root of the tree, signed by the logger key
//! (C2SP tlog-checkpoint, signed-note).

use std::fmt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cosignature::Cosignature;
use crate::tree::Hash;

/// The public half of the logger key and the name of the log, which together check checkpoints.
/// Displayed it is a "vkey": the name, four bytes of its hash in hex, and the key in base64,
/// joined by `+` (C2SP signed-note).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogKey {
    origin: String,
    key: VerifyingKey,
}

impl LogKey {
    /// The key of a log that is named after its key, as logs are unless they are given a name:
    /// `claviger/` and the first 8 bytes of the key's SHA-256 in hex.
    pub fn of(key: VerifyingKey) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { origin: format!("claviger/{name}"), key }
    }

    /// The key of a log named `origin`: 1 to 100 characters of printable ASCII without space,
    /// `+` and `|`. `None` for other names.
    pub fn named(origin: &str, key: VerifyingKey) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'|');
        let good = (1..=100).contains(&origin.len()) && origin.bytes().all(plain);
        good.then(|| Self { origin: origin.to_owned(), key })
    }

    /// The key of a log that was begun anew `generation` times (see [`begin_anew`](crate::begin_anew)):
    /// the name of [`of`](Self::of), and from the first time on `/` and the number.
    pub fn of_generation(key: VerifyingKey, generation: u32) -> Self {
        let Self { origin, key } = Self::of(key);
        match generation {
            0 => Self { origin, key },
            _ => Self { origin: format!("{origin}/{generation}"), key },
        }
    }

    /// How often a log with this name was begun anew; 0 for names that were given.
    pub fn generation(&self) -> u32 {
        let Self { origin: first, .. } = Self::of(self.key);
        let number = self.origin.strip_prefix(&first).and_then(|rest| rest.strip_prefix('/'));
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// This key under the name that the vkey in `directory` gives it, if that is the name of this
    /// log or of one that was begun anew after it: the key itself is never taken from there.
    pub fn as_in(&self, directory: &Path) -> Self {
        let vkey = std::fs::read_to_string(directory.join(VKEY)).unwrap_or_default();
        let numbered = |key: &Self| *key == Self::of_generation(key.key, key.generation());
        let later = |found: &Self| {
            let same = found.key == self.key && numbered(self) && numbered(found);
            same && found.generation() >= self.generation()
        };
        Self::parse(&vkey).filter(later).unwrap_or_else(|| self.clone())
    }

    /// Reads a vkey of type Ed25519.
    pub fn parse(vkey: &str) -> Option<Self> {
        // The base64 may have a `+` of its own.
        let mut parts = vkey.trim().splitn(3, '+');
        let (origin, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = Base64::decode_vec(key).ok()?;
        let (ED25519, key) = bytes.split_first()? else { return None };
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let parsed = Self::named(origin, key)?;
        (id == hex(parsed.id())).then_some(parsed)
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The Ed25519 key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Names the key in signatures.
    fn id(&self) -> [u8; 4] {
        let digest: [u8; 32] = Sha256::new_with_prefix(&self.origin)
            .chain_update([b'\n', *ED25519])
            .chain_update(self.key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[*ED25519], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.origin, hex(self.id()), Base64::encode_string(&typed))
    }
}

/// A checkpoint whose signature was checked. Displayed it is the signed note, with the cosignatures
/// that it was given; those of a note that is read are passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    claim: Claim,
    /// The key's id and the Ed25519 signature.
    signature: [u8; 68],
    /// Of witnesses, one of each.
    cosignatures: Vec<Cosignature>,
}

impl Checkpoint {
    /// Reads a signed note and checks the signature by `key`; those of others are passed over.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says what is wrong with it.
    pub fn open(note: &str, key: &LogKey) -> Result<Self, BadCheckpoint> {
        let (body, signatures) =
            note.split_once("\n\n").ok_or(BadCheckpoint::Malformed("it has no signatures"))?;
        let claim = Claim::parse(body)?;
        let end = signatures.strip_suffix('\n');
        let mut found = None;
        for line in end.ok_or(BadCheckpoint::Malformed("it is cut off"))?.split('\n') {
            let (name, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .ok_or(BadCheckpoint::Malformed("a line among the signatures is none"))?;
            let bytes = Base64::decode_vec(signature);
            let bytes = bytes.map_err(|_| BadCheckpoint::Malformed("a signature is not base64"))?;
            if name == key.origin && bytes.starts_with(&key.id()) {
                found = found.or(<[u8; 68]>::try_from(bytes).ok());
            }
        }
        Self::check(claim, found, key)
    }

    /// Reads a signed note by `key` for whatever log it names.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says what is wrong with it.
    pub(crate) fn open_of(note: &str, key: VerifyingKey) -> Result<(LogKey, Self), BadCheckpoint> {
        let origin = note.lines().next().unwrap_or_default();
        let key = LogKey::named(origin, key);
        let key =
            key.ok_or(BadCheckpoint::Malformed("it does not begin with the name of a log"))?;
        let checkpoint = Self::open(note, &key)?;
        Ok((key, checkpoint))
    }

    /// Reads a line of a log file. `None` if it is no line of a checkpoint.
    pub(crate) fn open_line(line: &str, key: &LogKey) -> Option<Result<Self, BadCheckpoint>> {
        let parts: Vec<_> = line.strip_prefix(LINE)?.split(' ').collect();
        let [origin, size, root, signature] = parts.as_slice() else {
            return Some(Err(BadCheckpoint::Malformed("it does not have its four parts")));
        };
        let opened = Claim::parse(&format!("{origin}\n{size}\n{root}")).and_then(|claim| {
            let bytes = Base64::decode_vec(signature).ok().filter(|b| b.starts_with(&key.id()));
            Self::check(claim, bytes.and_then(|bytes| bytes.try_into().ok()), key)
        });
        Some(opened)
    }

    /// Puts the key's `signature` over the claim's note to it.
    pub(crate) fn sealed(claim: Claim, signature: [u8; 64], key: &LogKey) -> Self {
        let mut bytes = [0; 68];
        bytes.iter_mut().zip(key.id().into_iter().chain(signature)).for_each(|(to, b)| *to = b);
        Self { claim, signature: bytes, cosignatures: Vec::new() }
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
        format!("{LINE}{origin} {size} {root} {}", Base64::encode_string(&self.signature))
    }

    fn check(
        claim: Claim,
        signature: Option<[u8; 68]>,
        key: &LogKey,
    ) -> Result<Self, BadCheckpoint> {
        if claim.origin != key.origin {
            return Err(BadCheckpoint::WrongOrigin(claim.origin));
        }
        let signature = signature.ok_or(BadCheckpoint::WrongKey)?;
        let ed25519 = signature.last_chunk().ok_or(BadCheckpoint::WrongKey)?;
        key.key
            .verify_strict(claim.note().as_bytes(), &Signature::from_bytes(ed25519))
            .map_err(|_| BadCheckpoint::Forged)?;
        Ok(Self { claim, signature, cosignatures: Vec::new() })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (note, signature) = (self.claim.note(), Base64::encode_string(&self.signature));
        writeln!(f, "{note}\n\u{2014} {} {signature}", self.claim.origin)?;
        self.cosignatures.iter().try_for_each(|cosignature| writeln!(f, "{cosignature}"))
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

/// Where the vkey is written down for auditors.
pub(crate) const VKEY: &str = "logger.vkey";

/// How the line of a checkpoint begins in a log file.
const LINE: &str = "# checkpoint ";

/// The signature type of signed-note.
const ED25519: &u8 = &1;

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
        (key.clone(), Checkpoint::sealed(claim, signature, &key))
    }

    #[test]
    fn it_reads_back_and_no_bit_can_be_flipped() {
        let (key, checkpoint) = made();
        let (note, line) = (checkpoint.to_string(), checkpoint.line());
        assert_eq!(Checkpoint::open(&note, &key).as_ref(), Ok(&checkpoint));
        assert_eq!(Checkpoint::open_line(&line, &key), Some(Ok(checkpoint)));
        assert_eq!(Checkpoint::open_line("# Claviger 0.1.0", &key), None);
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
    fn a_vkey_reads_back() {
        let (key, _) = made();
        assert_eq!(LogKey::parse(&key.to_string()), Some(key.clone()));
        assert_eq!(LogKey::parse(&key.to_string().replacen("claviger", "other", 1)), None);
        // From the specification of Go's sumdb/note package.
        let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(LogKey::parse(known).unwrap().to_string(), known);
        for bad in ["", "a b", "a+b", "a|b", "\u{e9}"] {
            assert_eq!(LogKey::named(bad, *key.key()), None, "{bad}");
        }
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
