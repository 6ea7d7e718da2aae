//! `claviger e2e`: sessions with the API for end-to-end key exchanges.

mod keys;

use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::args::e2e::{E2eCommand, SendKeyArgs};
use crate::client::{Answer, Call};
use crate::failure::Failure;
use crate::session::{Need, Session};
use keys::{Keys, hex};

/// Does one of them.
pub(crate) fn run(session: &Session, command: &E2eCommand) -> Result<(), Failure> {
    match command {
        E2eCommand::SendKey(ask) => send_key(session, ask),
    }
}

/// Fetches the device's key and sends it fresh ones. The session that comes with the device's key is
/// that of browsers; the one that begins here takes its place.
fn send_key(session: &Session, ask: &SendKeyArgs) -> Result<(), Failure> {
    let name = ask.uuid.clone().map_or_else(fresh_name, Ok)?;
    let of_client = |call: Call| {
        let call = call.needs(need()).header("uuid", &name);
        ask.client_id.iter().fold(call, |call, client| call.header("client_id", client))
    };
    let call = of_client(Call::get(ONE));
    let Some(client) = session.client_for(&call)? else { return Ok(()) };
    let device: Device = client.json(&call)?;
    let keys = Keys::fresh(ask.version == 2)?;
    let sealed = keys.sealed(&device.modulus, &device.exponent, &ask.padding)?;
    let path = if ask.version == 2 { TWO } else { ONE };
    let answer = client.answer(&of_client(Call::post(path, sealed)))?;
    let event = keys.event(named(&answer, "eventid")?).ok_or_else(strange)?;
    let agreed = Agreed {
        version: ask.version,
        uuid: &name,
        client_id: ask.client_id.as_deref(),
        key: hex(&*keys.cipher),
        iv: hex(&keys.iv),
        mac: keys.mac.as_ref().map(|mac| hex(&**mac)),
        event,
        expires: named(&answer, "eventidexpiry")?.parse().map_err(|_| strange())?,
    };
    session.output.show(&agreed, &agreed.event)
}

fn named<'a>(answer: &'a Answer, header: &str) -> Result<&'a str, Failure> {
    let value = answer.headers.get(header).and_then(|value| value.to_str().ok());
    value.ok_or_else(strange)
}

fn strange() -> Failure {
    Failure::unexpected("the answer has no event that these keys open")
        .hint("is this a Claviger daemon of a version that fits this client?")
}

fn fresh_name() -> Result<String, Failure> {
    let mut name = [0; 16];
    rand::fill(&mut name).map_err(|_| Failure::unexpected("this host has no randomness"))?;
    Ok(base16ct::lower::encode_string(&name))
}

fn need() -> Need {
    Need { scopes: vec!["e2e:exchange"], ..Need::default() }
}

/// The device's key, in hexadecimal digits.
#[derive(Deserialize)]
struct Device {
    modulus: String,
    exponent: String,
}

/// A session, for whoever sends payloads in it.
#[derive(Serialize)]
struct Agreed<'a> {
    version: u8,
    uuid: &'a str,
    client_id: Option<&'a str>,
    key: Zeroizing<String>,
    iv: Zeroizing<String>,
    mac: Option<Zeroizing<String>>,
    event: Zeroizing<String>,
    expires: u64,
}

const ONE: &str = "/v1/security/e2eKey";
const TWO: &str = "/v1/security/e2e/key";
