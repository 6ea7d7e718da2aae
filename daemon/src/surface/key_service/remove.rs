//! Keys are deleted.

use policies::{DeleteMailbox, Permit};

use super::ask::{Ask, Asked, Given, missing, proof, token};
use super::fields::{Field, HASH, PASSPHRASE, TOKEN};
use super::told::{Body, GONE, Gone};
use crate::fault::Fault;
use crate::keyservice::KeyService;
use crate::keyservice::format::answer::Answer;

/// A key and its messages.
pub struct Remove;

impl Ask for Remove {
    type Needs = DeleteMailbox;
    const FIELDS: (&'static [&'static Field], &'static [&'static Field]) =
        (&[], &[&TOKEN, &PASSPHRASE, &HASH]);

    fn leave(anyone: bool) -> DeleteMailbox {
        DeleteMailbox { anyone }
    }
}

/// `DELETE /Service`
pub async fn remove(
    service: KeyService,
    leave: Permit<DeleteMailbox>,
    ask: Asked<Remove>,
) -> Result<Gone, Fault> {
    let Given { parameters, format, peer } = ask.judge()?;
    if parameters.filled(TOKEN.0).is_none() {
        return Err(missing("token is missing: the name of the key"));
    }
    let proof =
        proof(&parameters)?.ok_or_else(|| missing("passphrase or privatekeyhash is missing"))?;
    service.delete(leave, peer, token(&parameters), &proof).await?;
    Ok(Gone(Body::of(&Answer::Text(GONE), format)?))
}
