//! Messages are read.

use policies::{Permit, ReadMailbox};

use super::ask::{Ask, Asked, Given, missing, proof, token};
use super::fields::{Field, HASH, PASSPHRASE, PUBLIC, TOKEN};
use super::told::{Body, Found};
use crate::fault::Fault;
use crate::keyservice::format::answer::Answer;
use crate::keyservice::format::parameters::Parameters;
use crate::keyservice::format::public_key::PublicKey;
use crate::keyservice::{KeyService, Proof};

/// The messages of a key; without a token the page that explains the service.
pub struct Read;

impl Ask for Read {
    type Needs = ReadMailbox;
    const FIELDS: (&'static [&'static Field], &'static [&'static Field]) =
        (&[], &[&TOKEN, &PASSPHRASE, &HASH, &PUBLIC]);

    fn leave(anyone: bool) -> ReadMailbox {
        ReadMailbox { anyone }
    }

    fn is_open(parameters: &Parameters) -> bool {
        parameters.filled(TOKEN.0).is_none()
    }
}

/// `GET /Service`
pub async fn read(
    service: KeyService,
    leave: Permit<ReadMailbox>,
    ask: Asked<Read>,
) -> Result<Found, Fault> {
    if ask.is_open() {
        return ask.judge_open().map(|()| Found::Page);
    }
    let Given { parameters, format, peer } = ask.judge()?;
    let public = parameters.filled(PUBLIC.0).map(PublicKey::parse).transpose()?;
    let proof = match (proof(&parameters)?, public) {
        (Some(proof), None) => proof,
        (None, Some(public)) => Proof::Public(public),
        (Some(_), Some(_)) => {
            return Err(missing("publickey goes without passphrase and privatekeyhash"));
        }
        (None, None) => return Err(missing("passphrase, privatekeyhash or publickey is missing")),
    };
    let written = |messages: Vec<_>, place| match messages.as_slice() {
        [] => Ok(Found::Nothing),
        messages => Ok(Found::Messages(Body::large(&Answer::Messages(messages), format, place)?)),
    };
    service.read(leave, (peer, token(&parameters), &proof), written).await
}
