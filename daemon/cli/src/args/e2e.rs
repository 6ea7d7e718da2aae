//! `claviger e2e`: what its commands take.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum E2eCommand {
    /// Agree on a session: send fresh keys, encrypted to the device's key (scope e2e:exchange)
    SendKey(SendKeyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SendKeyArgs {
    /// The version of the exchange: 1 without a key for MACs, 2 with one
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) version: u8,
    /// The name of this installation, 1 to 64 visible characters; without it a fresh one
    #[arg(long, value_parser = name)]
    pub(crate) uuid: Option<String>,
    /// The name of the application, of the same form
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) client_id: Option<String>,
    /// How the device wants keys padded, its `[e2e] padding`
    #[arg(long, default_value = "pkcs1", value_parser = ["pkcs1", "oaep-sha256"])]
    pub(crate) padding: String,
}

fn name(text: &str) -> Result<String, String> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match visible && (1..=64).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err("a name is 1 to 64 visible ASCII characters, without spaces".into()),
    }
}
