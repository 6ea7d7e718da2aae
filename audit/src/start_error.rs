//! Why a log does not start.

use std::io;

use thiserror::Error;

use crate::checkpoint::BadCheckpoint;
use crate::signer::SignerError;

/// Why a log file could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// An anchor can't be read, or set.
    #[error(
        "the checkpoint of the audit log in {place} can't be used: {why}; without it nobody can say \
         whether the log was put back"
    )]
    Anchor {
        /// Which one.
        place: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The checkpoint in the directory is not one of this log.
    #[error(
        "the file `checkpoint` of the audit log can't be used: {0}; if the token is \
         another one than before, move all files of the directory away to start a new log; \
         otherwise check the log with `claviger-audit verify` and restore the file, or accept the \
         loss with `clavigerd new-log`"
    )]
    Checkpoint(#[from] BadCheckpoint),
    /// The files are not those that the last checkpoint was made of.
    #[error(
        "the audit log was changed: its first {size} lines do not come to the root of the \
         checkpoint in {place}; find the line with `claviger-audit verify` and restore the files, \
         or accept the loss with `clavigerd new-log`"
    )]
    Differs {
        /// Where the checkpoint is kept.
        place: &'static str,
        /// The size of the checkpoint.
        size: u64,
    },
    /// The directory can't be read, or a file can't be created in it.
    #[error(
        "the directory of the audit log can't be used: {0}; it must exist, belong to the \
         daemon's user and have mode 0700"
    )]
    Directory(#[source] io::Error),
    /// A file has the highest id there is.
    #[error(
        "no id is left for a new audit log file: one named ffffffff.log is there; move it away \
         and check the host's clock"
    )]
    NoIdLeft,
    /// The name of the log can't be one.
    #[error(
        "{0:?} can't be the name of a log: it takes 1 to 100 characters of printable ASCII \
         without space, + and |"
    )]
    Origin(String),
    /// The entry about a torn tail, or about a new beginning, could not be written.
    #[error("what was set aside can't be entered in the audit log; mend the disk and start again")]
    Recovery,
    /// The system gave no random bytes.
    #[error("no random bytes for the key of the audit log file: {0}; check the kernel's getrandom")]
    Random(String),
    /// A logger key can't take over, or not be destroyed yet.
    #[error("the logger key is not rotated: {0}")]
    Rotation(String),
    /// Lines are missing at the end.
    #[error(
        "the audit log was cut or rolled back: the checkpoint in {place} covers {signed} lines, \
         and with the line that repeats it there are only {found}; restore the missing files or \
         lines, or accept the loss with `clavigerd new-log`"
    )]
    Shorter {
        /// Where the checkpoint is kept.
        place: &'static str,
        /// The size of the checkpoint.
        signed: u64,
        /// How many lines there are.
        found: u64,
    },
    /// The logger key did not sign.
    #[error("the logger key did not sign the new audit log file: {0}")]
    Signer(#[from] SignerError),
    /// The writer's thread could not be started.
    #[error("the thread of the audit log can't be started: {0}; raise the limit of tasks")]
    Thread(#[source] io::Error),
    /// The new file can't be written.
    #[error("the new audit log file can't be written: {0}; make room or mend the disk")]
    Write(#[source] io::Error),
}
