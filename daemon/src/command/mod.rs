//! The commands of `clavigerd`.

mod adopt;
mod arguments;
mod dev;
mod failure;
mod passphrase;
mod pki;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::command::arguments::{Arguments, Command};
use crate::command::failure::Failure;
use crate::config::Config;
use crate::service::Service;

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // The token's side is a process of its own, without runtime and without the daemon's log.
    match arguments.command {
        Command::HsmWorker(options) => return options.run(),
        Command::HsmInit { profile, label, dir } => {
            return hsm_profiles::init_token_main(&profile, &label, &dir);
        }
        _ => {}
    }
    log_to_stderr();
    match perform(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn perform(command: Command) -> Result<(), Failure> {
    match command {
        Command::CheckConfig { config } => {
            let config = Config::load(&config)?;
            hsm_profiles::Profile::load(&config.token.profile)?;
            println!("the configuration is good");
            Ok(())
        }
        Command::Serve { config } => {
            let config = Config::load(&config)?;
            runtime()?.block_on(async {
                let service = Service::open(config).await?;
                let addresses = service.addresses()?;
                let ready = move || tracing::info!(tls = %addresses.tls, "serving");
                Ok(service.run(ready).await?)
            })
        }
        Command::Adopt { config, keys } => {
            let config = Config::load(&config)?;
            runtime()?.block_on(adopt::adopt(&config, &keys))
        }
        Command::Dev(options) => runtime()?.block_on(dev::dev(options)),
        Command::HsmInit { .. } | Command::HsmWorker(_) => Ok(()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)
}

/// The operational log; `RUST_LOG` chooses what is in it.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
}
