//! `claviger-audit`: checks and shows audit log files, away from the daemon.

mod key;
mod show;
mod verify;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
        /// Log files, or directories whose *.log files are checked, oldest first
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The logger's Ed25519 public key: base64 or base64url, or the path of a file that
        /// holds it or the JSON answer of /api/logger/key. Take it from a source that whoever
        /// can change the log can't change too
        #[arg(long)]
        key: String,
        /// Write one JSON object a file
        #[arg(long)]
        json: bool,
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
    let outcome = match arguments.command {
        Command::Verify { paths, key, json } => match key::read(&key) {
            Ok(key) => verify::run(out, &paths, &key, json),
            Err(error) => Ok(usage(&error)),
        },
        Command::Show { file, json } => show::run(out, &file, json),
    };
    match outcome.and_then(|outcome| out.flush().map(|()| outcome)) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            complain(&format_args!("can't write the result: {error}"));
            Outcome::Unexpected.into()
        }
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
