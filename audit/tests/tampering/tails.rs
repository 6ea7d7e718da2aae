//! What is put behind the last checkpoint while no daemon runs. Nothing signed covers it yet, and its
//! tags can be made by whoever reads the file: a start must not sign what the daemon did not write.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use audit::{Ext, Hash, Log, LogKey, LogResult, LogType, Options, Subject, rows};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::forgeries::tagged_anew;
use crate::node::{Node, TestKey};

#[test]
fn nothing_follows_a_run_that_was_closed() {
    for checkpoint_too in [false, true] {
        let node = Node::with_runs(&[5]);
        let name = node.files().remove(0);
        let before = node.text(&name);
        let mut more = with_record(&before, "15|0|M|ERERERERERERERERERERERERERE|");
        if checkpoint_too {
            let own = before.lines().last().unwrap();
            more.push_str(&format!("{own}\r\n"));
        }
        node.put(&name, more.as_bytes());
        node.run(1);
        assert_eq!(node.text(&name), before);
        let aside = format!("{}-{}", name.trim_end_matches(".log"), before.len());
        assert_eq!(node.text(&format!("quarantine/{aside}")), more[before.len()..]);
        assert_eq!(recovered(&node), [aside]);
        assert!(!said(&node, "LOG_TYPE_KEY_DELETE"));
        node.check().unwrap();
    }
}

#[test]
fn what_a_crash_left_unsigned_is_taken_over_and_counted() {
    let node = crashed(3);
    node.run(1);
    assert_eq!(recovered(&node), ["3 lines taken over"]);
    node.check().unwrap();
    node.run(1);
    assert_eq!(recovered(&node).len(), 1, "once");
}

#[test]
fn what_the_daemon_does_not_write_is_set_aside_after_a_crash_too() {
    let crashed = crashed(3);
    let name = crashed.files().remove(0);
    let text = crashed.text(&name);
    let lines: Vec<_> = text.lines().collect();
    let last = lines[lines.len() - 1];
    let edited = last.replacen("|U|", "|M|", 1);
    let checkpoint = lines.iter().find(|line| line.starts_with("# checkpoint ")).unwrap();
    let foreign = [
        "# a comment of somebody else's".to_owned(),
        "# Claviger test 00000001".to_owned(),
        edited,
        last.to_owned(),
        "not a line".to_owned(),
        lines[1].to_owned(),
        (*checkpoint).to_owned(),
        checkpoint.replacen("claviger/", "claviger/0", 1),
    ];
    for line in foreign {
        let node = crashed.copy();
        append(&node, &name, &format!("{line}\r\n"));
        node.run(1);
        assert_eq!(node.text(&name), text, "{line}");
        assert_eq!(recovered(&node).len(), 2, "{line}");
        node.check().unwrap();
    }
    // Nor with another line end than the daemon's.
    let node = crashed.copy();
    let bare = with_record(&text, "15|0|M||").replace("\r\n", "\n");
    append(&node, &name, &format!("{}\n", bare.lines().last().unwrap()));
    node.run(1);
    assert_eq!(node.text(&name), text);
}

/// The signed key of an earlier file is there for everybody to read.
#[test]
fn a_file_with_the_key_of_another_one_is_no_file_of_the_log() {
    let node = Node::with_runs(&[5]);
    let name = node.files().remove(0);
    let begin: Vec<_> = node.text(&name).lines().take(2).map(str::to_owned).collect();
    let id = u32::from_str_radix(name.trim_end_matches(".log"), 16).unwrap() + 1;
    let banner = format!("# Claviger test {id:08x}");
    let forged = with_record(&format!("{banner}\r\n{}\r\n", begin[1]), "15|0|M||");
    node.put(&format!("{id:08x}.log"), forged.as_bytes());
    node.run(1);
    assert_eq!(node.text(&format!("{id:08x}.log")), format!("{banner}\r\n"));
    assert!(!said(&node, "LOG_TYPE_KEY_DELETE"));
    node.check().unwrap();
}

/// A start takes over what looks right after a crash. A key that is named there is nobody's: the log
/// that goes on by it is not believed.
#[test]
fn a_key_that_was_put_into_the_log_proves_nothing() {
    let node = crashed(3);
    let name = node.files().remove(0);
    let evil = SigningKey::from_bytes(&[7; 32]);
    let evil_key = LogKey::named(TestKey::log_key().origin(), evil.verifying_key()).unwrap();
    let appointed = evil.sign(format!("claviger logger key\n{evil_key}\n").as_bytes()).to_bytes();
    let signed = format!("begin {evil_key} {}", Base64::encode_string(&appointed));
    for ext in [format!("begin {evil_key}"), signed] {
        let node = node.copy();
        let ext = Base64UrlUnpadded::encode_string(ext.as_bytes());
        let forged = with_record(&node.text(&name), &format!("84|0||{ext}|"));
        node.put(&name, forged.as_bytes());
        node.run(1);
        assert!(said(&node, "LOG_TYPE_AUDIT_KEY_CHANGED"), "a start can't know better");
        let genuine = node.check().unwrap();
        go_on_by(&node, &evil, &evil_key);
        let flaw = node.check().unwrap_err();
        assert_eq!(flaw.finding.cause.name(), "wrong_key", "{flaw}");
        assert!(genuine.signed > 0);
    }
}

