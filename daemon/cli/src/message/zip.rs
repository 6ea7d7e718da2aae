//! ZIP: one file is written, stored as it is; files are read that are stored or deflated.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A file.
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// A ZIP of one file.
pub(super) fn pack(name: &str, content: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    packed(name, content).ok_or_else(|| Failure::usage(format!("{name} can't be put into a ZIP")))
}

fn packed(name: &str, content: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !is_harmless(name) {
        return None;
    }
    let name_length = u16::try_from(name.len()).ok()?;
    let length = u32::try_from(content.len()).ok().filter(|length| *length < u32::MAX - 1024)?;
    let mut about = Vec::new();
    // Version 2.0, a name in UTF-8, stored, midnight on 1980-01-01.
    about.extend([20, 0x800, STORED, 0, 0x21].into_iter().flat_map(u16::to_le_bytes));
    about.extend([checksum(content), length, length].into_iter().flat_map(u32::to_le_bytes));
    about.extend([name_length, 0].into_iter().flat_map(u16::to_le_bytes));
    let header = 30 + u32::from(name_length);
    let mut zip = Zeroizing::new(Vec::with_capacity(content.len() + 2 * name.len() + 128));
    for part in [LOCAL, &about, name.as_bytes(), content] {
        zip.extend_from_slice(part);
    }
    for part in [CENTRAL, &[20, 0], &about, &[0; 14], name.as_bytes(), END, &[0; 4], &[1, 0, 1, 0]]
    {
        zip.extend_from_slice(part);
    }
    zip.extend_from_slice(&(46 + u32::from(name_length)).to_le_bytes());
    zip.extend_from_slice(&(header + length).to_le_bytes());
    zip.extend_from_slice(&[0; 2]);
    Some(zip)
}

/// The files in `zip`; `None` where it is damaged, of another kind, or has names that are paths.
pub(super) fn unpack(zip: &[u8]) -> Option<Vec<File>> {
    let (directory, end) = zip.split_at_checked(zip.len().checked_sub(22)?)?;
    let end = end.strip_prefix(END)?;
    let (count, start) = (short(end, 6)?, long(end, 12)?);
    let mut directory = directory.get(start..)?;
    let (mut files, mut room) = (Vec::new(), LONGEST);
    for _ in 0..count {
        let (file, rest) = entry(zip, directory, room)?;
        room = room.checked_sub(file.content.len())?;
        directory = rest;
        files.push(file);
    }
    directory.is_empty().then_some(files)
}

/// The first entry of the directory, and the rest of that.
fn entry<'a>(zip: &[u8], directory: &'a [u8], room: usize) -> Option<(File, &'a [u8])> {
    let about = directory.strip_prefix(CENTRAL)?;
    let (flags, method, sum) = (short(about, 4)?, short(about, 6)?, long(about, 12)?);
    let (packed, length) = (long(about, 16)?, long(about, 20)?);
    let (name_length, more) = (short(about, 24)?, [short(about, 26)?, short(about, 28)?]);
    let (start, rest) = (long(about, 38)?, about.get(42..)?);
    let (name, rest) = rest.split_at_checked(name_length)?;
    let name = std::str::from_utf8(name).ok().filter(|name| is_harmless(name))?;
    let rest = rest.get(more.iter().sum::<usize>()..)?;

    let local = zip.get(start..)?.strip_prefix(LOCAL)?;
    let before = 26 + short(local, 22)? + short(local, 24)?;
    let packed = local.get(before..)?.get(..packed)?;
    let limit = u64::try_from(room).ok()?.checked_add(1)?;
    let mut content = Zeroizing::new(Vec::with_capacity(packed.len()));
    match method {
        DEFLATED => DeflateDecoder::new(packed).take(limit).read_to_end(&mut content).ok()?,
        METHOD_STORED => packed.take(limit).read_to_end(&mut content).ok()?,
        _ => return None,
    };
    let sound = flags & 1 == 0
        && content.len() == length
        && content.len() <= room
        && usize::try_from(checksum(&content)).ok()? == sum;
    sound.then(|| (File { name: name.to_owned(), content }, rest))
}

fn checksum(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

/// Whether a file can be written under this name, and nothing else.
fn is_harmless(name: &str) -> bool {
    let path = |c: char| matches!(c, '/' | '\\') || c.is_control();
    !(name.is_empty() || name.len() > 255 || matches!(name, "." | "..") || name.contains(path))
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let (number, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u16::from_le_bytes(*number).into())
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let (number, _) = bytes.get(at..)?.split_first_chunk()?;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

const CENTRAL: &[u8] = b"PK\x01\x02";
const DEFLATED: usize = 8;
const END: &[u8] = b"PK\x05\x06";
const LOCAL: &[u8] = b"PK\x03\x04";
/// In bytes, all files together.
const LONGEST: usize = 64 << 20;
const METHOD_STORED: usize = 0;
const STORED: u16 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back() {
        for (name, content) in [("a", b"".as_slice()), ("\u{e4} b.txt", b"content")] {
            let zip = packed(name, content).unwrap();
            let files = unpack(&zip).unwrap();
            assert_eq!((files.len(), files[0].name.as_str()), (1, name));
            assert_eq!(files[0].content.as_slice(), content);
            for end in 0..zip.len() {
                assert!(unpack(&zip[..end]).is_none(), "{end}");
            }
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a\n"] {
            assert!(packed(bad, b"").is_none(), "{bad:?}");
        }
    }

    /// By Python's `zipfile`.
    #[test]
    fn deflated_files_of_others_are_read() {
        let zip = "504b03041400000008008318225c1a1cb48d0a0000003200000005000000682e747874cb48cdc9c9\
    cf20850000504b010214031400000008008318225c1a1cb48d0a00000032000000050000000000000000000000\
    800100000000682e747874504b05060000000001000100330000002d0000000000";
        let zip = base16ct::lower::decode_vec(zip).unwrap();
        let files = unpack(&zip).unwrap();
        assert_eq!((files.len(), files[0].name.as_str()), (1, "h.txt"));
        assert_eq!(files[0].content.as_slice(), "hello".repeat(10).as_bytes());
        let path: Vec<_> =
            zip.iter().map(|byte| if *byte == b'h' { b'/' } else { *byte }).collect();
        assert!(unpack(&path).is_none());
    }
}
