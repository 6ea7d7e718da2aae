//! One logger key takes over from another, and whoever knows either follows the log.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

use std::fs;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::{Anchor, AnchorError, Checkpoint, Ext, Follow, Known, Log, LogKey, LogResult, LogType};
use audit::{Options, Signer, SignerError, StartError, Subject, Visit, begin_anew, begin_rotation};
use audit::{end_rotation, verify, verify_node, verify_node_from};
use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;

/// The token, the anchor and the directory of a log.
#[derive(Clone)]
struct World {
    directory: PathBuf,
    /// The seeds of the logger keys in the token.
    keys: Vec<u8>,
    anchor: Arc<Mutex<Vec<String>>>,
    /// Where a copy of everything goes whenever something is signed or kept.
    states: Option<PathBuf>,
}

impl World {
    fn new(home: &TempDir) -> Self {
        let directory = home.path().join("audit");
        fs::create_dir(&directory).unwrap();
        Self { directory, keys: vec![1], anchor: Arc::default(), states: None }
    }

    fn options(&self) -> Options {
        let mut options = Options::new(&self.directory, "Claviger test");
        options.checkpoint_pause = Duration::from_millis(5);
        options
    }

    fn signer(&self) -> Box<dyn Signer> {
        let (seed, others) = self.keys.split_first().unwrap();
        Box::new(Key { seed: *seed, others: others.to_vec(), world: self.clone() })
    }

    fn anchors(&self) -> Vec<Box<dyn Anchor>> {
        vec![Box::new(self.clone())]
    }

    fn start(&self) -> Result<Log, StartError> {
        Log::start_anchored(self.options(), self.signer(), self.anchors())
    }

    /// A run with an entry.
    fn run(&self) -> Arc<Checkpoint> {
        let log = self.start().unwrap();
        let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
        drop(log.append(kind, ok, Subject::User, Ext::None).unwrap());
        log.shutdown();
        log.checkpoint().unwrap()
    }

    fn begin(&mut self, seed: u8) -> LogKey {
        if !self.keys.contains(&seed) {
            self.keys.push(seed);
        }
        begin_rotation(self.options(), self.signer(), self.anchors()).unwrap()
    }

    fn end(&mut self) -> LogKey {
        let world = self.clone();
        let key = end_rotation(self.options(), self.signer(), &|| world.anchors()).unwrap();
        self.keys.retain(|seed| raw(*seed).key() == key.key());
        key
    }

    fn is_proved(&self, key: &LogKey) {
        let found = verify_node(&self.directory, key, None);
        assert_eq!(found.unwrap().unsigned_records, 0, "{key}");
    }

    /// What a kill leaves behind here.
    fn snap(&self) {
        let Some(states) = &self.states else { return };
        let to = states.join(fs::read_dir(states).unwrap().count().to_string());
        fs::create_dir(&to).unwrap();
        // A file that is just being put in place of another may be gone already.
        let _ = Command::new("cp").arg("-r").arg(&self.directory).arg(&to).output().unwrap();
        let anchor = self.anchor.lock().unwrap().concat();
        write(&to.join("anchor"), anchor.as_bytes());
    }

    /// The world as it was at a snapshot.
    fn at(&self, state: &Path) -> Self {
        let anchor = fs::read_to_string(state.join("anchor")).unwrap();
        let kept = Some(anchor).filter(|note| !note.is_empty()).into_iter().collect();
        let anchor = Arc::new(Mutex::new(kept));
        Self { directory: state.join("audit"), anchor, states: None, ..self.clone() }
    }
}

