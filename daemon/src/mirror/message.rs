//! A line of the log as a message of syslog (RFC 5424).

use std::fmt::Write;

use audit::{Content, Leaf};

use crate::config::Facility;

/// What is the same in all messages.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) facility: Facility,
    pub(super) hostname: String,
    pub(super) app_name: String,
    /// The name of the log.
    pub(super) origin: String,
}

impl Sender {
    /// The message for a line: MSGID is the type of the entry, the structured data says where the
    /// line stands and what it says, and MSG is the line itself, so that its leaf hash can be
    /// computed from it.
    pub(super) fn message(&self, leaf: &Leaf, content: &Content) -> String {
        let Said { severity, time, id, parameters } = said(content);
        let priority = u16::from(self.facility.code()) * 8 + severity;
        let (host, app) = (name(&self.hostname, 255), name(&self.app_name, 48));
        let (process, id) = (std::process::id(), name(&id, 32));
        let mut text = format!("<{priority}>1 {time} {host} {app} {process} {id} [{SD_ID}");
        let place = [
            ("origin", self.origin.clone()),
            ("index", leaf.index.to_string()),
            ("leaf", leaf.hash().to_string()),
            ("file", format!("{:08x}", leaf.file)),
        ];
        for (name, value) in place.into_iter().chain(parameters) {
            // Writing to a String can't fail.
            let _ = write!(text, " {name}=\"{}\"", escaped(&value));
        }
        text.push_str("] ");
        text.push_str(&leaf.text);
        text
    }
}

/// What the line itself adds.
struct Said {
    severity: u16,
    time: String,
    id: String,
    parameters: Vec<(&'static str, String)>,
}

fn said(content: &Content) -> Said {
    match content {
        Content::Record(row) => Said {
            severity: if row.result == "LOG_RESULT_OK" { INFORMATIONAL } else { WARNING },
            time: row.time.clone(),
            id: row.kind.clone(),
            parameters: vec![
                ("sequence", row.sequence.to_string()),
                ("result", row.result.clone()),
                ("subject", row.subject.clone()),
                ("ext", row.ext.clone()),
            ],
        },
        Content::Checkpoint(checkpoint) => Said {
            severity: INFORMATIONAL,
            time: NIL.to_owned(),
            id: "CHECKPOINT".to_owned(),
            parameters: vec![
                ("size", checkpoint.size().to_string()),
                ("root", checkpoint.root().to_string()),
            ],
        },
        Content::Comment => Said {
            severity: INFORMATIONAL,
            time: NIL.to_owned(),
            id: "COMMENT".to_owned(),
            parameters: Vec::new(),
        },
    }
}

/// A header field: printable ASCII without space, at most `limit`; `-` where nothing is left.
fn name(text: &str, limit: usize) -> String {
    let printable = text.chars().filter(char::is_ascii_graphic).take(limit);
    let cut: String = printable.collect();
    if cut.is_empty() { NIL.to_owned() } else { cut }
}

/// A parameter's value (RFC 5424, 6.3.3).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// The number is the one that RFC 5612 sets aside for examples: this project has none of its own.
const SD_ID: &str = "claviger@32473";
const NIL: &str = "-";
const WARNING: u16 = 4;
const INFORMATIONAL: u16 = 6;

#[cfg(test)]
mod tests {
    use audit::{LogType, Row};

    use super::*;

    fn sender() -> Sender {
        Sender {
            facility: Facility::Audit,
            hostname: "hsm.example".to_owned(),
            app_name: "clavigerd".to_owned(),
            origin: "claviger/3fd2a7c01b7c9e55".to_owned(),
        }
    }

    fn row() -> Row {
        Row {
            line: 0,
            sequence: 31,
            time: "2022-03-15T21:57:09Z".to_owned(),
            kind: "LOG_TYPE_CRYPTO_ECDH".to_owned(),
            result: "LOG_RESULT_OK".to_owned(),
            subject: "user".to_owned(),
            ext: "00ff".to_owned(),
        }
    }

    fn written(content: &Content) -> String {
        let leaf =
            Leaf { index: 1207, file: 0x6231_0b2b, text: "1f|62310ba5|26|0|U||t".to_owned() };
        sender().message(&leaf, content)
    }

    #[test]
    fn an_entry_is_a_message_of_rfc_5424() {
        let text = written(&Content::Record(row()));
        let (head, rest) = text.split_once(" [claviger@32473 ").unwrap();
        let process = std::process::id();
        assert_eq!(
            head,
            format!(
                "<110>1 2022-03-15T21:57:09Z hsm.example clavigerd {process} LOG_TYPE_CRYPTO_ECDH"
            )
        );
        let hash = Leaf { index: 0, file: 0, text: "1f|62310ba5|26|0|U||t".to_owned() }.hash();
        assert_eq!(
            rest,
            format!(
                "origin=\"claviger/3fd2a7c01b7c9e55\" index=\"1207\" leaf=\"{hash}\" \
                 file=\"62310b2b\" sequence=\"31\" result=\"LOG_RESULT_OK\" subject=\"user\" \
                 ext=\"00ff\"] 1f|62310ba5|26|0|U||t"
            )
        );
    }

    #[test]
    fn what_did_not_happen_is_a_warning() {
        for result in ["LOG_RESULT_FAILED", "LOG_RESULT_ERROR"] {
            let row = Row { result: result.to_owned(), ..row() };
            assert!(written(&Content::Record(row)).starts_with("<108>1 "), "{result}");
        }
    }

    /// The examples of RFC 5424, 6.5: the fields that are set there are fields here.
    #[test]
    fn names_are_cut_to_what_a_header_takes() {
        assert_eq!(name("mymachine.example.com", 255), "mymachine.example.com");
        assert_eq!(name("192.0.2.1", 255), "192.0.2.1");
        assert_eq!(name("a b\n\u{e9}c", 255), "abc");
        assert_eq!(name("", 48), "-");
        assert_eq!(name(&"x".repeat(50), 48).len(), 48);
        for kind in LogType::ALL {
            assert_eq!(name(kind.name(), 32), kind.name(), "it fits MSGID");
        }
    }

    #[test]
    fn no_value_ends_its_parameter() {
        // RFC 5424, 6.3.3: these three are escaped, and nothing else.
        assert_eq!(escaped(r#"a"b\c]d[e"#), r#"a\"b\\c\]d[e"#);
        assert_eq!(escaped("Anwendungsereignis \u{e4}"), "Anwendungsereignis \u{e4}");
        let ext = r#"x"] forged ["#.to_owned();
        let text = written(&Content::Record(Row { ext, ..row() }));
        assert!(text.contains(r#"ext="x\"\] forged ["] 1f|"#), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_comment_says_where_it_stands() {
        let text = written(&Content::Comment);
        assert!(text.starts_with("<110>1 - hsm.example clavigerd "), "{text}");
        assert!(text.contains(" COMMENT [claviger@32473 origin="), "{text}");
    }
}
