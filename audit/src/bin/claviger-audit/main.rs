//! `claviger-audit`: checks and shows audit log files, away from the daemon.

mod all_rows;
mod key;
mod progress;
mod proof;
mod resume;
mod show;
mod stats;
mod verify;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use audit::LogKey;
use clap::{Args, Parser, Subcommand};

/// Checks and shows Claviger's audit log files.
#[derive(Parser)]
#[command(name = "claviger-audit", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check files against the logger's public key
    #[command(after_help = EXIT_CODES)]
    Verify {
        /// Log directories, each checked as a whole with its checkpoints, or single log files
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        key: Key,
        /// An earlier checkpoint that was kept elsewhere: the directory must go on from it
        #[arg(long, conflicts_with = "plain")]
        since: Option<PathBuf>,
        /// Go on from where the last run with this file ended, and keep there where this one ends.
        /// Lines that an earlier run has proved are not read again. Keep it out of the log directory
        #[arg(long, value_name = "STATE", conflicts_with_all = ["plain", "since"])]
        resume: Option<PathBuf>,
        /// Check the files of directories one by one, without checkpoints: for files of a device
        #[arg(long)]
        plain: bool,
        /// Write one JSON object a directory or file
        #[arg(long)]
        json: bool,
    },
    /// Prove that a line is covered by the directory's checkpoint (C2SP tlog-proof)
    #[command(after_help = EXIT_CODES)]
    Proof {
        /// The log directory
        directory: PathBuf,
        /// The line, counted from 0 through all files: the Audit-Index of an answer
        index: u64,
        #[command(flatten)]
        key: Key,
    },
    /// Check a tlog-proof, with nothing but the line, the proof and the key
    #[command(after_help = EXIT_CODES)]
    CheckProof {
        /// The file with the proof
        proof: PathBuf,
        /// The line of the log, without its line end
        line: String,
        #[command(flatten)]
        key: Key,
    },
    /// Prove that the log only grew since it had so many lines
    #[command(after_help = EXIT_CODES)]
    Consistency {
        /// The log directory
        directory: PathBuf,
        /// The earlier number of lines: the size of an earlier checkpoint
        old: u64,
        #[command(flatten)]
        key: Key,
    },
    /// Print all records of a directory as JSON, one a line; nothing is verified
    #[command(after_help = EXIT_CODES)]
    Export {
        /// The log directory, or a log file
        path: PathBuf,
        /// JSON lines: the only form there is
        #[arg(long)]
        jsonl: bool,
    },
    /// Count the records by type, result, subject and hour; nothing is verified
    #[command(after_help = EXIT_CODES)]
    Stats {
        /// The log directory, or a log file
        path: PathBuf,
        /// Write one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print the last records of a directory in words; nothing is verified
    #[command(after_help = EXIT_CODES)]
    Tail {
        /// The log directory, or a log file
        path: PathBuf,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
    },
    /// Print the records of a file in words; nothing is verified
    #[command(after_help = EXIT_CODES)]
    Show {
        /// The log file
        file: PathBuf,
        /// Write one JSON object a record
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Key {
    /// The logger's public key: the vkey (logger.vkey), or the Ed25519 key in base64 or
    /// base64url, or the path of a file that holds one of them or the JSON answer of
    /// /api/logger/key. Take it from a source that whoever can change the log can't change too
    #[arg(long)]
    key: String,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let told = error.print().is_ok();
            return if error.use_stderr() {
                Outcome::Usage.into()
            } else if told {
                Outcome::Proved.into()
            } else {
                Outcome::Unexpected.into()
            };
        }
    };
    let out = &mut io::stdout().lock();
    let outcome = run(out, arguments.command);
    match outcome.and_then(|outcome| out.flush().map(|()| outcome)) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            complain(&format_args!("can't write the result: {error}"));
            Outcome::Unexpected.into()
        }
    }
}

fn run(out: &mut dyn Write, command: Command) -> io::Result<Outcome> {
    let with_key = |key: &Key, run: &mut dyn FnMut(&LogKey) -> io::Result<Outcome>| match key::read(
        &key.key,
    ) {
        Ok(key) => run(&key),
        Err(error) => Ok(usage(&error)),
    };
    match command {
        Command::Verify { paths, key, since, resume, plain, json } => {
            let how = verify::How { json, plain, since, resume };
            with_key(&key, &mut |key| verify::run(out, &paths, key, &how))
        }
        Command::Proof { directory, index, key } => {
            with_key(&key, &mut |key| proof::inclusion(out, &directory, (key, index)))
        }
        Command::CheckProof { proof, line, key } => {
            with_key(&key, &mut |key| proof::check(out, &proof, (key, &line)))
        }
        Command::Consistency { directory, old, key } => {
            with_key(&key, &mut |key| proof::consistency(out, &directory, (key, old)))
        }
        Command::Export { path, jsonl: _ } => all_rows::export(out, &path),
        Command::Stats { path, json } => stats::run(out, &path, json),
        Command::Tail { path, lines } => all_rows::tail(out, &path, lines),
        Command::Show { file, json } => show::run(out, &file, json),
    }
}

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Outcome {
    Proved,
    Unexpected,
    Usage,
    Fault,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Proved => 0,
            Outcome::Unexpected => 1,
            Outcome::Usage => 2,
            Outcome::Fault => 8,
        })
    }
}

fn usage(error: &dyn fmt::Display) -> Outcome {
    complain(error);
    Outcome::Usage
}

/// A message for the person at the terminal; a closed stderr is no reason to stop.
fn complain(message: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "claviger-audit: {message}");
}

const EXIT_CODES: &str = "Exit codes:
  0  everything was read, and with verify proved
  1  something unexpected, such as a file that can't be read
  2  wrong usage, such as an unreadable key
  8  the log has a fault; the first one of each file is named";
