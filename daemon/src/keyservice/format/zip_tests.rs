use super::*;

fn file(name: &str, content: &[u8]) -> File {
    File { name: name.into(), content: Zeroizing::new(content.to_vec()) }
}

fn packed() -> Vec<u8> {
    let files =
        [file("a.txt", &b"a text ".repeat(100)), file("\u{e4}.bin", &[1, 2, 3]), file("e", b"")];
    pack(&files).unwrap().to_vec()
}

fn refused(zip: &[u8]) -> FormatError {
    unpack(zip, Limits::default()).map(|files| files.len()).unwrap_err()
}

#[test]
fn files_come_back() {
    let zip = packed();
    assert!(zip.len() < 700, "the first was compressed");
    let files = unpack(&zip, Limits::default()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "\u{e4}.bin", "e"]);
    assert_eq!(files[0].content.as_slice(), b"a text ".repeat(100));
    assert_eq!(files[1].content.as_slice(), [1, 2, 3]);
    assert!(files[2].content.is_empty());
    assert!(unpack(&pack(&[]).unwrap(), Limits::default()).unwrap().is_empty());
}

/// Two files by Python's zipfile, one of them as to a pipe, with its lengths behind it.
#[test]
fn files_of_others_are_read() {
    for (zip, content) in [(OTHERS, "hello".repeat(10)), (PIPED, "hello".repeat(10))] {
        let zip = base16ct::lower::decode_vec(zip).unwrap();
        let files = unpack(&zip, Limits::default()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(
            (files[0].name.as_str(), files[0].content.as_slice()),
            ("h.txt", content.as_bytes())
        );
    }
}

#[test]
fn what_is_broken_anywhere_is_refused_or_the_same() {
    let zip = packed();
    let good: Vec<_> = contents(&zip);
    for end in 0..zip.len() {
        refused(&zip[..end]);
    }
    for at in 0..zip.len() {
        let mut changed = zip.clone();
        changed[at] ^= 0x41;
        if let Ok(files) = unpack(&changed, Limits::default()) {
            let same = files.iter().map(|file| file.content.to_vec()).collect::<Vec<_>>();
            assert_eq!(same, good, "byte {at}");
        }
    }
    for longer in [[zip.as_slice(), b"x"].concat(), [b"x", zip.as_slice()].concat()] {
        refused(&longer);
    }
}

fn contents(zip: &[u8]) -> Vec<Vec<u8>> {
    let files = unpack(zip, Limits::default()).unwrap();
    files.iter().map(|file| file.content.to_vec()).collect()
}

#[test]
fn lengths_that_are_told_are_not_believed() {
    let bomb = pack(&[file("zeros", &vec![0; 20 << 20])]).unwrap();
    assert!(bomb.len() < 64 << 10);
    assert_eq!(refused(&bomb), FormatError::TooLarge);
    // It says that it expands to nothing.
    let mut liar = bomb.to_vec();
    let directory = liar.len() - END_LENGTH - 46 - 5;
    liar[directory + 24..directory + 28].fill(0);
    assert_eq!(refused(&liar), FormatError::TooLarge);
    // It says that it expands to much.
    let mut liar = pack(&[file("a", b"abc")]).unwrap().to_vec();
    let directory = liar.len() - END_LENGTH - 46 - 1;
    liar[directory + 24..directory + 28].fill(0xf0);
    assert_eq!(refused(&liar), BROKEN);
}

#[test]
fn the_files_count_together() {
    let files: Vec<_> = (0..17).map(|n| file(&n.to_string(), b"x")).collect();
    assert_eq!(refused(&pack(&files).unwrap()), FormatError::TooLarge);
    let limits = Limits { bytes: 1000, ..Limits::default() };
    let two = pack(&[file("a", &[7; 600]), file("b", &[7; 401])]).unwrap();
    assert_eq!(unpack(&two, limits).map(|_| ()).unwrap_err(), FormatError::TooLarge);
    let two = pack(&[file("a", &[7; 600]), file("b", &[7; 400])]).unwrap();
    assert_eq!(unpack(&two, limits).unwrap().len(), 2);
}

#[test]
fn an_entry_is_not_read_twice() {
    let one = pack(&[file("a", b"abc")]).unwrap().to_vec();
    let (before, last) = one.split_at(one.len() - END_LENGTH);
    let (entry, directory) = before.split_at(before.len() - 46 - 1);
    let mut last = last.to_vec();
    last[8..12].copy_from_slice(&[2, 0, 2, 0]);
    last[12] *= 2;
    let overlapping = [entry, directory, directory, &last].concat();
    assert!(matches!(refused(&overlapping), Malformed(why) if why.contains("order")));
}

#[test]
fn names_are_those_of_files() {
    let long = "x".repeat(256);
    for bad in ["", ".", "..", "a/b", "/a", "a\\b", "c:d", "a\0", "a\n", &long] {
        assert_eq!(pack(&[file(bad, b"x")]).map(|_| ()).unwrap_err(), BAD_NAME, "{bad:?}");
    }
    let zip = pack(&[file("a_b", b"x")]).unwrap();
    let harmful: Vec<_> = zip.iter().map(|byte| if *byte == b'_' { b'/' } else { *byte }).collect();
    assert_eq!(refused(&harmful), BAD_NAME);
}

const OTHERS: &str = "504b03041400000008008318225c1a1cb48d0a0000003200000005000000682e747874cb48cdc9c9\
    cf20850000504b010214031400000008008318225c1a1cb48d0a00000032000000050000000000000000000000\
    800100000000682e747874504b05060000000001000100330000002d0000000000";
const PIPED: &str = "504b03041400080008008318225c00000000000000000000000005000000682e747874cb48cdc9c9\
    cf20850000504b07081a1cb48d0a00000032000000504b010214031400080008008318225c1a1cb48d0a000000\
    32000000050000000000000000000000800100000000682e747874504b05060000000001000100330000003d00\
    00000000";
