//! The log on a real directory: what is closed is there, and verifies.

use std::fs::{self, File};
use std::future::Future;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use audit::{Ext, Log, LogResult, LogType, Options, Row, Signer, SignerError, StartError};
use audit::{Subject, Summary, Unopened, Unwritten, rows, verify};
use tempfile::TempDir;

use crate::key::TestKey;

use LogResult::{LOG_RESULT_ERROR, LOG_RESULT_FAILED, LOG_RESULT_OK};
use LogType::{LOG_TYPE_CRYPTO_ECDH, LOG_TYPE_FAILED_SCOPE_CHECK, LOG_TYPE_KEY_INIT};
use LogType::{LOG_TYPE_LOGGER_READ_LOG, LOG_TYPE_SHUTDOWN, LOG_TYPE_STARTUP};

fn start(directory: &Path) -> Log {
    Log::start(Options::new(directory, "Claviger test"), Box::new(TestKey::new())).unwrap()
}

fn proved(path: &Path) -> Summary {
    let file = BufReader::new(File::open(path).unwrap());
    verify(file, &TestKey::new().verifying_key()).unwrap()
}

fn shown(path: &Path) -> Vec<Row> {
    rows(BufReader::new(File::open(path).unwrap())).map(Result::unwrap).collect()
}

#[test]
fn eight_threads_of_entries_are_all_there() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let threads: Vec<_> = (0..8_u8)
        .map(|thread| {
            let log = log.clone();
            thread::spawn(move || {
                (0..500_u16)
                    .map(|turn| {
                        let mut kid = [thread; 16];
                        kid[..2].copy_from_slice(&turn.to_le_bytes());
                        let mut entry =
                            log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap();
                        entry.name_ext(Ext::Kid(kid));
                        let receipt = entry.close(LOG_RESULT_OK).wait().unwrap();
                        assert_eq!(receipt.file(), Some(log.current()));
                        (receipt.sequence().unwrap(), kid)
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let receipts: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    log.shutdown();

    let path = log.path_of(log.current());
    assert_eq!(proved(&path).records, 4001);
    let rows = shown(&path);
    for (index, kid) in &receipts {
        let row = &rows[usize::try_from(*index).unwrap()];
        let hex: String = kid.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((row.sequence, &row.ext), (*index, &hex));
    }
    let mut indices: Vec<_> = receipts.iter().map(|(index, _)| *index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (1..=4000).collect::<Vec<_>>());
}

#[test]
fn a_file_starts_as_the_device_starts_it() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let path = log.path_of(log.current());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{:08x}.log", log.current()));
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert!(lines.len() >= 3);
    assert_eq!(lines[0], format!("# Claviger test {:08x}", log.current()));
    assert!(lines[1].starts_with("0|"));
    assert!(lines.iter().skip(2).all(|line| line.is_empty() || line.starts_with("# checkpoint ")));
    assert_eq!(proved(&path).keys, 1);
}

#[test]
fn each_start_has_a_later_file() {
    let home = TempDir::new().unwrap();
    let future = u32::MAX - 10;
    File::create(home.path().join(format!("{future:08x}.log"))).unwrap();
    let first = start(home.path());
    first.shutdown();
    let second = start(home.path());
    second.shutdown();
    assert_eq!((first.current(), second.current()), (future + 1, future + 2));
    assert_eq!(first.files().unwrap(), [future, future + 1, future + 2]);
    File::create(home.path().join("ffffffff.log")).unwrap();
    let options = Options::new(home.path(), "");
    let refused = Log::start(options, Box::new(TestKey::new()));
    assert!(matches!(refused, Err(StartError::NoIdLeft)));
}

#[test]
fn a_dropped_entry_is_an_error_with_what_was_known() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let mut entry = log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::None).unwrap();
    entry.name_subject(Subject::Key([0xab; 16]));
    entry.name_ext(Ext::Kid([0xcd; 16]));
    assert_eq!(entry.subject(), &Subject::Key([0xab; 16]));
    drop(entry);
    let caught = thread::spawn({
        let log = log.clone();
        move || {
            let _entry = log.open(Some(LOG_TYPE_STARTUP), Subject::Master).unwrap();
            panic!("the work breaks off");
        }
    });
    assert!(caught.join().is_err());
    drop(log.open(None, Subject::User).unwrap());
    log.shutdown();
    let rows = shown(&log.path_of(log.current()));
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[1].kind.as_str(), rows[1].result.as_str()),
        ("LOG_TYPE_CRYPTO_ECDH", "LOG_RESULT_ERROR")
    );
    assert_eq!((rows[1].subject.clone(), rows[1].ext.clone()), ("ab".repeat(16), "cd".repeat(16)));
    assert_eq!((rows[2].kind.as_str(), rows[2].subject.as_str()), ("LOG_TYPE_STARTUP", "master"));
}

