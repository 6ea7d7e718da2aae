//! `claviger pqc`: what its commands take.

use std::path::PathBuf;

use clap::Subcommand;

use crate::encoding::Kid;

#[derive(Debug, Subcommand)]
pub(crate) enum PqcCommand {
    /// Get a token for a number of calls (scope token:new)
    Token(TokenArgs),
    /// Make an ML-KEM key and print its public half (scope pqc:kem)
    Generate {
        /// The parameter set
        #[arg(long, default_value = "ML-KEM-768",
              value_parser = ["ML-KEM-512", "ML-KEM-768", "ML-KEM-1024"])]
        set: String,
    },
    /// Encapsulate a fresh secret for the owner of a key (scope pqc:kem)
    Encapsulate {
        /// What `generate --json` printed, - for standard input
        #[arg(value_name = "KEY.JSON|-")]
        key: PathBuf,
    },
    /// Open a secret with one's own key (scope pqc:kem)
    Decapsulate {
        /// What `generate --json` printed
        #[arg(value_name = "KEY.JSON|-")]
        key: PathBuf,
        /// What `encapsulate --json` printed, or {"cipher": "..."}
        #[arg(value_name = "SENT.JSON|-")]
        sent: PathBuf,
    },
    /// Sign a text with one's own ML-DSA key (scope pqc:sign)
    Sign {
        /// The text, - for standard input
        #[arg(value_name = "FILE|-")]
        text: PathBuf,
        /// The parameter set
        #[arg(long, default_value = "ML-DSA-65",
              value_parser = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])]
        set: String,
    },
    /// Verify a signature of a text; 6 where it does not hold (scope pqc:sign)
    Verify {
        /// The text, - for standard input
        #[arg(value_name = "FILE|-")]
        text: PathBuf,
        /// What `sign --json` printed
        #[arg(value_name = "SIGNED.JSON|-")]
        signed: PathBuf,
    },
    /// Encipher a text by AES-256-GCM (scope pqc:aes, for --kid keymgmt:use:KID too)
    Encrypt(CipherArgs),
    /// Decipher it again (scope pqc:aes, for --kid keymgmt:use:KID too)
    Decrypt(CipherArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// For how many calls it is good
    #[arg(long, value_name = "CALLS", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) uses: u64,
    /// After how many seconds it ends
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) lifetime: u64,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct CipherArgs {
    /// The text, or what was enciphered; - for standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// A stored AES256 key: 32 hex digits
    #[arg(long, value_name = "KID", group = "which")]
    pub(crate) kid: Option<Kid>,
    /// File with the key: 64 hex digits
    #[arg(long, value_name = "FILE", group = "which")]
    pub(crate) key_file: Option<PathBuf>,
}
