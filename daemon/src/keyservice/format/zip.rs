//! ZIP, of which as much as files in a message need: files without folders, stored or deflated, on one
//! disk, not encrypted, without the 64-bit extension.
//!
//! What is read comes from strangers. Entries must stand one after the other in the order of the
//! directory, so that none is read twice; names must name a file and nothing around it; lengths and
//! checksums are compared with what was expanded, which is counted while it expands.

use std::io::Write;

use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use zeroize::Zeroizing;

use super::FormatError::{self, Malformed};
use super::Limits;

/// A file.
pub struct File {
    /// Its name, without a path.
    pub name: String,
    /// What is in it.
    pub content: Zeroizing<Vec<u8>>,
}

/// A ZIP of `files`. It names no time but 1980-01-01.
///
/// # Errors
/// [`FormatError::Malformed`] where a name can't be that of a file, or a file is too long for a ZIP.
pub fn pack(files: &[File]) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let longest = files.iter().map(|file| {
        file.content.len().saturating_add(file.name.len().saturating_mul(2)).saturating_add(256)
    });
    let longest = longest.fold(256, usize::saturating_add);
    let mut zip = Zeroizing::new(Vec::with_capacity(longest));
    let mut directory = Vec::new();
    for file in files {
        check_name(&file.name)?;
        let start = number(zip.len())?;
        let deflated = deflate(&file.content)?;
        let (method, packed) = match deflated.len() < file.content.len() {
            true => (DEFLATED, deflated.as_slice()),
            false => (STORED, file.content.as_slice()),
        };
        let about = about(file, method, packed.len())?;
        zip.extend_from_slice(LOCAL);
        zip.extend_from_slice(&about);
        zip.extend_from_slice(file.name.as_bytes());
        zip.extend_from_slice(packed);
        directory.extend_from_slice(CENTRAL);
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&about);
        // No comment, the first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&start.to_le_bytes());
        directory.extend_from_slice(file.name.as_bytes());
    }
    let (start, length) = (number(zip.len())?, number(directory.len())?);
    let count = u16::try_from(files.len()).map_err(|_| TOO_LONG)?;
    zip.extend_from_slice(&directory);
    zip.extend_from_slice(END);
    zip.extend_from_slice(&[0; 4]);
    zip.extend_from_slice(&count.to_le_bytes());
    zip.extend_from_slice(&count.to_le_bytes());
    zip.extend_from_slice(&length.to_le_bytes());
    zip.extend_from_slice(&start.to_le_bytes());
    zip.extend_from_slice(&[0; 2]);
    Ok(zip)
}

/// The files in `zip`.
///
/// # Errors
/// [`FormatError::Malformed`], [`FormatError::TooLarge`].
pub fn unpack(zip: &[u8], limits: Limits) -> Result<Vec<File>, FormatError> {
    let (directory, count) = directory(zip)?;
    if usize::from(count) > limits.entries {
        return Err(FormatError::TooLarge);
    }
    let start = zip.len().saturating_sub(directory.len());
    let (mut directory, mut files) = (Bytes(directory), Vec::new());
    // Where the next entry begins, and how much the last ones came to.
    let (mut next, mut taken) = (0, 0);
    for _ in 0..count {
        let entry = Entry::read(&mut directory)?;
        if entry.start != next {
            return Err(Malformed(
                "the entries of the ZIP must stand in their order, without gaps",
            ));
        }
        let packed = entry.packed(zip.get(..start).ok_or(BROKEN)?)?;
        next = packed.1;
        let content = entry.expand(packed.0, limits, taken)?;
        taken = content.len().saturating_add(taken);
        files.push(File { name: entry.name, content });
    }
    match directory.0.starts_with(END) && next == start {
        true => Ok(files),
        false => Err(BROKEN),
    }
}

/// What stands in the directory about a file.
struct Entry {
    method: u16,
    checksum: u32,
    packed: usize,
    length: usize,
    start: usize,
    name: String,
}

impl Entry {
    fn read(from: &mut Bytes<'_>) -> Result<Self, FormatError> {
        from.expect(CENTRAL)?;
        from.take(4)?;
        let (flags, method) = (from.short()?, from.short()?);
        if flags & !(BY_SPEED | LENGTHS_BEHIND | UTF8) != 0 {
            return Err(Malformed("the ZIP must not be encrypted"));
        }
        from.take(4)?;
        let (checksum, packed, length) = (from.long()?, from.length()?, from.length()?);
        let (name, extra, comment) = (from.short()?, from.short()?, from.short()?);
        from.take(8)?;
        let start = from.length()?;
        let name = std::str::from_utf8(from.take(name.into())?).map_err(|_| BAD_NAME)?;
        check_name(name)?;
        from.take(extra.into())?;
        from.take(comment.into())?;
        Ok(Self { method, checksum, packed, length, start, name: name.to_owned() })
    }

