//! `clavigerd adopt`: registers private keys that other tools have put into the token.

use std::path::Path;

use hsm_profiles::{KeyType, Usage};
use policies::decode_base64;
use serde::Deserialize;

use crate::claim::Claim;
use crate::command::failure::Failure;
use crate::config::Config;
use crate::keyring::Adoptable;
use crate::startup;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type")]
    kind: KeyType,
    pubkey: String,
    #[serde(default)]
    mode: Option<String>,
    label: String,
}

/// Registers every key of the file `keys` and prints its KID. A line that can't be taken over ends
/// it; those before it stay.
pub(super) async fn adopt(config: &Config, keys: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(keys)
        .map_err(|error| Failure::File(keys.display().to_string(), error))?;
    let candidates: Vec<_> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| candidate(line).map_err(|why| at(keys, index, &why)))
        .collect::<Result<_, _>>()?;
    let claim = Claim::on(&config.store.path)?;
    let keyring = startup::open_keyring(config, &claim).await?;
    let adoption =
        keyring.adoption().await.map_err(|fault| Failure::Adoption(fault.to_string()))?;
    for (index, candidate) in candidates.into_iter().enumerate() {
        let adopted = adoption.adopt(candidate).await;
        let kid = adopted.map_err(|fault| at(keys, index, &fault.to_string()))?;
        println!("{kid}");
    }
    Ok(())
}

fn candidate(line: &str) -> Result<Adoptable, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        // It counts lines within this one.
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        format!("{what}, at column {}", error.column())
    })?;
    let public = decode_base64(&line.pubkey).ok_or("pubkey must be base64")?;
    let usage = match line.mode.as_deref() {
        None | Some("ECDH") => Usage { agree: true, sign: false },
        Some("ExDSA") => Usage { agree: false, sign: true },
        Some("ECDH,ExDSA") => Usage { agree: true, sign: true },
        Some(_) => return Err("mode must be ECDH, ExDSA or ECDH,ExDSA".to_owned()),
    };
    Ok(Adoptable { kind: line.kind, public, usage, label: line.label })
}

fn at(keys: &Path, index: usize, why: &str) -> Failure {
    Failure::Adoption(format!("{}, line {}: {why}", keys.display(), index + 1))
}
