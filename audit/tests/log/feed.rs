//! A reader that follows a log: every durable line once, by its index, from any cursor on.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use audit::{Content, Cursor, Ext, Fed, Feed, Leaf, Log, LogResult, LogType, Options, Subject};
use tempfile::TempDir;

use crate::key::TestKey;

fn start(directory: &Path) -> Log {
    let mut options = Options::new(directory, "Claviger test");
    options.checkpoint_pause = Duration::from_millis(20);
    Log::start(options, Box::new(TestKey::new())).unwrap()
}

fn append(log: &Log) -> u64 {
    let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
    log.append(kind, ok, Subject::User, Ext::None).unwrap().index().unwrap()
}

/// Everything that is there now.
fn rest(feed: &mut Feed) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    while let Some(fed) = feed.advance().unwrap() {
        match fed {
            Fed::Leaf(leaf) => leaves.push(leaf),
            Fed::Lost(lost) => panic!("{lost:?} are not lost"),
        }
    }
    leaves
}

/// All lines of a directory, as they lie there.
fn lines(directory: &Path) -> Vec<String> {
    let logs = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "log");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(logs);
    files.sort_unstable();
    let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

#[test]
fn every_line_comes_once_and_in_order_over_restarts() {
    let home = TempDir::new().unwrap();
    for _ in 0..3 {
        let log = start(home.path());
        (0..200).for_each(|_| {
            append(&log);
        });
        log.shutdown();
    }
    let log = start(home.path());
    let receipt = append(&log);
    let mut feed = log.feed(None);
    let mut leaves = rest(&mut feed);
    assert!(leaves.iter().zip(0..).all(|(leaf, index)| leaf.index == index));
    assert_eq!(leaves[usize::try_from(receipt).unwrap()].file, log.current());
    let more = append(&log);
    let here = feed.cursor();
    let news = rest(&mut feed);
    feed.rewind(&here);
    leaves.extend(rest(&mut feed));
    let start = usize::try_from(here.index()).unwrap();
    assert!(leaves[start..].starts_with(&news), "the same again, and what came since");
    assert!(leaves.iter().any(|leaf| leaf.index == more));
    log.shutdown();
    leaves.extend(rest(&mut feed));
    let texts: Vec<_> = leaves.iter().map(|leaf| leaf.text.clone()).collect();
    assert_eq!(texts, lines(home.path()));
    let kinds =
        |kind: fn(&Content) -> bool| leaves.iter().filter(|leaf| kind(&log.content(leaf))).count();
    assert_eq!(
        kinds(|content| matches!(content, Content::Comment)),
        8,
        "a banner and an end a file"
    );
    assert!(kinds(|content| matches!(content, Content::Checkpoint(_))) >= 4);
    assert_eq!(kinds(|content| matches!(content, Content::Record(_))), 4 + 602);
}

#[test]
fn a_cursor_goes_on_where_it_stood_and_a_wrong_one_at_the_beginning() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    (0..20).for_each(|_| {
        append(&log);
    });
    let mut feed = log.feed(None);
    for _ in 0..7 {
        feed.advance().unwrap();
    }
    assert_eq!(log.cursor("mirror").unwrap(), None);
    log.keep_cursor("mirror", &feed.cursor()).unwrap();
    log.shutdown();
    let log = start(home.path());
    let cursor = log.cursor("mirror").unwrap().unwrap();
    assert_eq!(cursor, feed.cursor());
    assert_eq!(rest(&mut log.feed(Some(&cursor)))[0].index, 7);
    let first = |text: String| {
        let cursor: Cursor = text.parse().unwrap();
        rest(&mut log.feed(Some(&cursor)))[0].index
    };
    let text = cursor.to_string();
    assert_eq!(first(text.clone()), 7);
    assert_eq!(first(text.replace("claviger/", "another/")), 0);
    assert_eq!(first(format!("{text}1")), 0, "past the end of the file");
    let (head, offset) = text.rsplit_once(' ').unwrap();
    let inside = offset.parse::<u64>().unwrap() - 3;
    assert_eq!(first(format!("{head} {inside}")), 0, "not between two lines");
    let mut file = fs::File::create(home.path().join("mirror.cursor")).unwrap();
    file.write_all(b"nonsense").unwrap();
    assert_eq!(log.cursor("mirror").unwrap(), None);
}

#[test]
fn a_line_that_was_changed_is_not_passed_on() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    for _ in 0..3 {
        append(&log);
    }
    let path = log.path_of(log.current());
    let text = fs::read_to_string(&path).unwrap();
    let third = text.match_indices("|26|0|U|").nth(1).unwrap().0;
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"|26|1|", u64::try_from(third).unwrap()).unwrap();
    let mut feed = log.feed(None);
    let (mut found, mut lost) = (0, Vec::new());
    while let Some(fed) = feed.advance().unwrap() {
        match fed {
            Fed::Leaf(_) => found += 1,
            Fed::Lost(range) => lost.push((range.start, range.end)),
        }
    }
    let index = u64::try_from(text[..third].matches('\n').count()).unwrap();
    assert_eq!(lost, [(index, index + 1)]);
    assert!(found >= 4, "{found}");
}

#[test]
fn lines_that_were_cut_off_are_told_and_the_others_keep_their_indices() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    (0..300).for_each(|_| {
        append(&log);
    });
    let last = append(&log);
    let path = log.path_of(log.current());
    let old = log.current();
    let kept = 100;
    let text = fs::read_to_string(&path).unwrap();
    let length: usize = text.split_inclusive('\n').take(kept).map(str::len).sum();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(u64::try_from(length).unwrap()).unwrap();
    let began = Instant::now();
    while log.current() == old || !log.healthy() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", log.fault());
        thread::sleep(Duration::from_millis(1));
    }
    let after = append(&log);
    let mut feed = log.feed(None);
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    while let Some(fed) = feed.advance().unwrap() {
        match fed {
            Fed::Leaf(leaf) => found.push(leaf),
            Fed::Lost(range) => lost.push(range),
        }
    }
    // A line may have been written where the file was cut, before that was seen.
    let (start, end) = (lost[0].start, lost.last().unwrap().end);
    assert!(lost.windows(2).all(|pair| pair[0].end == pair[1].start), "{lost:?}");
    assert_eq!(start, u64::try_from(kept).unwrap());
    assert!(end > last, "{lost:?}");
    let entry = found.iter().find(|leaf| leaf.index == after).unwrap();
    assert!(
        matches!(log.content(entry), Content::Record(row) if row.kind == "LOG_TYPE_CRYPTO_ECDH")
    );
    assert_eq!(found[kept].index, end);
}
