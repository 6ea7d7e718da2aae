//! The command line, and the passphrases, which do not stand there: others can read it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use secrecy::SecretString;

use crate::device::{Device, May, People};
use crate::wire::Wire;

/// Walks the HEM API of a device or a daemon and says what is not as its description has it.
///
/// The passphrases stand in the environment: CLAVIGER_USER_PASSPHRASE, and
/// CLAVIGER_MASTER_PASSPHRASE for what the administrator does. Ends with 0 when nothing failed and
/// enough was examined, with 1 when not, with 2 when the device could not be examined.
#[derive(Debug, Parser)]
#[command(name = "conformance", version)]
pub(crate) struct Arguments {
    /// The device: `https://HOST[:PORT]`
    #[arg(long, required_unless_present = "list")]
    pub(crate) url: Option<String>,
    /// Its plain listener: `http://HOST[:PORT]`
    #[arg(long)]
    pub(crate) plain_url: Option<String>,
    /// The certificates to trust, PEM
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub(crate) ca: Option<PathBuf>,
    /// Where the host of the URL is, when its name can't be looked up
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) connect: Option<SocketAddr>,
    /// Only the checks whose id begins with this; can be given again
    #[arg(long, value_name = "FILTER")]
    pub(crate) only: Vec<String>,
    /// Not the checks whose id begins with this; can be given again
    #[arg(long, value_name = "FILTER")]
    pub(crate) skip: Vec<String>,
    /// One JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the checks and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Initialise a device that is fresh, with both passphrases
    #[arg(long)]
    pub(crate) provision: bool,
    /// Restart the device, to read the log of this run, and change the passphrase there and back
    #[arg(long)]
    pub(crate) disruptive: bool,
    /// How many checks have to pass [default: 100, with --only 1]
    #[arg(long, value_name = "N")]
    pub(crate) at_least: Option<usize>,
}

impl Arguments {
    /// The device to examine.
    pub(crate) fn device(&self) -> Result<Device, String> {
        let (Some(url), Some(ca)) = (&self.url, &self.ca) else {
            return Err("--url and --ca are missing".to_owned());
        };
        let wire = Wire::tls(url, ca, self.connect)?;
        let plain = self.plain_url.as_ref().map(|url| Wire::plain(url, self.connect));
        let people = People {
            user: passphrase("CLAVIGER_USER_PASSPHRASE"),
            master: passphrase("CLAVIGER_MASTER_PASSPHRASE"),
        };
        let may = May { provision: self.provision, disrupt: self.disruptive };
        Ok(Device::new(wire, plain.transpose()?, people, may))
    }

    /// Whether a check is asked for.
    pub(crate) fn wants(&self, id: &str) -> bool {
        let among = |filters: &[String]| filters.iter().any(|filter| id.starts_with(filter));
        (self.only.is_empty() || among(&self.only)) && !among(&self.skip)
    }

    /// How many checks have to pass.
    pub(crate) fn enough(&self) -> usize {
        self.at_least.unwrap_or(if self.only.is_empty() { 100 } else { 1 })
    }
}

fn passphrase(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map(SecretString::from)
}
