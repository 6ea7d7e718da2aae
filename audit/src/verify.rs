//! The offline check of one file against the logger's public key.

use std::io::BufRead;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::event::LogResult;
use crate::event::LogType;
use crate::line::{FileKey, Line, Record};
use crate::reading::{Cause, Finding, Lines};

/// What a file without a fault holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Records, those that bring a key too.
    pub records: u64,
    /// Records that bring a key; 1 for files of this daemon.
    pub keys: u64,
    /// Comment lines: no tag covers them.
    pub comments: u64,
    /// Unix time of the first record.
    pub first_time: u32,
    /// Unix time of the last record.
    pub last_time: u32,
}

/// Checks a file to its end: the signature over its key, every tag, the sequence,
/// the time, the results (HEM, A13). Memory does not grow with the file.
///
/// It does not prove that nothing was cut off at the end, nor that a reader of
/// the file did not rewrite it: see `docs/audit-format.md`.
///
/// # Errors
/// The first [`Finding`].
pub fn verify(reader: impl BufRead, key: &VerifyingKey) -> Result<Summary, Finding> {
    let mut lines = Lines::new(reader);
    let mut check = Check::new(Loggers { keys: vec![*key], lenient: false });
    loop {
        let outcome = match lines.next() {
            Ok(Some(line)) => check.line(line),
            Ok(None) if check.summary.records == 0 => Err(Cause::Empty),
            Ok(None) => return Ok(check.summary),
            Err(cause) => Err(cause),
        };
        outcome.map_err(|cause| Finding { line: lines.number(), cause })?;
    }
}

/// The check of one file, line by line.
pub(crate) struct Check {
    loggers: Loggers,
    /// Of the last key record.
    file_key: Option<FileKey>,
    /// That record, as a line.
    pub(crate) key_record: String,
    pub(crate) summary: Summary,
    /// The ext of the last line, if that was a change of the logger key.
    pub(crate) key_changed: Option<String>,
}

/// Who may have signed the key of a file.
#[derive(Clone, Debug)]
pub(crate) struct Loggers {
    pub(crate) keys: Vec<VerifyingKey>,
    /// Or somebody else, since something else will show whether the line is right.
    pub(crate) lenient: bool,
}

impl Check {
    pub(crate) fn new(loggers: Loggers) -> Self {
        Self {
            loggers,
            file_key: None,
            key_record: String::new(),
            summary: Summary::default(),
            key_changed: None,
        }
    }

