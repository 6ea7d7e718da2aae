//! A request as this API has them: parameters in the query, in a form or in headers.

use std::sync::Arc;

use audit::{Ext, LogType};
use policies::Action;
use schemars::{Schema, SchemaGenerator};
use zeroize::Zeroizing;

use super::fields::{self, Field};
use super::in_query;
use crate::accept;
use crate::fault::Fault;
use crate::inbound::{Inbound, Peer};
use crate::keyservice::format::choice::Format;
use crate::keyservice::format::parameters::Parameters;
use crate::keyservice::{Passphrase, Proof};
use crate::route::{Appliance, Header, Request};

/// What requests of one method have.
pub trait Ask: Send + 'static {
    /// The leave that it takes.
    type Needs: Action;
    /// Its parameters, those in a body before those in the query.
    const FIELDS: (&'static [&'static Field], &'static [&'static Field]);

    /// The leave; `anyone` says that anybody has it.
    fn leave(anyone: bool) -> Self::Needs;

    /// Whether anybody may ask just this.
    fn is_open(_: &Parameters) -> bool {
        false
    }

    /// The type of the entry, where it is another than that of the row.
    fn kind(_: &Parameters) -> Option<LogType> {
        None
    }
}

/// A request of the method `A`. What is wrong with it is told once it is known that the caller may
/// ask at all.
pub struct Asked<A> {
    parameters: Result<Parameters, Fault>,
    format: Result<Format, Fault>,
    /// What the query says of it.
    asked: Result<(), Fault>,
    peer: Option<Peer>,
    method: std::marker::PhantomData<A>,
}

/// What came, which is in its form as far as that can be seen at once.
pub struct Given {
    /// Its parameters.
    pub parameters: Parameters,
    /// How to answer.
    pub format: Format,
    /// Where it comes from.
    pub peer: Option<Peer>,
}

impl<A: Ask> Request for Asked<A> {
    type Needs = A::Needs;
    const BODY_NEEDED: bool = false;
    const HEADERS: &'static [Header] = fields::HEADERS;
    const MEDIA_TYPES: &'static [&'static str] = fields::FORMS;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self {
            parameters: Parameters::read(inbound).map_err(Fault::from).and_then(of_version_1),
            format: format(inbound),
            asked: chosen(inbound, None).map(|_| ()),
            peer: inbound.peer,
            method: std::marker::PhantomData,
        })
    }

    fn needs(&self, appliance: &Appliance) -> A::Needs {
        A::leave(appliance.key_service().is_open() || self.is_open())
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        (!A::FIELDS.0.is_empty()).then(|| fields::schema(A::FIELDS.0))
    }

    fn query(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(fields::query(A::FIELDS.1))
    }

    fn kind(&self) -> Option<LogType> {
        self.parameters.as_ref().ok().and_then(A::kind)
    }

    fn concerns(&self) -> Ext {
        let token = self.parameters.as_ref().ok().and_then(token);
        token.map_or(Ext::None, |token| shown(&base16ct::lower::encode_string(&token)))
    }
}

impl<A: Ask> Asked<A> {
    /// Whether it is what anybody may ask.
    pub fn is_open(&self) -> bool {
        self.parameters.as_ref().is_ok_and(A::is_open)
    }

    /// Takes it as what anybody may ask, whatever form the client accepts.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where the query wants a form that there is not.
    pub fn judge_open(self) -> Result<(), Fault> {
        self.asked
    }

    /// What came.
    ///
    /// # Errors
    /// What is wrong with the first that is not in its form.
    pub fn judge(self) -> Result<Given, Fault> {
        Ok(Given { format: self.format?, parameters: self.parameters?, peer: self.peer })
    }
}

/// The name of a key; `None` where it is none.
pub(super) fn token(parameters: &Parameters) -> Option<[u8; 16]> {
    let mut token = [0; 16];
    let read = base16ct::mixed::decode(parameters.find(fields::TOKEN.0)?.trim(), &mut token);
    read.is_ok_and(|read| read.len() == 16).then_some(token)
}

/// As much of a key's name as the log has.
pub(super) fn shown(digits: &str) -> Ext {
    Ext::Text(digits.chars().take(8).collect())
}

/// A passphrase; `None` where there is none.
///
/// # Errors
/// [`Fault::Invalid`] where it is too long.
pub(super) fn passphrase(parameters: &Parameters) -> Result<Option<Passphrase>, Fault> {
    match parameters.filled(fields::PASSPHRASE.0) {
        Some(text) if text.len() > 1024 => {
            Err(Fault::Invalid("passphrase must have 1 to 1024 bytes".into()))
        }
        Some(text) => Ok(Some(Arc::new(Zeroizing::new(text.to_owned())))),
        None => Ok(None),
    }
}

/// 64 hexadecimal digits, in lower case; `None` where there are none.
///
/// # Errors
/// [`Fault::Invalid`]
pub(super) fn hash(parameters: &Parameters) -> Result<Option<String>, Fault> {
    let Some(text) = parameters.filled(fields::HASH.0) else { return Ok(None) };
    let text = text.trim();
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(Some(text.to_ascii_lowercase())),
        false => Err(Fault::Invalid("privatekeyhash must have 64 hexadecimal digits".into())),
    }
}

/// The passphrase or the hash that opens a key; `None` where there is neither.
///
/// # Errors
/// [`Fault::Invalid`]
pub(super) fn proof(parameters: &Parameters) -> Result<Option<Proof>, Fault> {
    // A hash of another form is as wrong as any: it is told as that.
    let hash = parameters.filled(fields::HASH.0).map(|hash| hash.trim().to_ascii_lowercase());
    match (passphrase(parameters)?, hash) {
        (Some(_), Some(_)) => {
            Err(Fault::Invalid("passphrase and privatekeyhash: send one of them".into()))
        }
        (passphrase, hash) => Ok(passphrase.map(Proof::Passphrase).or(hash.map(Proof::Hash))),
    }
}

/// What is missing.
pub(super) fn missing(what: &'static str) -> Fault {
    Fault::Invalid(what.into())
}

fn of_version_1(parameters: Parameters) -> Result<Parameters, Fault> {
    match parameters.find("v") {
        None | Some("1") => Ok(parameters),
        Some(_) => Err(Fault::Invalid("v is 1, or is left out: there is no other version".into())),
    }
}

fn format(inbound: &Inbound) -> Result<Format, Fault> {
    chosen(inbound, accept::text(&inbound.headers).as_deref())
}

fn chosen(inbound: &Inbound, accepted: Option<&str>) -> Result<Format, Fault> {
    Ok(Format::choose(in_query(&inbound.uri, "format").as_deref(), accepted)?)
}
