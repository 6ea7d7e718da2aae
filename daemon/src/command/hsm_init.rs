//! `clavigerd hsm-init`: a fresh token, of a kind that lies in files.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use hsm_profiles::{Profile, StoreKind, TokenFiles, init_token};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use crate::command::arguments::HsmInit;
use crate::command::failure::Failure;

/// Makes the token, and says where its files are.
pub(super) fn hsm_init(options: &HsmInit) -> Result<(), Failure> {
    let profile = Profile::load(&options.profile)?;
    let dir = std::path::absolute(&options.dir).map_err(Failure::Runtime)?;
    if let Some(files) = TokenFiles::under(&dir, profile.store)
        && std::env::var_os(files.variable).as_deref() != Some(files.conf.as_os_str())
    {
        return Err(again_with(&files));
    }
    let files = init_token(&profile, options.module.as_deref(), &options.label, &dir)?;
    if profile.store == StoreKind::Kryoptic {
        super::runtime()?.block_on(quicken(&files.store)).map_err(Failure::Tuning)?;
    }
    if !options.quiet {
        tell(&files);
    }
    Ok(())
}

/// A module reads the environment that its process was started with, so this one starts anew.
/// Answers why it could not.
fn again_with(files: &TokenFiles) -> Failure {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Failure::Runtime(error),
    };
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1)).env(files.variable, &files.conf);
    Failure::Runtime(command.exec())
}

/// What Kryoptic leaves to whoever sets it up: with a write-ahead log a change costs one sync
/// instead of four, and with the index a key is found without a look at all others. Both stay in the
/// file. The module is finalised, so that nobody else has it open.
async fn quicken(store: &PathBuf) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(store).journal_mode(SqliteJournalMode::Wal);
    let mut file: SqliteConnection = options.connect().await?;
    sqlx::query(INDEX).execute(&mut file).await?;
    file.close().await
}

fn tell(files: &TokenFiles) {
    let show = |path: &Path| path.display().to_string();
    println!("the token lies in {}", show(&files.store));
    println!("the user PIN is in {}: name it as token.pin_file", show(&files.pin_file));
    println!("the SO PIN is in {}: keep it elsewhere", show(&files.so_pin_file));
    println!("[token] environment = {{ {} = \"{}\" }}", files.variable, show(&files.conf));
}

const INDEX: &str = "CREATE INDEX IF NOT EXISTS claviger_attr_val ON objects (attr, val)";
