//! The command line: commands, options and the environment variables that stand for them.

pub(crate) mod account;
pub(crate) mod e2e;
pub(crate) mod message;
pub(crate) mod pqc;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::encoding::{Kid, PublicKey};

/// The client of a Claviger daemon: log in, manage keys, agree on secrets.
#[derive(Debug, Parser)]
#[command(name = "claviger", version, after_long_help = EXIT_CODES, after_help = SHORT_NOTE)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Options {
    /// The daemon, as https://HOST:PORT; without it the one of the last login
    #[arg(long, global = true, env = "CLAVIGER_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// PEM file with the only root certificate to trust; without it the system's roots
    #[arg(long, global = true, env = "CLAVIGER_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// File with the bearer token to use instead of a stored one (or the token itself in
    /// CLAVIGER_TOKEN)
    #[arg(long, global = true, env = "CLAVIGER_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print one JSON document on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print the equivalent curl line, with $TOKEN for the token, and send nothing
    #[arg(long, global = true)]
    pub(crate) print_curl: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Manage accounts (scope account:manage, the user's)
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Prove knowledge of the passphrase and get a token for a scope or several
    Login(LoginArgs),
    /// Remove stored tokens: those of --url or CLAVIGER_URL, all without either
    Logout(LogoutArgs),
    /// Ask for the key that signs the audit log
    #[command(subcommand)]
    Logger(LoggerCommand),
    /// Create, list, show, import, delete and search keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Agree on a secret between a key in the token and a public key
    Ecdh(EcdhArgs),
    /// Use the API for end-to-end key exchanges: agree on a session
    #[command(subcommand)]
    E2e(e2e::E2eCommand),
    /// Leave and read encrypted messages and files
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Use the post-quantum API: ML-KEM, ML-DSA, AES for texts, tokens for a number of calls
    #[command(subcommand)]
    Pqc(pqc::PqcCommand),
    /// Show the state of the daemon
    Status,
    /// Show the versions of this client and of the daemon
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Generate a key in the token (scope keymgmt:gen)
    Create(CreateArgs),
    /// List all keys (scope keymgmt:list)
    List,
    /// Show type and public key (scope keymgmt:get, keymgmt:gen or keymgmt:use:KID)
    Show(ShowArgs),
    /// Import a public key (scope keymgmt:imp)
    Import(ImportArgs),
    /// Destroy a key for good (scope keymgmt:del)
    Delete(DeleteArgs),
    /// Find keys by their description (scope keymgmt:search or keymgmt:list)
    Search(SearchArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoggerCommand {
    /// Print its public key as claviger-audit takes it (scope logger:get)
    Key,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {
    /// Those of every daemon, whatever --url and CLAVIGER_URL say
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// File with the passphrase, - for standard input (asked without echo on a terminal)
    #[arg(long, value_name = "FILE|-")]
    pub(crate) passphrase_file: PathBuf,
    /// What the token is for: a scope, such as keymgmt:gen or keymgmt:use:KID, or several in quotes
    #[arg(long, value_parser = crate::encoding::scope, conflicts_with = "rest",
          required_unless_present = "rest")]
    pub(crate) scope: Option<String>,
    /// How long the token is to live, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, conflicts_with = "rest",
          value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) lifetime: u64,
    /// Print the token on stdout instead of storing it
    #[arg(long)]
    pub(crate) print: bool,
    /// Log in to an account by its password; its token has the scopes of the account
    #[arg(long, requires = "username")]
    pub(crate) rest: bool,
    /// The name of the account
    #[arg(long, value_name = "NAME", requires = "rest", conflicts_with = "scope")]
    pub(crate) username: Option<String>,
    /// The domain to name; accounts have none
    #[arg(long, requires = "rest", conflicts_with = "scope", default_value = "")]
    pub(crate) domain: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) about: KeyAbout,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) about: KeyAbout,
    /// The raw public key in base64; SECP keys in compressed form
    #[arg(long, value_name = "BASE64", allow_hyphen_values = true)]
    pub(crate) pubkey: PublicKey,
}

