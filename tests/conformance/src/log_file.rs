//! A reader of log files that knows A13 and nothing of the daemon.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::encoding::{base64url, hex, unbase64url};
use crate::jwt::hmac_sha256;
use crate::ledger::Counts;
use crate::verdict::{OrFails, Verdict, ensure, fails};

/// An entry that was verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    /// Its number in the file.
    pub(crate) sequence: u64,
    /// Unix seconds.
    pub(crate) time: u64,
    /// The number of its type.
    pub(crate) kind: u32,
    /// 0 OK, 1 failed, 2 error.
    pub(crate) result: u32,
    /// Empty, `U`, `M`, or a KID in base64url.
    pub(crate) subject: String,
    /// More, as the type has it.
    pub(crate) ext: String,
}

/// The entries of a whole file, each verified against the key of the file, and that key against the
/// device's logger key. Lines of other than seven fields are comments.
pub(crate) fn read(text: &str, logger: &[u8]) -> Verdict<Vec<Entry>> {
    let logger = VerifyingKey::try_from(logger).or_fails(|| "the logger key".to_owned())?;
    let mut key = None;
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.split('|').count() != 7 {
            continue;
        }
        let at = |what: &str| format!("line {}: {what}", number + 1);
        let entry = parse(line).or_fails(|| at("not an entry"))?;
        if entry.kind == 0 && entry.result == 0 {
            let new = unbase64url(&entry.subject).or_fails(|| at("its key"))?;
            ensure(new.len() == 32, || at("a key of other than 32 bytes"))?;
            let signature = unbase64url(&entry.ext).or_fails(|| at("its signature"))?;
            let signature = Signature::from_slice(&signature).or_fails(|| at("its signature"))?;
            let verified = logger.verify_strict(&new, &signature);
            verified.or_fails(|| at("the file's key is not signed by the logger key"))?;
            key = Some(new);
        }
        let Some(key) = &key else { return fails(at("an entry before the file's key")) };
        let (signed, tag) = line.rsplit_once('|').unwrap_or_default();
        let expected = hmac_sha256(key, format!("{signed}|").as_bytes());
        let expected = base64url(expected.get(..16).unwrap_or_default());
        ensure(expected == tag, || at("its tag is another"))?;
        let next = entries.last().map_or(0, |last| last.sequence + 1);
        ensure(entry.sequence == next, || at(&format!("number {} after a gap", entry.sequence)))?;
        ensure(entries.last().is_none_or(|last| last.time <= entry.time), || at("time goes back"))?;
        entries.push(entry);
    }
    ensure(!entries.is_empty(), || "a log without entries".to_owned())?;
    Ok(entries)
}

fn parse(line: &str) -> Option<Entry> {
    let fields: Vec<_> = line.split('|').collect();
    let [sequence, time, kind, result, subject, ext, _] = fields.as_slice() else { return None };
    Some(Entry {
        sequence: u64::from_str_radix(sequence, 16).ok()?,
        time: u64::from_str_radix(time, 16).ok()?,
        kind: u32::from_str_radix(kind, 16).ok()?,
        result: result.parse().ok().filter(|result| *result < 3)?,
        subject: (*subject).to_owned(),
        ext: (*ext).to_owned(),
    })
}

/// What of `expected` is not in the log as often as it should, one line each.
pub(crate) fn missing(entries: &[Entry], expected: &Counts) -> Vec<String> {
    let mut missing = Vec::new();
    for ((kind, result, kid), count) in expected {
        let same = |entry: &&Entry| {
            let names = kid.is_none() || unbase64url(&entry.ext).map(|kid| hex(&kid)) == *kid;
            entry.kind == *kind && entry.result == *result && names
        };
        let found = entries.iter().filter(same).count();
        if u64::try_from(found).is_ok_and(|found| found < *count) {
            let of = kid.as_deref().unwrap_or("any key");
            missing.push(format!("type {kind} result {result} of {of}: {found} of {count}"));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{missing, read};
    use crate::encoding::unbase64;

    fn sample() -> (String, Vec<u8>) {
        let vectors: Value = serde_json::from_str(include_str!("../vectors/hem.json")).unwrap();
        let sample = &vectors["auditlog_docs"];
        let lines = sample["lines"].as_array().unwrap();
        let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap()).collect();
        let key = unbase64(sample["logger_key"].as_str().unwrap()).unwrap();
        (format!("# a comment\r\n{}\r\n", lines.join("\r\n")), key)
    }

    #[test]
    fn the_published_log_verifies() {
        let (text, key) = sample();
        let entries = read(&text, &key).unwrap();
        assert_eq!(entries.len(), 7);
        assert_eq!((entries[5].kind, entries[5].subject.as_str()), (18, "U"));
        let expected = [((18, 0, None), 1), ((29, 0, None), 2)].into_iter().collect();
        assert_eq!(missing(&entries, &expected).len(), 1);
    }

    #[test]
    fn a_changed_a_dropped_and_a_foreign_line_do_not() {
        let (text, key) = sample();
        assert!(read(&text.replace("|12|0|U|", "|12|0|M|"), &key).is_err());
        let dropped: Vec<_> =
            text.lines().enumerate().filter(|(n, _)| *n != 4).map(|(_, line)| line).collect();
        assert!(read(&dropped.join("\n"), &key).is_err());
        assert!(read(&text, &[3; 32]).is_err());
        assert!(read("# nothing\n", &key).is_err());
    }
}
