//! A verification that goes on from an earlier one: it finds what one from the start finds in the lines
//! after that.

use std::collections::VecDeque;

use audit::{BadVisit, Flaw, Follow, Known, LogKey, NodeSummary, Visit, verify_node_from};
use ed25519_dalek::SigningKey;

use crate::node::{Node, TestKey, lines};

/// Keeps every visit.
#[derive(Default)]
struct Visits {
    all: VecDeque<Visit>,
    read: Vec<(u64, u64)>,
}

impl Follow for Visits {
    fn read(&mut self, bytes: u64, of: u64) {
        self.read.push((bytes, of));
    }

    fn reached(&mut self, visit: Visit) {
        self.all.push_back(visit);
    }
}

fn visits(node: &Node) -> Visits {
    let mut visits = Visits::default();
    verify_node_from(node.home(), &TestKey::log_key(), Known::Nothing, &mut visits).unwrap();
    visits
}

fn from(node: &Node, visit: &Visit) -> Result<NodeSummary, Flaw> {
    let (known, follow) = (Known::Visit(visit), &mut Visits::default());
    verify_node_from(node.home(), &TestKey::log_key(), known, follow)
}

#[test]
fn what_a_later_run_says_is_what_one_from_the_start_says() {
    let node = Node::with_runs(&[40, 30]);
    let mut early = visits(&node);
    let whole: usize = node.files().iter().map(|name| node.read(name).len()).sum();
    let whole = u64::try_from(whole).unwrap();
    assert_eq!(early.read.last(), Some(&(whole, whole)));
    // A busy machine signs fewer checkpoints.
    while early.all.len() <= 10 {
        node.run(50);
        early.all.append(&mut visits(&node).all);
    }
    let whole = node.check().unwrap();
    for visit in &early.all {
        let again = Visit::read(&visit.to_text(), &TestKey::log_key()).unwrap();
        assert_eq!(again, *visit);
        assert_eq!(from(&node, &again).unwrap(), whole);
    }
}

#[test]
fn a_change_after_the_visit_is_found_and_one_before_is_not_looked_for() {
    let node = Node::with_runs(&[10, 60]);
    let (all, whole) = (visits(&node).all, node.check().unwrap());
    let (first, visit) = (&all[0], &all[all.len() / 2]);
    let name = &node.files()[1];
    let file = node.read(name);
    let all = lines(&file);
    // The line that the visit ended with, if it is in this file.
    let root = visit.checkpoint().root().to_string();
    let end = all.iter().position(|line| String::from_utf8_lossy(line).contains(&root));
    let mut start = 0;
    for (at, line) in all.iter().enumerate() {
        let mut changed = file.clone();
        changed[start + line.len() / 2] ^= 1;
        start += line.len();
        let found = |visit| {
            node.with(name, &changed, || from(&node, visit))
                .map_err(|flaw| usize::try_from(flaw.finding.line).unwrap())
        };
        assert_eq!(found(first), Err(at + 1), "line {}", at + 1);
        let is_read_again = end.is_none_or(|end| at > end);
        assert_eq!(found(visit), if is_read_again { Err(at + 1) } else { Ok(whole) });
    }
}

#[test]
fn what_was_put_back_or_cut_since_the_visit_is_found() {
    let node = Node::with_runs(&[10, 10]);
    let old = node.copy();
    node.run(20);
    let visit = visits(&node).all.pop_back().unwrap();
    let cause = |node: &Node| from(node, &visit).unwrap_err().finding.cause.name();
    assert_eq!(cause(&old), "lines_missing");
    // The daemon goes on from there.
    while old.checkpoint().size() <= node.checkpoint().size() {
        old.run(20);
    }
    assert!(from(&old, &visit).is_err());
    let last = node.files().pop().unwrap();
    let file = node.read(&last);
    let cut = node.with(&last, &file[..file.len() / 2], || cause(&node));
    assert_eq!(cut, "rolled_back");
    let note = old.read("checkpoint");
    assert!(node.with("checkpoint", &note, || from(&node, &visit)).is_err());
    let first = node.files().remove(0);
    let whole = node.read(&first);
    node.remove(&first);
    assert_eq!(cause(&node), "lines_missing");
    node.put(&first, &whole);
    from(&node, &visit).unwrap();
}

#[test]
fn a_visit_that_was_edited_or_is_of_another_log_is_refused() {
    let node = Node::with_runs(&[30]);
    let text = visits(&node).all.pop_back().unwrap().to_text();
    let key = TestKey::log_key();
    let stranger = LogKey::of(SigningKey::from_bytes(&[1; 32]).verifying_key());
    assert!(matches!(Visit::read(&text, &stranger), Err(BadVisit::Checkpoint(_))));
    assert!(matches!(Visit::read(&text[1..], &key), Err(BadVisit::Malformed)));
    assert!(matches!(Visit::read("{}", &key), Err(BadVisit::Malformed)));
    // A hash of the tree: its first character.
    let at = text.find("\"edge\"").unwrap();
    let at = at + text[at..].find("=\"").unwrap() - 10;
    let mut edited = text.clone().into_bytes();
    edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
    let edited = String::from_utf8(edited).unwrap();
    assert!(matches!(Visit::read(&edited, &key), Err(BadVisit::Tree)), "{edited}");
    // What is believed can be wrong, and is found out by the lines.
    let moved = text.replacen("\"line\": ", "\"line\": 1", 1);
    let offset = text.replacen("\"offset\": ", "\"offset\": 1", 1);
    let _ = from(&node, &Visit::read(&moved, &key).unwrap());
    assert!(from(&node, &Visit::read(&offset, &key).unwrap()).is_err());
}
