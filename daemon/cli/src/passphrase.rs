//! Where the passphrase comes from: a file, a pipe, or a terminal without echo. Never an option.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Reads the passphrase from the file, or from standard input when the path is `-`. One line end
/// at the end is not part of it. UTF-8, not empty, at most 4096 bytes.
pub(crate) fn read(path: &Path) -> Result<SecretString, Failure> {
    let bytes = if path != Path::new("-") {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        all_of(file).map_err(|error| unreadable(path, &error))?
    } else if io::stdin().is_terminal() {
        ask().map_err(|error| unreadable(path, &error))?
    } else {
        all_of(io::stdin().lock()).map_err(|error| unreadable(path, &error))?
    };
    from_bytes(&bytes)
}

fn from_bytes(bytes: &[u8]) -> Result<SecretString, Failure> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line)
        .map_err(|_| Failure::usage("the passphrase is not UTF-8 text"))?;
    if text.is_empty() {
        return Err(Failure::usage("the passphrase is empty"));
    }
    if text.len() > LIMIT {
        return Err(Failure::usage(format!("the passphrase is longer than {LIMIT} bytes"))
            .hint("is this the right file?"));
    }
    Ok(text.into())
}

/// One read more than the limit, so that a file that is too long is noticed. The buffer never
/// grows: growing would leave copies behind that nobody wipes.
fn all_of(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; LIMIT + 2]);
    let mut source = source;
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Asks on the terminal, with echo off until the line is read.
fn ask() -> io::Result<Zeroizing<Vec<u8>>> {
    let quiet = Quiet::begin()?;
    write!(io::stderr(), "Passphrase: ")?;
    let line = one_line(io::stdin().lock());
    drop(quiet);
    writeln!(io::stderr())?;
    line
}

fn one_line(source: impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LIMIT + 2));
    for byte in source.bytes() {
        let byte = byte?;
        if byte == b'\n' || line.len() > LIMIT {
            break;
        }
        line.push(byte);
    }
    Ok(line)
}

/// Echo is off while this lives.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // a terminal that is gone needs no echo
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.before);
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read the passphrase from {}: {error}", path.display()))
        .hint("--passphrase-file takes a file, or - for standard input")
}

const LIMIT: usize = 4096;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{LIMIT, all_of, from_bytes, one_line};

    #[test]
    fn one_line_end_is_left_out() {
        for (bytes, expected) in
            [("pass", "pass"), ("pass\n", "pass"), ("pass\r\n", "pass"), ("p w \n\n", "p w \n")]
        {
            assert_eq!(from_bytes(bytes.as_bytes()).unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn empty_overlong_and_binary_passphrases_are_refused() {
        assert!(from_bytes(b"").is_err() && from_bytes(b"\n").is_err());
        assert!(from_bytes(&[0xff, 0xfe]).is_err());
        assert!(from_bytes(&vec![b'x'; LIMIT]).is_ok());
        let read = all_of(vec![b'x'; LIMIT * 3].as_slice()).unwrap();
        assert!(from_bytes(&read).is_err());
    }

    #[test]
    fn a_terminal_gives_one_line() {
        assert_eq!(one_line(&b"first\nsecond\n"[..]).unwrap().as_slice(), b"first");
    }
}
