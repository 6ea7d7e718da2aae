//! The memory of a PIN that was refused. Tokens lock themselves after a few wrong ones, and whatever
//! starts the daemon again knows nothing about that.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use zeroize::Zeroizing;

use super::errors::Failure;
use crate::hmac::hmac;
use crate::key_type::SecretDigest;

/// A file that is empty, or says that a PIN was refused: lines for people, then 16 random bytes and
/// the check of the PIN under them, in hexadecimal.
///
/// The check has 8 bits. That is enough to know the same PIN again, and too little to be a help to
/// somebody who guesses it; one PIN of 256 that was mended is taken for the old one, and then the
/// file has to be removed.
#[derive(Debug)]
pub(crate) struct Refusals(File);

impl Refusals {
    /// The file, open to be read and written.
    pub(crate) fn in_file(file: File) -> Self {
        Self(file)
    }

    /// Whether the last PIN that was refused is, as far as can be told, this one.
    ///
    /// # Errors
    /// The file can't be read, or was written by somebody else.
    pub(crate) fn has(&self, pin: &[u8]) -> io::Result<bool> {
        let text = self.text()?;
        let Some(line) = text.lines().last() else { return Ok(false) };
        let noted = line
            .split_once(' ')
            .and_then(|(salt, check)| Some((hex::<SALT>(salt)?, hex::<1>(check)?)));
        let (salt, [check]) =
            noted.ok_or_else(|| io::Error::other("the file pin-refused is damaged: remove it"))?;
        Ok(check_of(&salt, pin)? == check)
    }

    /// This PIN was refused. It is on the disk when this returns.
    ///
    /// # Errors
    /// The disk's, or the system has no random bytes.
    pub(crate) fn note(&self, pin: &[u8]) -> io::Result<()> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let mut line = String::from(FOR_PEOPLE);
        salt.iter().for_each(|byte| line.push_str(&format!("{byte:02x}")));
        line.push_str(&format!(" {:02x}\n", check_of(&salt, pin)?));
        self.0.set_len(0)?;
        (&self.0).rewind()?;
        (&self.0).write_all(line.as_bytes())?;
        self.0.sync_all()
    }

    /// A PIN was taken.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn clear(&self) -> io::Result<()> {
        if self.0.metadata()?.len() == 0 {
            return Ok(());
        }
        self.0.set_len(0)?;
        self.0.sync_all()
    }

    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        (&self.0).rewind()?;
        (&self.0).take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    }
}

fn check_of(salt: &[u8; SALT], pin: &[u8]) -> io::Result<u8> {
    let mac: Result<Zeroizing<Vec<u8>>, Failure> = hmac(SecretDigest::Sha2_256, salt, pin);
    let first = mac.ok().and_then(|mac| mac.first().copied());
    first.ok_or_else(|| io::Error::other("the PIN can't be checked"))
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

const SALT: usize = 16;

const LONGEST: u64 = 1024;

const FOR_PEOPLE: &str = "The token refused the PIN, and it is not tried again by itself.\n\
    Mend the PIN and start the daemon. Where the PIN is right and the token was locked, unlock the\n\
    token and remove this file.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refused_pin_is_known_again_and_others_are_not() {
        let refusals = Refusals::in_file(tempfile::tempfile().unwrap());
        assert!(!refusals.has(b"1234").unwrap());
        refusals.note(b"a long one that was refused").unwrap();
        refusals.note(b"1234").unwrap();
        assert!(refusals.has(b"1234").unwrap());
        let taken = (0..=255).filter(|other| refusals.has(&[*other, b'x']).unwrap()).count();
        assert!(taken < 10, "a check of 8 bits tells most others apart: {taken}");
        refusals.clear().unwrap();
        assert!(!refusals.has(b"1234").unwrap());
    }

    #[test]
    fn it_does_not_hold_the_pin_and_damage_is_told() {
        let refusals = Refusals::in_file(tempfile::tempfile().unwrap());
        refusals.note(b"seventeen").unwrap();
        assert!(!refusals.text().unwrap().contains("seventeen"));
        (&refusals.0).write_all(b"something\n").unwrap();
        assert!(refusals.has(b"seventeen").unwrap_err().to_string().contains("remove it"));
    }
}
