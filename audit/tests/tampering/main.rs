//! A log of a node under every change that a hand or a disk can make to it: all are found, and
//! the first bad line is the right one.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

mod bits;
mod forgeries;
mod node;
mod states;
mod tails;
mod visits;

use audit::{LogKey, check_proof, prove, prove_consistency, verify_node};
use ed25519_dalek::SigningKey;

use node::{Node, TestKey, lines};

#[test]
fn every_line_dropped_doubled_and_swapped() {
    let node = Node::with_runs(&[300]);
    let name = &node.files().remove(0);
    let file = node.read(name);
    let lines = lines(&file);
    assert!(lines.len() > 302);
    let places: Vec<_> = (0..lines.len()).collect();
    node.each(&places, |node, at| {
        let at = *at;
        let dropped = [&lines[..at], &lines[at + 1..]].concat().concat();
        // Of the last one only the line before it is left to be named.
        let line = if at + 1 < lines.len() { at + 1 } else { at };
        node.found_at(name, &dropped, line, &format!("line {} dropped", at + 1));
        let doubled = [&lines[..=at], &lines[at..]].concat().concat();
        node.found_at(name, &doubled, at + 2, &format!("line {} doubled", at + 1));
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            node.found_at(name, &swapped.concat(), at + 1, &format!("line {} swapped", at + 1));
        }
    });
}

#[test]
fn files_taken_away_put_in_or_swapped() {
    let node = Node::with_runs(&[4, 4, 4]);
    let files = node.files();
    let contents: Vec<_> = files.iter().map(|name| node.read(name)).collect();
    for (at, name) in files.iter().enumerate() {
        node.remove(name);
        let flaw = node.check().unwrap_err();
        let expected = if at == 2 {
            "truncated"
        } else if at == 1 {
            "lines_missing"
        } else {
            "forged_tag"
        };
        assert_eq!(flaw.finding.cause.name(), expected, "{at}: {flaw}");
        node.put(name, &contents[at]);
    }
    node.put("00000001.log", &contents[0]);
    assert!(node.check().is_err());
    node.remove("00000001.log");
    node.put(&files[0], &contents[1]);
    node.put(&files[1], &contents[0]);
    assert!(node.check().is_err());
}

#[test]
fn another_key_another_name_and_no_checkpoint() {
    let node = Node::with_runs(&[4]);
    let key = TestKey::log_key();
    let cause = |key: &LogKey| {
        let flaw = verify_node(node.home(), key, None).unwrap_err();
        (flaw.file, flaw.finding.cause.name())
    };
    let stranger = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let other = LogKey::named(key.origin(), stranger).unwrap();
    assert_eq!(cause(&other), ("checkpoint".to_owned(), "wrong_key"));
    let renamed = LogKey::named("example.org/log", *key.key()).unwrap();
    assert_eq!(cause(&renamed), ("checkpoint".to_owned(), "wrong_origin"));
    let note = node.read("checkpoint");
    node.remove("checkpoint");
    assert_eq!(cause(&key), ("checkpoint".to_owned(), "no_checkpoint"));
    node.put("checkpoint", &note);
    node.check().unwrap();
}

#[test]
fn proofs_from_the_files_alone() {
    let node = Node::with_runs(&[150, 150]);
    let (key, size) = (TestKey::log_key(), node.checkpoint().size());
    let text: String = node.files().iter().map(|name| node.text(name)).collect();
    for (index, line) in text.lines().enumerate().take(usize::try_from(size).unwrap()).step_by(7) {
        let index = u64::try_from(index).unwrap();
        let proof = prove(node.home(), &key, index).unwrap().unwrap();
        let (proved, checkpoint) = check_proof(&proof, line.as_bytes(), &key).unwrap();
        assert_eq!((proved, checkpoint), (index, node.checkpoint()));
        assert!(check_proof(&proof, b"another line", &key).is_err());
    }
    assert_eq!(prove(node.home(), &key, size).unwrap(), None);
    assert_eq!(prove_consistency(node.home(), &key, size + 1).unwrap(), None);
    let proof = prove_consistency(node.home(), &key, 100).unwrap().unwrap();
    assert!(proof.starts_with(&format!("old 100\nnew {size}\n")));
}
