//! The commands of `clavigerd`.

mod adopt;
mod arguments;
mod dev;
mod failure;
mod first_account;
mod hsm_init;
mod passphrase;
mod pki;
mod rotate;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::command::arguments::{Arguments, Command};
use crate::command::failure::Failure;
use crate::config::Config;
use crate::log_change;
use crate::service::{Ended, Service};

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    // The token's side is a process of its own, without a runtime.
    if let Command::HsmWorker(options) = arguments.command {
        return options.run();
    }
    match perform(arguments.command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn perform(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::CheckConfig { config } => {
            let config = Config::load(&config)?;
            hsm_profiles::Profile::load(&config.token.profile)?;
            println!("the configuration is good");
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve { .. } if cfg!(feature = "unlogged") => Err(Failure::Unlogged),
        Command::Serve { config } => {
            let config = Config::load(&config)?;
            runtime()?.block_on(async {
                let service = Service::open(config).await?;
                let addresses = service.addresses()?;
                let ready = move || tracing::info!(tls = %addresses.tls, "serving");
                Ok(exit_code(service.run(ready).await?))
            })
        }
        Command::Adopt { config, keys } => {
            let config = Config::load(&config)?;
            runtime()?.block_on(adopt::adopt(&config, &keys))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::NewLog { config, reason } => {
            let config = Config::load(&config)?;
            let aside = runtime()?.block_on(log_change::begin_log_anew(&config, reason))?;
            println!("the old log is in {}", aside.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::RotateLoggerKey { config, retire } => {
            let config = Config::load(&config)?;
            runtime()?.block_on(rotate::rotate(&config, retire))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Dev(options) => Ok(exit_code(runtime()?.block_on(dev::dev(options))?)),
        Command::HsmInit(options) => {
            hsm_init::hsm_init(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::HsmWorker(_) => Ok(ExitCode::SUCCESS),
    }
}

fn exit_code(ended: Ended) -> ExitCode {
    match ended {
        Ended::ByCaller => ExitCode::from(STAY_DOWN),
        Ended::BySignal => ExitCode::SUCCESS,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // The token's threads, in another process, do most of the work. Half of the cores is enough for
    // the rest, and threads that are fewer wake each other less (docs/performance.md).
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(2))
        .enable_all()
        .build()
        .map_err(Failure::Runtime)
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

/// Stopped by a caller: the unit must not start again by itself.
const STAY_DOWN: u8 = 76;
