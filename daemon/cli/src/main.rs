//! `claviger`: the client for people. It logs in to a Claviger daemon with the challenge handshake
//! of the HEM API, and works with keys that stay inside the daemon's token.
//!
//! Data goes to stdout, messages go to stderr, and the exit code says what kind of end it was.

mod account;
mod args;
mod client;
mod curl;
mod e2e;
mod ecdh;
mod encoding;
mod failure;
mod form;
mod handshake;
mod keys;
mod listing;
mod logger;
mod login;
mod message;
mod output;
mod passphrase;
mod pqc;
mod rest_login;
mod server;
mod session;
mod status;
mod token_store;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, KeyCommand, LoggerCommand};
use failure::Failure;
use session::Session;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return failure::from_arguments(&error),
    };
    let json = args.options.json;
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let session = Session::open(args.options)?;
    match &args.command {
        Command::Account(command) => account::run(&session, command),
        Command::Login(ask) if ask.rest => rest_login::run(&session, ask),
        Command::Login(ask) => login::run(&session, ask),
        Command::Logout(ask) => login::forget(&session, ask.all),
        Command::Logger(LoggerCommand::Key) => logger::key(&session),
        Command::Key(KeyCommand::Create(ask)) => keys::create(&session, ask),
        Command::Key(KeyCommand::List) => listing::list(&session),
        Command::Key(KeyCommand::Show(ask)) => keys::show(&session, &ask.kid),
        Command::Key(KeyCommand::Import(ask)) => keys::import(&session, ask),
        Command::Key(KeyCommand::Delete(ask)) => keys::delete(&session, ask),
        Command::Key(KeyCommand::Search(ask)) => listing::search(&session, ask),
        Command::Ecdh(ask) => ecdh::run(&session, ask),
        Command::E2e(command) => e2e::run(&session, command),
        Command::Message(command) => message::run(&session, command),
        Command::Pqc(command) => pqc::run(&session, command),
        Command::Status => status::status(&session),
        Command::Version => status::version(&session),
    }
}
