//! `clavigerd rotate-logger-key`

use crate::command::failure::Failure;
use crate::config::Config;
use crate::log_change;

/// Has a new logger key take over, or destroys the one that it took over from.
///
/// # Errors
/// [`Failure::Start`]; it can be done again then.
pub(super) async fn rotate(config: &Config, retire: bool) -> Result<(), Failure> {
    if retire {
        let key = log_change::retire_logger_key(config).await?;
        println!("the log is signed by this key alone: {key}");
    } else {
        let key = log_change::rotate_logger_key(config).await?;
        println!("the log is signed by this key, and the one before along with it: {key}");
    }
    Ok(())
}
