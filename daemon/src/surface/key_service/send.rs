//! Messages are left.

use policies::{Permit, SendMessage};
use zeroize::Zeroizing;

use super::ask::{Ask, Asked, Given, missing, token};
use super::fields::{ENCRYPTED, ENCRYPTION_KEY, FILE_FIELDS, Field, IS_FILE, MESSAGE, TOKEN};
use super::told::{Body, Sent};
use crate::fault::Fault;
use crate::keyservice::format::answer::Answer;
use crate::keyservice::format::parameters::Parameters;
use crate::keyservice::{KeyService, Parcel};

/// A text, files, or what is encrypted already.
pub struct Send;

impl Ask for Send {
    type Needs = SendMessage;
    const FIELDS: (&'static [&'static Field], &'static [&'static Field]) =
        (&[&TOKEN, &MESSAGE, &FILE_FIELDS, &ENCRYPTED, &ENCRYPTION_KEY, &IS_FILE], &[]);

    fn leave(anyone: bool) -> SendMessage {
        SendMessage { anyone }
    }
}

/// `PUT /Service`
pub async fn send(
    service: KeyService,
    leave: Permit<SendMessage>,
    ask: Asked<Send>,
) -> Result<Sent, Fault> {
    let Given { parameters, format, peer } = ask.judge()?;
    if parameters.filled(TOKEN.0).is_none() {
        return Err(missing("token is missing: the name of the key"));
    }
    let token = token(&parameters);
    service.send(leave, (peer, token), parcel(parameters)?).await?;
    Ok(Sent(Body::of(&Answer::True, format)?))
}

fn parcel(parameters: Parameters) -> Result<Parcel, Fault> {
    let text = parameters.filled(MESSAGE.0).map(|text| Zeroizing::new(text.to_owned()));
    let sealed = parameters.filled(ENCRYPTED.0).map(str::to_owned);
    let key = parameters.filled(ENCRYPTION_KEY.0).map(str::to_owned);
    let is_file = match parameters.filled(IS_FILE.0) {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(_) => return Err(Fault::Invalid("isfile is true or false".into())),
    };
    let files = parameters.into_files();
    let is_plain = text.is_some() || !files.is_empty();
    match (sealed, key) {
        (None, None) if is_plain => Ok(Parcel::Plain { text, files }),
        (None, None) => Err(missing("message, a file, or encryptedmessage is missing")),
        (Some(message), Some(key)) if !is_plain => Ok(Parcel::Sealed { message, key, is_file }),
        (Some(_), Some(_)) => Err(missing(
            "encryptedmessage goes without message and without files: send one of them",
        )),
        _ => Err(missing("encryptedmessage and encryptionkey go together: one is missing")),
    }
}