#[test]
fn names_and_line_ends_are_looked_at() {
    let node = Node::with_runs(&[5, 5]);
    let last = node.files().remove(1);
    let cause = |node: &Node| node.check().unwrap_err().finding.cause.name();
    let renamed = node.copy();
    fs::rename(renamed.path(&last), renamed.path("fffffff0.log")).unwrap();
    assert_eq!(cause(&renamed), "misnamed");
    let converted = node.copy();
    converted.put(&last, node.text(&last).replace("\r\n", "\n").as_bytes());
    assert_eq!(cause(&converted), "line_end");
    for stranger in ["zz.log", "00000001.LOG.log", "6231.log"] {
        let node = node.copy();
        node.put(stranger, b"");
        assert_eq!(cause(&node), "stranger", "{stranger}");
    }
    let linked = node.copy();
    std::os::unix::fs::symlink("/dev/null", linked.path("00000001.log")).unwrap();
    assert_eq!(cause(&linked), "stranger");
    // A start that was killed before it wrote anything leaves this.
    let empty = node.copy();
    empty.put("fffffff0.log", b"");
    assert_eq!(empty.check().unwrap().records, node.check().unwrap().records);
}

#[test]
fn an_earlier_file_that_was_taken_away_cut_or_put_in_stops_a_start() {
    let whole = Node::with_runs(&[5, 5, 5]);
    let files = whole.files();
    let try_start = |node: &Node| {
        let options = Options::new(node.home(), "Claviger test");
        Log::start(options, Box::new(TestKey::new())).map(|log| log.shutdown())
    };
    for name in &files[..2] {
        let node = whole.copy();
        node.remove(name);
        assert!(try_start(&node).is_err(), "{name} taken away");
        let node = whole.copy();
        let text = node.text(name);
        let (cut, _) = text.trim_end().rsplit_once("\r\n").unwrap();
        node.put(name, format!("{cut}\r\n").as_bytes());
        assert!(try_start(&node).is_err(), "{name} cut");
    }
    let node = whole.copy();
    node.put("00000001.log", b"# Claviger test 00000001\r\n");
    assert!(try_start(&node).is_err(), "one put in");
    try_start(&whole).unwrap();
}

/// A log as `kill -9` leaves it, with so many entries after its last checkpoint.
fn crashed(entries: u8) -> Node {
    let node = Node::new();
    let mut options = Options::new(node.home(), "Claviger test");
    options.checkpoint_pause = Duration::from_secs(3600);
    let log = Log::start(options, Box::new(TestKey::new())).unwrap();
    let append = |number: u8| {
        let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
        log.append(kind, ok, Subject::User, Ext::Kid([number; 16])).unwrap()
    };
    // The one that a start makes.
    let until = Instant::now() + Duration::from_secs(60);
    while log.checkpoint().is_none() {
        assert!(Instant::now() < until, "{:?}", log.unsigned());
        std::thread::sleep(Duration::from_millis(1));
    }
    (1..=entries).for_each(|number| drop(append(number)));
    let copy = node.copy();
    log.shutdown();
    copy
}

fn append(node: &Node, name: &str, text: &str) {
    let mut file = OpenOptions::new().append(true).open(node.path(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The file with one more record, whose fields 3 to 6 are these, with a right number and tag.
fn with_record(text: &str, fields: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    let more = format!("0|0|{fields}tag");
    lines.push(&more);
    tagged_anew(&lines)
}

/// What starts have entered about tails.
fn recovered(node: &Node) -> Vec<String> {
    let rows = node.files().into_iter().flat_map(|name| rows(&*node.read(&name).leak()));
    let rows = rows.map(Result::unwrap);
    rows.filter(|row| row.kind == "LOG_TYPE_AUDIT_TAIL_RECOVERED").map(|row| row.ext).collect()
}

fn said(node: &Node, kind: &str) -> bool {
    node.files().iter().any(|name| {
        rows(node.read(name).as_slice()).any(|row| row.is_ok_and(|row| row.kind == kind))
    })
}

/// Another end of the log after the first checkpoint that covers the naming of the key, signed by it.
fn go_on_by(node: &Node, key: &SigningKey, named: &LogKey) {
    let name = node.files().remove(1);
    let text = node.text(&name);
    let lines: Vec<_> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("# checkpoint ")).unwrap();
    let kept = format!("{}\r\n", lines[..=at].join("\r\n"));
    let forged = with_record(&kept, "14|0|U|ERERERERERERERERERERERERERE|");
    node.put(&name, forged.as_bytes());
    let text: String = node.files().iter().map(|name| node.text(name)).collect();
    let leaves: Vec<_> = text.lines().map(|line| Hash::of_leaf(line.as_bytes())).collect();
    let (origin, size, root) = (named.origin(), leaves.len(), root(&leaves));
    let body = format!("{origin}\n{size}\n{root}\n");
    let id = named.to_string();
    let id = u32::from_str_radix(id.split('+').nth(1).unwrap(), 16).unwrap().to_be_bytes();
    let signature = [&id[..], &key.sign(body.as_bytes()).to_bytes()].concat();
    let signature = Base64::encode_string(&signature);
    append(node, &name, &format!("# checkpoint {origin} {size} {root} {signature}\r\n"));
    node.put("checkpoint", format!("{body}\n\u{2014} {origin} {signature}\n").as_bytes());
    fs::remove_file(node.path("tree")).unwrap();
}

/// RFC 6962, section 2.1.
fn root(leaves: &[Hash]) -> Hash {
    let [leaf] = leaves else {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        return Hash::of_node(&root(left), &root(right));
    };
    *leaf
}
