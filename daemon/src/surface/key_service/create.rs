//! Keys are made, or brought.

use audit::LogType;
use policies::{CreateMailbox, Permit};

use super::ask::{Ask, Asked, Given, hash, missing, passphrase, shown};
use super::fields::{Field, HASH, PASSPHRASE, PRIVATE, PUBLIC, RELEASE};
use super::told::{Body, Key};
use crate::fault::Fault;
use crate::keyservice::format::answer::Answer;
use crate::keyservice::format::date::Date;
use crate::keyservice::format::parameters::Parameters;
use crate::keyservice::format::private_key::is_bare;
use crate::keyservice::format::public_key::PublicKey;
use crate::keyservice::{Brought, KeyService};

/// For a passphrase, or with a public half.
pub struct Create;

impl Ask for Create {
    type Needs = CreateMailbox;
    const FIELDS: (&'static [&'static Field], &'static [&'static Field]) =
        (&[&PASSPHRASE, &PUBLIC, &PRIVATE, &HASH, &RELEASE], &[]);

    fn leave(anyone: bool) -> CreateMailbox {
        CreateMailbox { anyone }
    }

    fn kind(parameters: &Parameters) -> Option<LogType> {
        parameters.filled(PUBLIC.0).map(|_| LogType::LOG_TYPE_KEYSERVICE_UPLOAD)
    }
}

/// `POST /Service`
pub async fn create(
    service: KeyService,
    leave: Permit<CreateMailbox>,
    ask: Asked<Create>,
) -> Result<Key, Fault> {
    let Given { parameters, format, peer } = ask.judge()?;
    let release = parameters.filled(RELEASE.0).map(Date::parse).transpose()?;
    let key = match (passphrase(&parameters)?, parameters.filled(PUBLIC.0)) {
        (Some(passphrase), None) => service.create(leave, peer, &passphrase, release).await?,
        (None, Some(public)) => {
            let public = PublicKey::parse(public)?;
            let (private, hash) = (private(&parameters)?, hash(&parameters)?);
            let brought = Brought { public, private, hash };
            service.bring(leave, peer, brought, release).await?
        }
        (Some(_), Some(_)) => return Err(missing("passphrase and publickey: send one of them")),
        (None, None) => return Err(missing("passphrase or publickey is missing")),
    };
    Ok(Key { body: Body::of(&Answer::Key(&key), format)?, shown: shown(&key.key_token) })
}

/// A private half that its owner has encrypted, in whatever form. One that anybody could use must not
/// be kept.
fn private(parameters: &Parameters) -> Result<Option<String>, Fault> {
    match parameters.filled(PRIVATE.0) {
        Some(text) if is_bare(text) => {
            Err(Fault::Invalid("privatekey must be encrypted: anybody could use this one".into()))
        }
        other => Ok(other.map(str::to_owned)),
    }
}