impl Anchor for World {
    fn place(&self) -> &'static str {
        "the memory"
    }

    fn get(&self) -> Result<Vec<String>, AnchorError> {
        Ok(self.anchor.lock().unwrap().clone())
    }

    fn put(&self, note: &str) -> Result<(), AnchorError> {
        self.snap();
        *self.anchor.lock().unwrap() = vec![note.to_owned()];
        self.snap();
        Ok(())
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

struct Key {
    seed: u8,
    others: Vec<u8>,
    world: World,
}

impl Signer for Key {
    fn public_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&[self.seed; 32]).verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        self.world.snap();
        Ok(SigningKey::from_bytes(&[self.seed; 32]).sign(message).to_bytes())
    }

    fn others(&self) -> Vec<Box<dyn Signer>> {
        let other = |seed: &u8| -> Box<dyn Signer> {
            Box::new(Self { seed: *seed, others: Vec::new(), world: self.world.clone() })
        };
        self.others.iter().map(other).collect()
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// The key without a name of its own.
fn raw(seed: u8) -> LogKey {
    LogKey::of(SigningKey::from_bytes(&[seed; 32]).verifying_key())
}

/// The ext of the changes of keys in the log, each in words.
fn changes(directory: &Path) -> Vec<String> {
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let rows = files.iter().flat_map(|file| {
        audit::rows(BufReader::new(fs::File::open(file).unwrap())).map(Result::unwrap)
    });
    let changes = rows.filter(|row| row.kind == "LOG_TYPE_AUDIT_KEY_CHANGED");
    changes.map(|row| row.ext).collect()
}

#[test]
fn a_key_takes_over_and_the_one_before_goes() {
    let home = TempDir::new().unwrap();
    let mut world = World::new(&home);
    let first = raw(1);
    let old = world.run();
    let second = world.begin(2);
    assert_eq!((second.origin(), second.key()), (first.origin(), raw(2).key()));
    assert_eq!(
        LogKey::parse(&fs::read_to_string(world.directory.join("logger.vkey")).unwrap()),
        Some(second.clone())
    );
    assert_eq!(world.begin(2), second, "once is enough");
    // Both sign.
    let log = world.start().unwrap();
    assert_eq!(log.key(), &second);
    log.shutdown();
    let note = log.checkpoint().unwrap().to_string();
    for key in [&first, &second] {
        Checkpoint::open(&note, key).unwrap();
    }
    let current = fs::File::open(log.path_of(log.current())).unwrap();
    verify(BufReader::new(current), second.key()).unwrap();
    for key in [&first, &second, &raw(2)] {
        world.is_proved(key);
        assert!(log.prove(0).is_ok());
    }
    verify_node(&world.directory, &first, Some(&old)).unwrap();
    // One goes.
    assert_eq!(world.end(), second);
    assert_eq!(world.keys, [2]);
    let last = world.run();
    assert!(Checkpoint::open(&last.to_string(), &first).is_err());
    let third = world.begin(3);
    world.run();
    assert_eq!(world.end(), third);
    world.run();
    for key in [&first, &second, &third, &raw(3)] {
        world.is_proved(key);
    }
    verify_node(&world.directory, &first, Some(&old)).unwrap();
    assert!(verify_node(&world.directory, &raw(9), None).is_err());
    let stranger = LogKey::named(first.origin(), *raw(9).key()).unwrap();
    let refused = verify_node(&world.directory, &stranger, None).unwrap_err();
    assert_eq!((refused.file.as_str(), refused.finding.cause.name()), ("checkpoint", "wrong_key"));
    let told = [format!("begin {second}"), format!("end {first}"), format!("begin {third}")];
    let changes = changes(&world.directory);
    assert!(changes.iter().zip(&told).all(|(found, told)| found.starts_with(told)), "{changes:?}");
    assert_eq!(changes.len(), 4);
}

#[test]
fn a_run_that_breaks_off_anywhere_is_done_again() {
    let (home, states) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut world = World::new(&home);
    world.run();
    world.states = Some(states.path().to_owned());
    world.begin(2);
    world.run();
    world.end();
    let broken: Vec<_> = fs::read_dir(states.path()).unwrap().map(|s| s.unwrap().path()).collect();
    assert!(broken.len() > 10, "{}", broken.len());
    for state in broken {
        let mut world = world.at(&state);
        // The older key goes last of all.
        world.keys = vec![2, 1];
        let log = world.start().unwrap_or_else(|error| panic!("{}: {error}", state.display()));
        log.shutdown();
        // A key that signs nothing yet comes second.
        world.keys = vec![1, 2];
        world.run();
        world.is_proved(&raw(1));
        let second = world.begin(2);
        world.run();
        [&raw(1), &second].iter().for_each(|key| world.is_proved(key));
        assert_eq!(world.end(), second);
        world.run();
        [&raw(1), &second].iter().for_each(|key| world.is_proved(key));
    }
}

#[test]
fn a_key_that_has_not_taken_over_is_the_only_one_to_stay_out() {
    let home = TempDir::new().unwrap();
    let mut world = World::new(&home);
    world.run();
    world.keys = vec![2, 1];
    let log = world.start().unwrap();
    assert_eq!(log.key(), &raw(1), "the place in the token says nothing");
    log.shutdown();
    let note = log.checkpoint().unwrap().to_string();
    assert!(
        Checkpoint::open(&note, &LogKey::named(raw(1).origin(), *raw(2).key()).unwrap()).is_err()
    );
    let anchors = || world.anchors();
    let refused = end_rotation(world.options(), world.signer(), &anchors).unwrap_err();
    assert!(matches!(refused, StartError::Rotation(_)), "{refused}");
    world.is_proved(&raw(1));
}

#[test]
fn a_stranger_can_not_take_over() {
    let home = TempDir::new().unwrap();
    let mut world = World::new(&home);
    world.run();
    let second = world.begin(2);
    world.run();
    let genuine = fs::read(world.directory.join("checkpoint")).unwrap();
    // Whoever can write all files puts another one there, under the name of the log, with a key of
    // their own.
    world.keys = vec![9];
    let stranger = LogKey::named(raw(1).origin(), *raw(9).key()).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let last = fs::read_dir(&world.directory).unwrap().map(|entry| entry.unwrap().file_name());
    let last = last.filter(|name| name.to_string_lossy().ends_with(".log")).max().unwrap();
    write(&elsewhere.path().join(&last), b"");
    let mut options = Options::new(elsewhere.path(), "Claviger test");
    options.origin = Some(stranger.origin().to_owned());
    let log = Log::start(options, world.signer()).unwrap();
    let (kind, ok) = (LogType::LOG_TYPE_AUDIT_KEY_CHANGED, LogResult::LOG_RESULT_OK);
    drop(log.append(kind, ok, Subject::None, Ext::Text(format!("begin {stranger}"))).unwrap());
    log.shutdown();
    fs::remove_file(world.directory.join("tree")).unwrap();
    for name in ["checkpoint", &format!("{:08x}.log", log.current())] {
        write(&world.directory.join(name), &fs::read(elsewhere.path().join(name)).unwrap());
    }
    for key in [raw(1), second.clone()] {
        let refused = verify_node(&world.directory, &key, None).unwrap_err();
        assert!(["wrong_key", "forged_key"].contains(&refused.finding.cause.name()), "{refused}");
    }
    // With the genuine checkpoint, too.
    write(&world.directory.join("checkpoint"), &genuine);
    for key in [raw(1), second] {
        let refused = verify_node(&world.directory, &key, None).unwrap_err();
        assert_eq!(refused.finding.cause.name(), "forged_key", "{refused}");
    }
}

#[derive(Default)]
struct Last(Option<Visit>);

impl Follow for Last {
    fn read(&mut self, _: u64, _: u64) {}

    fn reached(&mut self, visit: Visit) {
        self.0 = Some(visit);
    }
}

#[test]
fn a_visit_goes_on_across_a_rotation() {
    let home = TempDir::new().unwrap();
    let mut world = World::new(&home);
    let (first, mut texts) = (raw(1), Vec::new());
    let see = |world: &World, key: &LogKey, text: Option<&String>| {
        let visit = text.map(|text| Visit::read(text, &key.as_in(&world.directory)).unwrap());
        let known = visit.as_ref().map_or(Known::Nothing, Known::Visit);
        let mut last = Last::default();
        verify_node_from(&world.directory, key, known, &mut last).unwrap();
        last.0.map(|visit| visit.to_text())
    };
    let mut text = None;
    let mut visit = |world: &World| {
        let seen = see(world, &first, text.as_ref());
        text = seen.or(text.take());
        texts.push(text.clone().unwrap());
        // From every earlier visit, too.
        for earlier in &texts {
            see(world, &first, Some(earlier));
        }
    };
    world.run();
    visit(&world);
    world.begin(2);
    visit(&world);
    world.run();
    visit(&world);
    world.end();
    world.run();
    visit(&world);
    world.run();
    visit(&world);
    let later = raw(2);
    let text = see(&world, &later, None).unwrap();
    world.run();
    see(&world, &later, Some(&text));
}

#[test]
fn a_log_that_is_begun_anew_has_both_keys_too() {
    let home = TempDir::new().unwrap();
    let mut world = World::new(&home);
    world.run();
    let second = world.begin(2);
    begin_anew(world.options(), world.signer(), world.anchors(), "disk died").unwrap();
    let log = world.start().unwrap();
    let name = format!("{}/1", raw(1).origin());
    assert_eq!((log.key().origin(), log.key().key()), (name.as_str(), second.key()));
    log.shutdown();
    [&raw(1), &second, &raw(2)].iter().for_each(|key| world.is_proved(key));
    world.end();
    world.run();
    [&raw(1), &second, &raw(2)].iter().for_each(|key| world.is_proved(key));
}
