//! `claviger account`: what its commands take.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account
    Create {
        /// Its name: 1 to 64 letters and digits, full stops, hyphens, low lines and at signs
        username: String,
        /// What its tokens are for: a scope, or several in quotes
        #[arg(long, value_parser = crate::encoding::scope)]
        scope: String,
        /// File with its password of 8 to 1024 bytes, - for standard input
        #[arg(long, value_name = "FILE|-")]
        passphrase_file: PathBuf,
    },
    /// Show all accounts
    List,
    /// Let an account log in no more, and end its logins
    Lock {
        /// Its name
        username: String,
    },
    /// Give an account another password, and end its logins
    Passwd {
        /// Its name
        username: String,
        /// File with the password of 8 to 1024 bytes, - for standard input
        #[arg(long, value_name = "FILE|-")]
        passphrase_file: PathBuf,
    },
    /// Let an account log in again, and forget its failures
    Unlock {
        /// Its name
        username: String,
    },
}
