//! What checks checkpoints: a logger key under the name of a log (C2SP signed-note).

use std::fmt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::checkpoint::hex;
use crate::disk::{Directory, Shelf};

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

    /// How often a log with this name was begun anew (see [`begin_anew`](crate::begin_anew)): the number
    /// after the name of [`of`](Self::of) and `/`; 0 without, and for names that were given.
    pub fn generation(&self) -> u32 {
        self.numbered().map_or(0, |(_, generation)| generation)
    }

    /// The key `key` for the log that is begun after this one: of the next generation.
    pub(crate) fn next(&self, key: VerifyingKey) -> Self {
        let first = Self::of(key);
        let (name, generation) = self.numbered().unwrap_or((&first.origin, 0));
        Self { origin: format!("{name}/{}", generation.saturating_add(1)), key }
    }

    /// Whether the log was named after another key, from which this one has taken over since.
    pub(crate) fn is_later(&self) -> bool {
        let Self { origin: own, .. } = Self::of(self.key);
        self.numbered().is_some_and(|(name, _)| name != own)
    }

    /// This key under the name that the vkey in `directory` has, if that is the name of this log or of
    /// one that was begun anew after it. A key that came without a name takes any name that its own
    /// vkey there has. The key itself is never taken from there.
    pub fn as_in(&self, directory: &Path) -> Self {
        let vkey = Directory(directory.to_owned()).get(VKEY).ok().flatten().unwrap_or_default();
        let vkey = String::from_utf8_lossy(&vkey);
        let later = |found: &Self| {
            let (Some(own), Some(found_name)) = (self.numbered(), found.numbered()) else {
                return false;
            };
            let same_log = own.0 == found_name.0 && found_name.1 >= own.1;
            same_log || (found.key == self.key && *self == Self::of(self.key))
        };
        let found = Self::parse(&vkey).filter(later);
        found.map_or_else(|| self.clone(), |found| Self { origin: found.origin, key: self.key })
    }

    /// `claviger/` and 16 hex digits, and the generation after it.
    fn numbered(&self) -> Option<(&str, u32)> {
        let (name, rest) = self.origin.split_at_checked(25)?;
        let digits = name.strip_prefix("claviger/")?;
        if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        if rest.is_empty() {
            return Some((name, 0));
        }
        let number = rest.strip_prefix('/')?;
        let generation: u32 = number.parse().ok()?;
        (generation > 0 && generation.to_string() == number).then_some((name, generation))
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
    pub(crate) fn id(&self) -> [u8; 4] {
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

/// Where the vkey is written down for auditors.
pub(crate) const VKEY: &str = "logger.vkey";

/// The signature type of signed-note.
const ED25519: &u8 = &1;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ed25519_dalek::SigningKey;

    use super::*;

    fn of(seed: u8) -> LogKey {
        LogKey::of(SigningKey::from_bytes(&[seed; 32]).verifying_key())
    }

    #[test]
    fn a_vkey_reads_back() {
        let key = of(5);
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
    fn a_name_is_taken_from_the_directory_and_a_key_never() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (of(5), of(6));
        let successor = LogKey::named(first.origin(), *second.key()).unwrap();
        let put = |key: &LogKey| {
            let mut file = std::fs::File::create(folder.path().join(VKEY)).unwrap();
            file.write_all(key.to_string().as_bytes()).unwrap();
        };
        assert!(successor.is_later() && !first.is_later());
        put(&successor);
        assert_eq!(first.as_in(folder.path()), first);
        assert_eq!(second.as_in(folder.path()), successor);
        assert_eq!(of(7).as_in(folder.path()), of(7));
        let anew = first.next(*second.key());
        assert_eq!((anew.generation(), anew.is_later()), (1, true));
        put(&anew);
        assert_eq!(first.as_in(folder.path()), LogKey::named(anew.origin(), *first.key()).unwrap());
        assert_eq!(successor.as_in(folder.path()), anew);
        put(&first);
        assert_eq!(anew.as_in(folder.path()), anew, "an earlier one is another log");
    }
}