/// What create and import say about the new key.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyAbout {
    /// SECP256R1 SECP384R1 SECP521R1 SECP256K1 CURVE25519 CURVE448 ED25519 ED448 MLKEM512
    /// MLKEM768 MLKEM1024 MLDSA44 MLDSA65 MLDSA87, and where a key is generated also SHA2-256
    /// SHA2-384 SHA2-512 SHA3-256 SHA3-384 SHA3-512 AES128 AES192 AES256
    #[arg(long = "type", value_name = "TYPE", value_parser = crate::encoding::algorithm)]
    pub(crate) key_type: String,
    /// Name of the key: 1 to 32 printable ASCII characters
    #[arg(long, value_parser = crate::encoding::label)]
    pub(crate) label: String,
    /// What a SECP key is for (ECDH when absent)
    #[arg(long, value_parser = ["ECDH", "ExDSA", "ECDH,ExDSA"])]
    pub(crate) mode: Option<String>,
    /// Description to search by, at most 128 bytes
    #[arg(long, value_name = "TEXT", value_parser = crate::encoding::description)]
    pub(crate) descr: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Key id: 32 hex digits
    pub(crate) kid: Kid,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    /// Key id: 32 hex digits
    pub(crate) kid: Kid,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// TEXT anywhere in the description, ^TEXT at its start, TEXT$ at its end
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: String,
    /// The text of the pattern is base64, for descriptions that are not text
    #[arg(long)]
    pub(crate) base64: bool,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("peer").required(true))]
pub(crate) struct EcdhArgs {
    /// Key id of the private key: 32 hex digits
    pub(crate) kid: Kid,
    /// The other side's raw public key in base64
    #[arg(long, value_name = "BASE64", group = "peer", allow_hyphen_values = true)]
    pub(crate) pubkey: Option<PublicKey>,
    /// The other side's public key, by the id it is stored under
    #[arg(long, value_name = "KID", group = "peer")]
    pub(crate) ext_kid: Option<Kid>,
    /// Hash the shared secret: SHA2-256 SHA2-384 SHA2-512 SHA3-256 SHA3-384 SHA3-512
    #[arg(long, value_parser = crate::encoding::algorithm)]
    pub(crate) alg: Option<String>,
}

const SHORT_NOTE: &str = "`claviger help` explains the exit codes.";

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  unexpected: a fault of this client, or an answer it does not understand
  2  usage: wrong arguments or files, or the daemon found the request malformed (400, 413, 422)
  3  not found: no such key, or no such endpoint (404; 406 on show and delete)
  4  denied: no fitting token, or the daemon refused it (401, 403)
  5  conflict: the daemon is in a state that does not allow it (409, 410, 500)
  6  failed: the daemon tried and could not (406)
  7  unreachable: no connection, no trusted TLS, no answer in time, or not ready (429, 502, 503, 504);
     after a create, import or delete the outcome is then unknown: look before you repeat it

Environment:
  CLAVIGER_URL, CLAVIGER_CA, CLAVIGER_TOKEN_FILE  as the options
  CLAVIGER_TOKEN   the bearer token itself; CLAVIGER_TOKEN_FILE wins over it
  XDG_STATE_HOME   stored tokens are in $XDG_STATE_HOME/claviger (~/.local/state/claviger)";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Args, Command};

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn ecdh_takes_exactly_one_peer() {
        let kid = "AB".repeat(16);
        let parse = |more: &[&str]| {
            let mut line = vec!["claviger", "ecdh", kid.as_str()];
            line.extend(more);
            Args::try_parse_from(line)
        };
        assert!(parse(&[]).is_err());
        assert!(parse(&["--pubkey", "AAAA", "--ext-kid", &kid]).is_err());
        let Command::Ecdh(ask) = parse(&["--ext-kid", &kid]).unwrap().command else {
            panic!("not ecdh")
        };
        assert_eq!(ask.ext_kid.unwrap().as_str(), kid.to_lowercase());
    }

    #[test]
    fn a_login_is_for_a_scope_or_to_an_account() {
        let parse = |more: &[&str]| {
            let line = ["claviger", "login", "--passphrase-file", "x"];
            Args::try_parse_from(line.iter().chain(more))
        };
        assert!(parse(&["--scope", "keymgmt:gen"]).is_ok());
        assert!(parse(&["--rest", "--username", "a"]).is_ok());
        assert!(parse(&["--rest", "--username", "a", "--domain", "b", "--print"]).is_ok());
        for bad in [
            &[][..],
            &["--rest"],
            &["--username", "a", "--scope", "s"],
            &["--rest", "--username", "a", "--scope", "s"],
            &["--rest", "--username", "a", "--lifetime", "9"],
            &["--scope", "s", "--domain", "b"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_option_takes_a_password() {
        let line = ["claviger", "login", "--passphrase", "x", "--scope", "keymgmt:gen"];
        assert!(Args::try_parse_from(line).is_err());
    }
}