    /// The check of a file that this much was found in, the last key being that of `key_record`.
    pub(crate) fn go_on(
        loggers: Loggers,
        key_record: &str,
        summary: Summary,
    ) -> Result<Self, Cause> {
        let mut check = Self::new(loggers);
        let Line::Record(record) = Line::parse(key_record).map_err(Cause::Malformed)? else {
            return Err(Cause::NoKey);
        };
        check.key(&record)?;
        check.summary = summary;
        Ok(check)
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<(), Cause> {
        match Line::parse(line).map_err(Cause::Malformed)? {
            Line::Comment => {
                self.summary.comments += 1;
                Ok(())
            }
            Line::Record(record) => self.record(&record),
        }
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), Cause> {
        if record.is_key_init() {
            self.key(record)?;
            self.summary.keys += 1;
        }
        let file_key = self.file_key.as_ref().ok_or(Cause::NoKey)?;
        if !file_key.made(record) {
            return Err(Cause::BadTag);
        }
        self.place(record)?;
        if record.head.kind == LogType::LOG_TYPE_AUDIT_KEY_CHANGED.code() {
            let ext = Base64UrlUnpadded::decode_vec(record.ext).ok();
            self.key_changed = ext.and_then(|ext| String::from_utf8(ext).ok());
        }
        match LogResult::from_code(record.head.result) {
            Some(_) => Ok(()),
            None => Err(Cause::UnknownResult(record.head.result)),
        }
    }

    fn key(&mut self, record: &Record<'_>) -> Result<(), Cause> {
        self.file_key = Some(self.signed_key(record)?);
        self.key_record = format!("{}{}", record.tagged, record.tag);
        Ok(())
    }

    fn signed_key(&self, record: &Record<'_>) -> Result<FileKey, Cause> {
        let bytes: [u8; 32] = exactly(record.subject)
            .ok_or(Cause::Malformed("field 5 of a key record is not 32 bytes in base64url"))?;
        let signature: [u8; 64] = exactly(record.ext)
            .ok_or(Cause::Malformed("field 6 of a key record is not 64 bytes in base64url"))?;
        let Loggers { keys, lenient } = &self.loggers;
        let signature = Signature::from_bytes(&signature);
        let by = |key: &VerifyingKey| key.verify_strict(&bytes, &signature).is_ok();
        match *lenient || keys.iter().any(by) {
            true => Ok(FileKey::new(&bytes)),
            false => Err(Cause::ForgedKey),
        }
    }

    /// Sequence and time, against the record above.
    fn place(&mut self, record: &Record<'_>) -> Result<(), Cause> {
        let (expected, found) = (self.summary.records, record.head.sequence);
        if found != expected {
            return Err(Cause::SequenceGap { expected, found });
        }
        let (before, found) = (self.summary.last_time, record.head.time);
        if found < before {
            return Err(Cause::TimeBackwards { before, found });
        }
        if expected == 0 {
            self.summary.first_time = found;
        }
        self.summary.records += 1;
        self.summary.last_time = found;
        Ok(())
    }
}

fn exactly<const N: usize>(field: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = Base64UrlUnpadded::decode(field, &mut bytes).ok()?.len();
    (length == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::line::{Head, push_record};

    /// A file made by hand, with right tags for whatever it says.
    struct Forge {
        logger: SigningKey,
        file_key: FileKey,
        text: String,
    }

    impl Forge {
        fn new() -> Self {
            let logger = SigningKey::from_bytes(&[9; 32]);
            let mut forge = Self { logger, file_key: FileKey::new(&[0; 32]), text: String::new() };
            forge.key(0, [1; 32]);
            forge
        }

        fn key(&mut self, sequence: u64, key: [u8; 32]) {
            self.file_key = FileKey::new(&key);
            let (public, signature) = (key, self.logger.sign(&key).to_bytes());
            let head = Head { sequence, time: 100, kind: 0, result: 0 };
            let field = Base64UrlUnpadded::encode_string;
            let (subject, ext) = (field(&public), field(&signature));
            let (text, key) = (&mut self.text, &self.file_key);
            push_record(text, key, head, |t| t.push_str(&subject), |t| t.push_str(&ext));
        }

        fn record(&mut self, sequence: u64, time: u32, result: u8) {
            let head = Head { sequence, time, kind: 200, result };
            push_record(&mut self.text, &self.file_key, head, |_| {}, |_| {});
        }

        fn check(&self) -> Result<Summary, Finding> {
            verify(self.text.as_bytes(), &self.logger.verifying_key())
        }
    }

    #[test]
    fn a_later_key_takes_over() {
        let mut forge = Forge::new();
        forge.record(1, 100, 0);
        forge.key(2, [2; 32]);
        forge.record(3, 100, 2);
        let summary = forge.check().unwrap();
        assert_eq!((summary.records, summary.keys), (4, 2));
        forge.file_key = FileKey::new(&[1; 32]);
        forge.record(4, 100, 0);
        assert!(matches!(forge.check().unwrap_err().cause, Cause::BadTag));
    }

    #[test]
    fn time_may_stand_still_but_not_go_back() {
        let mut forge = Forge::new();
        forge.record(1, 100, 0);
        forge.record(2, 101, 0);
        assert_eq!(forge.check().unwrap().last_time, 101);
        forge.record(3, 99, 0);
        let Finding { line, cause } = forge.check().unwrap_err();
        assert_eq!(line, 4);
        assert!(matches!(cause, Cause::TimeBackwards { before: 101, found: 99 }));
    }

    #[test]
    fn an_unknown_result_is_named() {
        let mut forge = Forge::new();
        forge.record(1, 100, 3);
        assert!(matches!(forge.check().unwrap_err().cause, Cause::UnknownResult(3)));
    }

    #[test]
    fn a_key_that_nobody_signed_is_forged() {
        let mut forge = Forge::new();
        let stranger = SigningKey::from_bytes(&[8; 32]);
        let logger = std::mem::replace(&mut forge.logger, stranger);
        forge.key(1, [3; 32]);
        forge.logger = logger;
        let finding = forge.check().unwrap_err();
        assert!(matches!(finding, Finding { line: 2, cause: Cause::ForgedKey }));
    }
}
