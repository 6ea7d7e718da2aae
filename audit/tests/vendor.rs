//! The vendor's published sample: it verifies, and no change to it goes unnoticed.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

use audit::{Cause, Finding, Summary, VerifyingKey, rows, verify};
use base64ct::{Base64, Encoding};
use ed25519_dalek::Signature;
use serde::Deserialize;

#[derive(Deserialize)]
struct Sample {
    logger_key: String,
    nonce: String,
    nonce_signed: String,
    first_comment: String,
    lines: Vec<String>,
}

impl Sample {
    fn load() -> Self {
        serde_json::from_str(include_str!("vectors/auditlog_docs.json")).unwrap()
    }

    fn key(&self) -> VerifyingKey {
        let bytes = Base64::decode_vec(&self.logger_key).unwrap();
        VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap()
    }

    /// The file with these of its seven records.
    fn file(&self, records: &[usize]) -> String {
        let mut file = format!("{}\r\n", self.first_comment);
        for record in records {
            file.push_str(&self.lines[*record]);
            file.push_str("\r\n");
        }
        file
    }

    fn check(&self, file: &[u8]) -> Result<Summary, Finding> {
        verify(file, &self.key())
    }
}

const ALL: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

#[test]
fn the_sample_verifies() {
    let sample = Sample::load();
    let expected = Summary {
        records: 7,
        keys: 1,
        comments: 1,
        first_time: 0x6231_0ba5,
        last_time: 0x6231_0c0c,
    };
    let file = sample.file(&ALL);
    assert_eq!(sample.check(file.as_bytes()).unwrap(), expected);
    assert_eq!(sample.check(file.replace('\r', "").as_bytes()).unwrap(), expected);
}

#[test]
fn the_nonce_is_signed_by_the_same_key() {
    let sample = Sample::load();
    let nonce = Base64::decode_vec(&sample.nonce).unwrap();
    let signature = Base64::decode_vec(&sample.nonce_signed).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    sample.key().verify_strict(&nonce, &signature).unwrap();
}

#[test]
fn every_edit_of_one_byte_is_found() {
    let sample = Sample::load();
    let file = sample.file(&ALL).into_bytes();
    let records = sample.first_comment.len() + 2;
    let mut tried = 0;
    for position in records..file.len() {
        for byte in 0..=u8::MAX {
            // A line may end in LF or CRLF, so only there another byte can mean the same.
            if byte == file[position] {
                continue;
            }
            let mut edited = file.clone();
            edited[position] = byte;
            assert!(sample.check(&edited).is_err(), "byte {position} as {byte:#04x}");
            tried += 1;
        }
    }
    assert_eq!(tried, (file.len() - records) * 255);
}

#[test]
fn every_byte_taken_out_or_put_in_is_found() {
    let sample = Sample::load();
    let file = sample.file(&ALL).replace('\r', "").into_bytes();
    for position in sample.first_comment.len() + 1..file.len() {
        let mut shorter = file.clone();
        shorter.remove(position);
        assert!(sample.check(&shorter).is_err(), "byte {position} taken out");
        let mut longer = file.clone();
        longer.insert(position, b'0');
        assert!(sample.check(&longer).is_err(), "byte {position} doubled");
    }
}

#[test]
fn dropped_doubled_and_swapped_lines_are_named() {
    let sample = Sample::load();
    let gap = |records: &[usize]| match sample.check(sample.file(records).as_bytes()) {
        Err(Finding { line, cause: Cause::SequenceGap { expected, found } }) => {
            (line, expected, found)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(gap(&[0, 1, 3, 4, 5, 6]), (4, 2, 3));
    assert_eq!(gap(&[0, 1, 2, 2, 3, 4, 5, 6]), (5, 3, 2));
    assert_eq!(gap(&[0, 1, 2, 4, 3, 5, 6]), (5, 3, 4));
    assert_eq!(gap(&[0, 0, 1]), (3, 1, 0));
}

#[test]
fn a_missing_start_a_torn_tail_and_a_foreign_key_are_named() {
    let sample = Sample::load();
    let cause = |file: &[u8]| sample.check(file).unwrap_err().cause;
    assert!(matches!(cause(sample.file(&ALL[1..]).as_bytes()), Cause::NoKey));
    assert!(matches!(cause(sample.file(&[]).as_bytes()), Cause::Empty));
    assert!(matches!(cause(b""), Cause::Empty));
    let file = sample.file(&ALL);
    assert!(matches!(cause(&file.as_bytes()[..file.len() - 1]), Cause::TornTail));
    assert!(matches!(cause(&file.as_bytes()[..file.len() - 9]), Cause::TornTail));
    let long = format!("{file}# {}\r\n", "x".repeat(10_000));
    assert!(matches!(cause(long.as_bytes()), Cause::LongLine));
    let foreign = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key();
    let finding = verify(file.as_bytes(), &foreign).unwrap_err();
    assert!(matches!(finding, Finding { line: 2, cause: Cause::ForgedKey }));
}

#[test]
fn the_sample_in_words() {
    let sample = Sample::load();
    let rows: Vec<_> = rows(sample.file(&ALL).as_bytes()).map(Result::unwrap).collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[3].kind, "LOG_TYPE_RTC_SET");
    assert_eq!(rows[3].ext, "2022-03-15T21:55:01Z");
    assert_eq!(rows[4].kind, "LOG_TYPE_DEVICE_INITED");
    assert_eq!(rows[4].subject, "master");
    assert_eq!(rows[5].subject, "user");
    assert_eq!((rows[6].sequence, rows[6].line), (6, 8));
    assert_eq!(rows[6].result, "LOG_RESULT_OK");
}
