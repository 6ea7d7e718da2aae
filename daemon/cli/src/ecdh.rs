//! `claviger ecdh`: the shared secret of a key in the token and a public key.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::EcdhArgs;
use crate::client::Call;
use crate::encoding::USE;
use crate::failure::Failure;
use crate::session::{Need, Session};

/// Prints the secret in base64: the whole of it, or its hash with `--alg`.
pub(crate) fn run(session: &Session, ask: &EcdhArgs) -> Result<(), Failure> {
    let call = call(ask);
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let agreed: Agreed = client.json(&call)?;
    session.output.show(&agreed, &agreed.ecdh)
}

#[derive(Deserialize, Serialize)]
struct Agreed {
    ecdh: Zeroizing<String>,
}

fn call(ask: &EcdhArgs) -> Call {
    let kid = ask.kid.as_str();
    let mut body = json!({"kid": kid});
    if let Value::Object(fields) = &mut body {
        fields.extend(ask.pubkey.iter().map(|key| ("pubkey".into(), key.to_wire().into())));
        fields.extend(ask.ext_kid.iter().map(|kid| ("ext_kid".into(), kid.as_str().into())));
        fields.extend(ask.alg.iter().map(|alg| ("alg".into(), alg.as_str().into())));
    }
    let need = Need { exact: Some(format!("{USE}{kid}")), ..Need::default() };
    Call::post("/api/crypto/ecdh", body).needs(need)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::call;
    use crate::args::{Args, Command};

    #[test]
    fn the_request_is_in_the_form_of_the_wire() {
        let (kid, peer) = ("AB".repeat(16), "CD".repeat(16));
        let line = ["claviger", "ecdh", &kid, "--ext-kid", &peer, "--alg", "sha2-256"];
        let Command::Ecdh(ask) = Args::try_parse_from(line).unwrap().command else {
            panic!("not ecdh")
        };
        let call = call(&ask);
        let expected =
            json!({"kid": "ab".repeat(16), "ext_kid": "cd".repeat(16), "alg": "SHA2-256"});
        assert_eq!(call.body.unwrap(), expected);
        assert_eq!(call.need.advice(), Some(format!("keymgmt:use:{}", "ab".repeat(16)).as_str()));
    }
}
