//! What the HEM format alone lets through: whoever can read a file has its key, and can make new tags
//! for whatever they write. A device's own check passes, that of the tree does not.

use std::fs;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::node::{Node, TestKey, is_long};

/// Five ways to write another log, each with right tags: a line edited, taken out, put in, two of them
/// in the other order, the rest cut off.
#[test]
fn five_forgeries_with_right_tags() {
    let node = Node::with_runs(&[300]);
    let name = node.files().remove(0);
    let text = node.text(&name);
    let all: Vec<_> = text.lines().collect();
    let record = |at: &usize| !all[*at].starts_with('#');
    let places: Vec<_> =
        (2..all.len()).filter(record).step_by(if is_long() { 1 } else { 10 }).collect();
    node.each(&places, |node, at| {
        let at = *at;
        let found = |lines: &[&str], line: usize, what: &str| {
            let text = tagged_anew(lines);
            is_right_by_itself(&text);
            node.found_at(&name, text.as_bytes(), line, &format!("line {}: {what}", at + 1)).name()
        };
        let mut edited = all.clone();
        let subject = all[at].replacen("|U|", "|M|", 1);
        edited[at] = &subject;
        assert_eq!(found(&edited, at + 1, "edited"), "forged_tag");
        let mut fewer = all.clone();
        fewer.remove(at);
        // The next line now has this one's number, so nothing else differs before.
        found(&fewer, at + 1, "taken out");
        let mut more = all.clone();
        more.insert(at, &subject);
        found(&more, at + 1, "put in");
        if let Some(next) = (at + 1..all.len()).find(record) {
            let mut swapped = all.clone();
            swapped.swap(at, next);
            found(&swapped, at + 1, "put after the next one");
        }
        assert_eq!(found(&all[..at], at, "cut off from here on"), "truncated");
    });
}

/// The file of another log by the same key, signed like this one's. Where it stands at the beginning it may
/// be the file after it that does not fit.
#[test]
fn a_file_of_the_same_key_in_the_place_of_another() {
    let (node, other) = (Node::with_runs(&[5, 5]), Node::with_runs(&[5, 5]));
    for (name, theirs) in node.files().iter().zip(other.files()) {
        let text = other.text(&theirs);
        is_right_by_itself(&text);
        let flaw = node.flaw_with(name, text.as_bytes(), "another log's file");
        assert!(flaw.file >= *name, "{flaw}");
    }
}

/// Found all the same, but not to the line: it is the named one, or one after it. That holds where
/// lines were written while their checkpoint was signed, and stand before its own line, too.
#[test]
fn right_tags_on_other_lines_without_the_tiles() {
    let covered = |line: &str| line.strip_prefix("# checkpoint ")?.split(' ').nth(1)?.parse().ok();
    let lags = |text: &str| {
        let lines = text.lines().enumerate();
        lines.filter(|(at, line)| covered(line).is_some_and(|size: usize| size < *at)).count() > 1
    };
    let node = Node::new();
    node.run_late(60);
    let name = node.files().remove(0);
    assert!(lags(&node.text(&name)));
    let text = node.text(&name);
    let all: Vec<_> = text.lines().collect();
    fs::remove_file(node.path("tree")).unwrap();
    for at in (2..all.len()).filter(|at| !all[*at].starts_with('#')) {
        let mut edited = all.clone();
        let subject = all[at].replacen("|U|", "|M|", 1);
        edited[at] = &subject;
        let flaw = node.flaw_with(&name, tagged_anew(&edited).as_bytes(), "edited");
        let before = all[..at].iter().filter_map(|line| covered(line)).next_back().unwrap_or(0);
        let line = usize::try_from(flaw.finding.line).unwrap();
        assert!((before + 1..=at + 1).contains(&line), "line {}: {flaw}", at + 1);
    }
}

/// The format's own check takes it.
fn is_right_by_itself(text: &str) {
    let key = TestKey::new().key.verifying_key();
    audit::verify(text.as_bytes(), &key).unwrap();
}

/// The same records, numbered and tagged as the file's own key would have it, and none of them before
/// the one above.
pub(crate) fn tagged_anew(lines: &[&str]) -> String {
    let (mut text, mut sequence, mut mac, mut time) = (String::new(), 0, None, 0);
    for line in lines {
        let mut fields: Vec<_> = line.split('|').map(str::to_owned).collect();
        if fields.len() == 7 {
            let key = || Base64UrlUnpadded::decode_vec(&fields[4]).unwrap();
            let mac = mac.get_or_insert_with(|| Hmac::<Sha256>::new_from_slice(&key()).unwrap());
            time = u32::from_str_radix(&fields[1], 16).unwrap().max(time);
            fields[0] = format!("{sequence:x}");
            fields[1] = format!("{time:x}");
            fields[6] = String::new();
            let head = fields.join("|");
            let mut mac = mac.clone();
            mac.update(head.as_bytes());
            let tag: [u8; 32] = mac.finalize().into_bytes().into();
            text.push_str(&format!("{head}{}\r\n", Base64UrlUnpadded::encode_string(&tag[..16])));
            sequence += 1;
        } else {
            text.push_str(&format!("{line}\r\n"));
        }
    }
    text
}