    /// Its bytes, and where what follows them begins.
    fn packed<'a>(&self, zip: &'a [u8]) -> Result<(&'a [u8], usize), FormatError> {
        let mut local = Bytes(zip.get(self.start..).ok_or(BROKEN)?);
        local.expect(LOCAL)?;
        local.take(2)?;
        let flags = local.short()?;
        local.take(18)?;
        let (name, extra) = (local.short()?, local.short()?);
        if local.take(name.into())? != self.name.as_bytes() {
            return Err(Malformed("an entry of the ZIP has two names"));
        }
        local.take(extra.into())?;
        let packed = local.take(self.packed)?;
        if flags & LENGTHS_BEHIND != 0 {
            // The signature before them may be left out.
            let longer = local.0.starts_with(BEHIND);
            local.take(if longer { 16 } else { 12 })?;
        }
        Ok((packed, zip.len().saturating_sub(local.0.len())))
    }

    fn expand(
        &self,
        packed: &[u8],
        limits: Limits,
        taken: usize,
    ) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let content = match self.method {
            DEFLATED => {
                let mut unpacker = DeflateDecoder::new(packed);
                let content = limits.expand(&mut unpacker, packed.len(), taken)?;
                if !unpacker.into_inner().is_empty() {
                    return Err(BROKEN);
                }
                content
            }
            STORED => limits.expand(packed, packed.len(), taken)?,
            _ => return Err(Malformed("files in the ZIP must be stored or deflated")),
        };
        match content.len() == self.length && checksum(&content) == self.checksum {
            true => Ok(content),
            false => Err(BROKEN),
        }
    }
}

/// All from the directory on, and how many entries there are.
fn directory(zip: &[u8]) -> Result<(&[u8], u16), FormatError> {
    let end = zip.len().checked_sub(END_LENGTH).ok_or(NO_ZIP)?;
    let mut last = Bytes(zip.get(end..).ok_or(NO_ZIP)?);
    last.expect(END).map_err(|_| NO_ZIP)?;
    let disks = last.long()?;
    let (here, count) = (last.short()?, last.short()?);
    let (length, start) = (last.length()?, last.length()?);
    if disks != 0 || here != count || start.checked_add(length) != Some(end) {
        return Err(BROKEN);
    }
    Ok((zip.get(start..).ok_or(BROKEN)?, count))
}

/// What both headers of a file have in common, from the version on.
fn about(file: &File, method: u16, packed: usize) -> Result<Vec<u8>, FormatError> {
    let shorts = [VERSION, UTF8, method, MIDNIGHT, FIRST_DAY];
    let longs = [checksum(&file.content), number(packed)?, number(file.content.len())?];
    let name = u16::try_from(file.name.len()).map_err(|_| BAD_NAME)?;
    let mut about: Vec<u8> = shorts.into_iter().flat_map(u16::to_le_bytes).collect();
    about.extend(longs.into_iter().flat_map(u32::to_le_bytes));
    about.extend([name, 0].into_iter().flat_map(u16::to_le_bytes));
    Ok(about)
}

fn deflate(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let longest = plain.len().saturating_add(plain.len() / 1000).saturating_add(1 << 10);
    let mut packed = Zeroizing::new(Vec::with_capacity(longest));
    let mut packer = DeflateEncoder::new(&mut *packed, Compression::best());
    packer.write_all(plain).map_err(|_| FormatError::Internal)?;
    packer.finish().map_err(|_| FormatError::Internal)?;
    Ok(packed)
}

fn checksum(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

/// A name that can do no harm where somebody writes the file under it.
fn check_name(name: &str) -> Result<(), FormatError> {
    let path = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    match name.is_empty() || name.len() > 255 || matches!(name, "." | "..") || name.contains(path) {
        true => Err(BAD_NAME),
        false => Ok(()),
    }
}

fn number(length: usize) -> Result<u32, FormatError> {
    // The highest one says that the number is elsewhere.
    u32::try_from(length).ok().filter(|length| *length < u32::MAX).ok_or(TOO_LONG)
}

/// What was not read yet; numbers have their low byte first.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(BROKEN)?;
        self.0 = rest;
        Ok(taken)
    }

    fn expect(&mut self, what: &[u8]) -> Result<(), FormatError> {
        if self.take(what.len())? == what { Ok(()) } else { Err(BROKEN) }
    }

    fn short(&mut self) -> Result<u16, FormatError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(BROKEN)?;
        self.0 = rest;
        Ok(u16::from_le_bytes(*bytes))
    }

    fn long(&mut self) -> Result<u32, FormatError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(BROKEN)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn length(&mut self) -> Result<usize, FormatError> {
        usize::try_from(self.long()?).map_err(|_| BROKEN)
    }
}

const BAD_NAME: FormatError = Malformed("a file's name must be UTF-8, 1 to 255 bytes, and no path");
const BEHIND: &[u8] = b"PK\x07\x08";
const BROKEN: FormatError = Malformed("the ZIP is damaged or of a kind that is not read here");
const BY_SPEED: u16 = 6;
const CENTRAL: &[u8] = b"PK\x01\x02";
const DEFLATED: u16 = 8;
const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const FIRST_DAY: u16 = 0x21;
const LENGTHS_BEHIND: u16 = 8;
const LOCAL: &[u8] = b"PK\x03\x04";
const MIDNIGHT: u16 = 0;
const NO_ZIP: FormatError = Malformed("this is no ZIP, or one with a comment");
const STORED: u16 = 0;
const TOO_LONG: FormatError = Malformed("there is more than a ZIP can hold");
const UTF8: u16 = 0x800;
const VERSION: u16 = 20;

#[cfg(test)]
#[path = "zip_tests.rs"]
mod tests;
