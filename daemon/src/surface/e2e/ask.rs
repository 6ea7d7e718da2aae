//! A request as this API has them: who says that he asks, and a JSON object.

use std::marker::PhantomData;

use audit::Ext;
use http::{HeaderMap, HeaderName, HeaderValue};
use policies::Action;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::exchange::{Event, Visitor};
use crate::fault::Fault;
use crate::inbound::{Inbound, Peer};
use crate::reply::Reply;
use crate::route::{Appliance, Header, Request};

/// A request for the leave `A` with a body of the form `B`. What is wrong with it is told once it is
/// known that the caller may ask at all.
pub struct Asked<A, B> {
    visitor: Result<Visitor, Fault>,
    body: Result<B, Fault>,
    leave: PhantomData<A>,
}

/// The body of a request that has none.
pub struct Nothing;

/// What a body is.
pub trait Body: Sized + Send + 'static {
    /// Reads it.
    ///
    /// # Errors
    /// [`Fault::Invalid`].
    fn read(inbound: &Inbound) -> Result<Self, Fault>;

    /// Its schema; `None` where there is none.
    fn schema(schemas: &mut SchemaGenerator) -> Option<Schema>;
}

impl<A: Action + Default, B: Body> Request for Asked<A, B> {
    type Needs = A;
    const HEADERS: &'static [Header] = HEADERS;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let visitor = visitor(inbound);
        Ok(Self { visitor, body: B::read(inbound), leave: PhantomData })
    }

    fn needs(&self, _: &Appliance) -> A {
        A::default()
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        B::schema(schemas)
    }

    fn concerns(&self) -> Ext {
        self.visitor.as_ref().map_or(Ext::None, |visitor| Ext::Text(visitor.name()))
    }
}

impl<A, B> Asked<A, B> {
    /// Who says that he asks, and the body.
    ///
    /// # Errors
    /// What is wrong with the first of both.
    pub fn judge(self) -> Result<(Visitor, B), Fault> {
        Ok((self.visitor?, self.body?))
    }
}

/// Who says that he asks.
fn visitor(inbound: &Inbound) -> Result<Visitor, Fault> {
    let headers = &inbound.headers;
    let installation = named(headers, "uuid")?;
    let client = named(headers, "client_id")?;
    let other = named(headers, "x-ibm-client-id")?;
    if client.is_some() && other.is_some() && client != other {
        let why = "client_id and X-IBM-Client-Id are not the same: send one of them";
        return Err(wrong("header/client_id", why));
    }
    let installation =
        installation.ok_or_else(|| wrong("header/uuid", "the header uuid is missing"))?;
    let origin = inbound.peer.map(Peer::household);
    Ok(Visitor { client: client.or(other).unwrap_or_default(), installation, origin })
}

/// A header of 1 to 64 visible characters; `None` where there is none.
fn named(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Fault> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match (text, all.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => {
            let why =
                format!("the header {name} must be there once, with 1 to 64 visible characters");
            Err(Fault::Invalid(why.into()).coded("invalidRequest", format!("header/{name}")))
        }
    }
}

impl Body for Nothing {
    fn read(_: &Inbound) -> Result<Self, Fault> {
        Ok(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// A JSON object, of which unknown members are ignored.
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for T {
    fn read(inbound: &Inbound) -> Result<Self, Fault> {
        let text = inbound.json_text()?;
        let object: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|_| wrong("body", "the body is no JSON object"))?;
        serde_json::from_value(Value::Object(object)).map_err(|error| {
            wrong("body", format!("the body is not as it must be: {}", without_values(&error)))
        })
    }

    fn schema(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<T>())
    }
}

/// What is wrong, unless it quotes what came.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.starts_with("missing field") {
        true => text,
        false => "a member is of another type".to_owned(),
    }
}

/// A member that is not as it must be.
pub fn wrong(place: &'static str, why: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::Invalid(why.into()).coded("invalidRequest", place)
}

/// A check digit: 6 digits of either case.
///
/// # Errors
/// [`Fault::Invalid`] says which it is.
pub fn check_digit(place: &'static str, digits: &str) -> Result<[u8; 3], Fault> {
    let mut digit = [0; 3];
    match base16ct::mixed::decode(digits, &mut digit) {
        Ok(whole) if whole.len() == 3 => Ok(digit),
        _ => Err(wrong(place, "a check digit has 6 hexadecimal digits")),
    }
}

/// `reply` with the event that the next payload has to name.
pub fn with_event(reply: Reply, event: &Event) -> Reply {
    headers(event).into_iter().fold(reply, |reply, (name, value)| match name {
        Some(name) => reply.with(name, value),
        None => reply,
    })
}

/// The headers that say which event comes next, and when its session ends.
pub fn headers(event: &Event) -> HeaderMap {
    let text = HeaderValue::from_str(&event.text).map(|text| (EVENT, text));
    let end = (EXPIRY, event.expires.saturating_mul(1000).into());
    text.into_iter().chain([end]).collect()
}

const EVENT: HeaderName = HeaderName::from_static("eventid");
const EXPIRY: HeaderName = HeaderName::from_static("eventidexpiry");

const NAME: &str = "^[!-~]{1,64}$";
const HEADERS: &[Header] = &[
    Header { name: "uuid", about: "The client's installation.", pattern: NAME, needed: true },
    Header { name: "client_id", about: "The client.", pattern: NAME, needed: false },
    Header { name: "X-IBM-Client-Id", about: "As client_id.", pattern: NAME, needed: false },
];
/// What all successes carry.
pub const TOLD: &[Header] = &[DUE, END];

/// The event that is due.
pub const DUE: Header = Header {
    name: "eventID",
    about: "What the next payload has to name, as clients of this form read it.",
    pattern: "^[0-9A-Za-z+/=.]+$",
    needed: true,
};
/// When the session ends.
pub const END: Header = Header {
    name: "eventIDExpiry",
    about: "When the session ends, in milliseconds since 1970.",
    pattern: "^[0-9]+$",
    needed: true,
};
