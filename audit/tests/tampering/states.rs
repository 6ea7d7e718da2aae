//! The whole directory as it was once, or as others are shown it.

use audit::{Hash, check_proof, prove, prove_consistency, proves_consistency};

use crate::node::{Node, TestKey, is_long};

#[test]
fn every_older_state_restored() {
    let node = Node::with_runs(&[3]);
    let mut states = Vec::new();
    for _ in 0..if is_long() { 40 } else { 6 } {
        states.push((node.copy(), node.checkpoint()));
        node.run(3);
    }
    let latest = node.checkpoint();
    for (state, earlier) in &states {
        node.check_since(earlier).unwrap();
        let flaw = state.check_since(&latest).unwrap_err();
        assert_eq!(flaw.finding.cause.name(), "rolled_back", "{flaw}");
        // Nothing in the directory itself says that it was newer once.
        state.check().unwrap();
        state.check_since(earlier).unwrap();
    }
    // Gone on from an older state, as if the rest had never been.
    let (state, _) = &states[2];
    while state.checkpoint().size() <= latest.size() {
        state.run(9);
    }
    let flaw = state.check_since(&latest).unwrap_err();
    assert_eq!(flaw.finding.cause.name(), "rewritten", "{flaw}");
}

/// Two logs by the same key under the same name, which were one once. Each is right by itself, and so
/// are the proofs from it: only who compares checkpoints of both sees it, and then there is no way out.
#[test]
fn a_split_view() {
    let node = Node::with_runs(&[20]);
    let before = node.checkpoint();
    let other = node.copy();
    node.run(30);
    other.run(5);
    let (key, here, there) = (TestKey::log_key(), node.checkpoint(), other.checkpoint());
    assert!(before.size() < there.size() && there.size() < here.size());
    for view in [&node, &other] {
        view.check().unwrap();
        view.check_since(&before).unwrap();
        let index = view.checkpoint().size() - 1;
        let proof = prove(view.home(), &key, index).unwrap().unwrap();
        let text: String = view.files().iter().map(|name| view.text(name)).collect();
        let line = text.lines().nth(usize::try_from(index).unwrap()).unwrap();
        check_proof(&proof, line.as_bytes(), &key).unwrap();
    }
    assert_eq!(node.check_since(&there).unwrap_err().finding.cause.name(), "rewritten");
    assert_eq!(other.check_since(&here).unwrap_err().finding.cause.name(), "rolled_back");
    let hashes = |size| -> Vec<_> {
        let text = prove_consistency(node.home(), &key, size).unwrap().unwrap();
        text.lines().skip(2).map(|line| Hash::parse(line).unwrap()).collect()
    };
    let grew = |old: &audit::Checkpoint| {
        let (old, new) = ((old.size(), old.root()), (here.size(), here.root()));
        proves_consistency(old, new, &hashes(old.0))
    };
    assert!(grew(&before) && !grew(&there));
}
