//! `claviger message`: what its commands take.

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand};

use crate::message::Token;

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Make a key that messages are left for, and print its token (scope keyservice:create)
    Create(CreateArgs),
    /// Leave a text, files or both for a key (scope keyservice:send)
    Send(SendArgs),
    /// Read the messages of a key (scope keyservice:read)
    Read(ReadArgs),
    /// Delete a key and its messages, for good (scope keyservice:delete)
    Delete(DeleteArgs),
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("kind").required(true))]
pub(crate) struct CreateArgs {
    /// File with a passphrase, - for standard input: the device makes the key
    #[arg(long, value_name = "FILE|-", group = "kind")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File to write a private key to, which is made here (RSA-3072): the device never sees it
    #[arg(long, value_name = "FILE", group = "kind")]
    pub(crate) private_key: Option<PathBuf>,
    /// From when on messages can be read, such as 2030-01-02T03:04:05Z
    #[arg(long, value_name = "DATE")]
    pub(crate) release: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct SendArgs {
    /// The token of the key: 32 hex digits
    pub(crate) token: Token,
    /// File with a text, - for standard input
    #[arg(long, value_name = "FILE|-", group = "what")]
    pub(crate) text: Option<PathBuf>,
    /// A file to send; can be given several times
    #[arg(long, value_name = "FILE", group = "what")]
    pub(crate) file: Vec<PathBuf>,
    /// The key's public half, in PEM or as `create --json` printed it: encrypt here
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    /// Folder to write files to; none is overwritten
    #[arg(long, value_name = "FOLDER")]
    pub(crate) save: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

/// What shows that a key is one's own.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("proof").required(true))]
pub(crate) struct ProofArgs {
    /// The token of the key: 32 hex digits
    pub(crate) token: Token,
    /// File with the passphrase, - for standard input
    #[arg(long, value_name = "FILE|-", group = "proof")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File with the private key, as `create --private-key` wrote it
    #[arg(long, value_name = "FILE", group = "proof")]
    pub(crate) private_key: Option<PathBuf>,
}
