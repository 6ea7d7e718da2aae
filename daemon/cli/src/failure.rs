//! How a command ends badly: what happened, why, how to mend it, and the exit code for scripts.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use serde_json::json;

/// The kind of a failure; each has its exit code and its `code` in JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Conflict,
    Denied,
    Failed,
    NotFound,
    Unexpected,
    Unreachable,
    Usage,
}

impl Kind {
    /// What an HTTP status of the daemon means. `absent_is_406` for the endpoints that answer 406
    /// when the key does not exist.
    pub(crate) fn of_status(status: u16, absent_is_406: bool) -> Self {
        match status {
            400 | 413 | 422 => Self::Usage,
            401 | 403 => Self::Denied,
            404 => Self::NotFound,
            406 if absent_is_406 => Self::NotFound,
            406 => Self::Failed,
            // With 500 the key service and key exchanges say what others say with 409.
            409 | 410 | 500 => Self::Conflict,
            429 | 502..=504 => Self::Unreachable,
            _ => Self::Unexpected,
        }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Conflict => 5,
            Self::Failed => 6,
            Self::Unreachable => 7,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::NotFound => "not_found",
            Self::Unexpected => "unexpected",
            Self::Unreachable => "unreachable",
            Self::Usage => "usage",
        }
    }
}

/// One failure, as people and scripts see it. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    /// A failure of the given kind; `message` says what happened and why.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, request_id: None }
    }

    /// Wrong arguments, environment or files.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something that should not happen.
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Kind::Unexpected, message)
    }

    /// How to mend it; replaces an earlier hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The request id the daemon gave, for its operator.
    #[must_use]
    pub(crate) fn request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// The kind, for callers that add a better hint.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Writes the failure to stderr, as text or as JSON, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        let text = if json { self.to_json() } else { self.to_text() };
        // nothing is left to say it to when stderr is gone; the exit code still speaks
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(self.kind.exit_code())
    }

    fn to_json(&self) -> String {
        json!({"error": {
            "code": self.kind.code(),
            "message": self.message,
            "hint": self.hint,
            "request_id": self.request_id,
        }})
        .to_string()
    }

    fn to_text(&self) -> String {
        let mut text = format!("claviger: {}", crate::output::plain(&self.message));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  hint: {}", crate::output::plain(hint)));
        }
        if let Some(id) = &self.request_id {
            text.push_str(&format!("\n  request id: {}", crate::output::plain(id)));
        }
        text
    }
}

/// Reports a command line that did not parse, or prints the help that was asked for.
pub(crate) fn from_arguments(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(Kind::Unexpected.exit_code()),
        };
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        return Failure::usage(message).hint("claviger --help").report(true);
    }
    let _ = error.print();
    ExitCode::from(Kind::Usage.exit_code())
}

#[cfg(test)]
mod tests {
    use super::{Failure, Kind};

    #[test]
    fn each_status_has_its_exit_code() {
        let code = |status| Kind::of_status(status, false).exit_code();
        let codes = [
            (400, 2),
            (401, 4),
            (403, 4),
            (404, 3),
            (406, 6),
            (409, 5),
            (410, 5),
            (412, 1),
            (413, 2),
            (418, 1),
            (422, 2),
            (429, 7),
            (500, 5),
            (502, 7),
            (503, 7),
            (504, 7),
            (302, 1),
        ];
        for (status, expected) in codes {
            assert_eq!(code(status), expected, "{status}");
        }
        assert_eq!(Kind::of_status(406, true).exit_code(), 3);
    }

    #[test]
    fn json_errors_have_the_four_fields() {
        let failure = Failure::new(Kind::Denied, "no").hint("log in").request_id(Some("r1".into()));
        let document: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
        assert_eq!(document["error"]["code"], "denied");
        assert_eq!(document["error"]["message"], "no");
        assert_eq!(document["error"]["hint"], "log in");
        assert_eq!(document["error"]["request_id"], "r1");
    }

    #[test]
    fn text_errors_cannot_drive_the_terminal() {
        let text = Failure::usage("a\u{1b}[2Jb").to_text();
        assert_eq!(text, "claviger: a?[2Jb");
    }
}