#[test]
fn what_the_specification_does_not_list_is_not_written() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let dismissed = log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap().dismiss();
    assert_eq!((dismissed.index(), dismissed.file()), (None, None));
    let unlisted = log.open(None, Subject::User).unwrap().close(LOG_RESULT_OK).wait().unwrap();
    assert_eq!(unlisted.index(), None);
    let denied = log.open(None, Subject::User).unwrap().close_as(
        LOG_TYPE_FAILED_SCOPE_CHECK,
        LOG_RESULT_FAILED,
        Ext::Text("keymgmt:use:x|y\n".to_owned()),
    );
    assert_eq!(denied.wait().unwrap().sequence(), Some(1));
    let read = log.append(LOG_TYPE_LOGGER_READ_LOG, LOG_RESULT_OK, Subject::User, Ext::File(0xab));
    assert_eq!(read.unwrap().sequence(), Some(2));
    log.shutdown();
    let rows = shown(&log.path_of(log.current()));
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[1].ext.as_str(), rows[2].ext.as_str()), ("keymgmt:use:x|y\\n", "000000ab"));
}

#[test]
fn a_waiter_that_went_away_does_not_stop_the_entry() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    drop(log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap().close(LOG_RESULT_OK));
    log.shutdown();
    assert_eq!(proved(&log.path_of(log.current())).records, 2);
}

#[test]
fn a_closing_is_a_future() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let closing = log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap().close(LOG_RESULT_OK);
    let mut closing = pin!(closing);
    let mut context = Context::from_waker(Waker::noop());
    let receipt = loop {
        match closing.as_mut().poll(&mut context) {
            Poll::Ready(answer) => break answer.unwrap(),
            Poll::Pending => thread::yield_now(),
        }
    };
    assert_eq!(receipt.sequence(), Some(1));
}

#[test]
fn after_the_shutdown_nothing_is_acknowledged() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let late = log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap();
    let last = log.append(LOG_TYPE_SHUTDOWN, LOG_RESULT_OK, Subject::None, Ext::None).unwrap();
    assert_eq!(last.sequence(), Some(1));
    log.shutdown();
    log.shutdown();
    assert!(!log.healthy());
    assert_eq!(late.close(LOG_RESULT_OK).wait().unwrap_err(), Unwritten);
    assert_eq!(log.open(Some(LOG_TYPE_STARTUP), Subject::None).unwrap_err(), Unopened::Unwritten);
    assert_eq!(proved(&log.path_of(log.current())).records, 2);
}

#[test]
fn the_queue_bounds_open_entries() {
    let home = TempDir::new().unwrap();
    let mut options = Options::new(home.path(), "");
    options.queue = 2;
    let log = Log::start(options, Box::new(TestKey::new())).unwrap();
    let open = || log.open(Some(LOG_TYPE_CRYPTO_ECDH), Subject::User);
    let (first, second) = (open().unwrap(), open().unwrap());
    assert_eq!(open().unwrap_err(), Unopened::Full);
    assert!(log.healthy());
    let _ = first.dismiss();
    let _ = second.close(LOG_RESULT_OK).wait().unwrap();
    let _ = (open().unwrap().dismiss(), open().unwrap().dismiss());
}

#[test]
fn only_the_log_writes_key_records() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    assert!(log.open(Some(LOG_TYPE_KEY_INIT), Subject::None).is_err());
    assert!(log.append(LOG_TYPE_KEY_INIT, LOG_RESULT_OK, Subject::None, Ext::None).is_err());
    let entry = log.open(Some(LOG_TYPE_STARTUP), Subject::None).unwrap();
    assert!(entry.close_as(LOG_TYPE_KEY_INIT, LOG_RESULT_ERROR, Ext::None).wait().is_err());
    log.shutdown();
    assert_eq!(proved(&log.path_of(log.current())).records, 1);
}

#[test]
fn a_signer_that_lies_or_fails_starts_no_log() {
    struct Liar;
    impl Signer for Liar {
        fn public_key(&self) -> [u8; 32] {
            TestKey::new().public_key()
        }
        fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignerError> {
            TestKey::new().sign(b"another message")
        }
    }
    struct Broken;
    impl Signer for Broken {
        fn public_key(&self) -> [u8; 32] {
            TestKey::new().public_key()
        }
        fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignerError> {
            Err(SignerError::new("the token is away"))
        }
    }
    let home = TempDir::new().unwrap();
    let signers: [Box<dyn Signer>; 2] = [Box::new(Liar), Box::new(Broken)];
    for signer in signers {
        let refused = Log::start(Options::new(home.path(), ""), signer);
        assert!(matches!(refused, Err(StartError::Signer(_))));
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let nowhere = Options::new(home.path().join("missing"), "");
    let refused = Log::start(nowhere, Box::new(TestKey::new()));
    assert!(matches!(refused, Err(StartError::Directory(_))));
}
