//! A request as this API has them: members in a JSON object, in the query, or in both.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use audit::Ext;
use hsm_profiles::SecretBytes;
use policies::{Action, Kid};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::fields::{self, Field, Form, Member};
use super::hex;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::route::{Appliance, Request};

/// What a request of one kind consists of.
pub trait Ask: Sized + Send + 'static {
    /// The leave that it takes.
    type Needs: Action;
    /// The name of its body's schema.
    const NAME: &'static str;
    /// Where its members are.
    const PLACE: Place = Place::Body;
    /// Its members.
    const FIELDS: &'static [Field];

    /// The leave that this very request takes, for which only members count that are as they must be.
    fn needs(given: Option<&Given>) -> Self::Needs;

    /// What its log entry is about.
    fn concerns(_: &Given) -> Ext {
        Ext::None
    }
}

/// Where members are.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Place {
    /// In the body.
    Body,
    /// In the query, and those of a body go before them. It need not be there.
    Either,
    /// In the query.
    Query,
}

/// A request of the kind `A`. Its members are judged when it arrives, and what is wrong with them is
/// told once it is known that the caller may ask at all.
pub struct Asked<A> {
    given: Result<Given, Fault>,
    kind: PhantomData<A>,
}

/// Members that are as they must be.
#[derive(Default)]
pub struct Given(Vec<(&'static str, Member)>);

impl<A: Ask> Request for Asked<A> {
    type Needs = A::Needs;

    const BODY_NEEDED: bool = matches!(A::PLACE, Place::Body);

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self { given: read(inbound, A::PLACE, A::FIELDS), kind: PhantomData })
    }

    fn needs(&self, _: &Appliance) -> A::Needs {
        A::needs(self.given.as_ref().ok())
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        (A::PLACE != Place::Query).then(|| schemas.subschema_for::<Body<A>>())
    }

    fn query(_: &mut SchemaGenerator) -> Option<Schema> {
        (A::PLACE != Place::Body).then(|| fields::schema(A::FIELDS, false))
    }

    fn concerns(&self) -> Ext {
        self.given.as_ref().map_or(Ext::None, A::concerns)
    }
}

impl<A> Asked<A> {
    /// Its members.
    ///
    /// # Errors
    /// What is wrong with the first that is not as it must be.
    pub fn judge(self) -> Result<Given, Fault> {
        self.given
    }
}

impl Given {
    /// A number.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.find(name)? {
            Member::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.find(name)? {
            Member::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of hexadecimal digits; none where there are none.
    pub fn bytes(&self, name: &str) -> Zeroizing<Vec<u8>> {
        self.text(name).and_then(hex::decode).unwrap_or_default()
    }

    /// A KID.
    pub fn kid(&self, name: &str) -> Option<Kid> {
        self.text(name)?.parse().ok()
    }

    /// The bytes of a text.
    pub fn message(&self, name: &str) -> SecretBytes {
        SecretBytes::new(self.text(name).unwrap_or_default().as_bytes().to_vec())
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, member)| member)
    }
}

/// Whatever came is judged, also what does not count because the same came elsewhere.
fn read(inbound: &Inbound, place: Place, fields: &'static [Field]) -> Result<Given, Fault> {
    let query = match place {
        Place::Body => Members::default(),
        Place::Either | Place::Query => in_query(inbound, fields),
    };
    let body = match place {
        Place::Query => Members::default(),
        Place::Either if inbound.body.is_empty() => Members::default(),
        Place::Body | Place::Either => in_body(inbound, fields)?,
    };
    let nowhere = if place == Place::Query { "query" } else { "body" };
    let mut parts = [("query", query), ("body", body)];
    let mut given = Given::default();
    for field in fields {
        let mut counts = None;
        for (part, members) in &mut parts {
            for name in [field.also, Some(field.name)].into_iter().flatten() {
                for member in members.take(name) {
                    counts = field.judge((part, name), Some(member))?.or(counts);
                }
            }
        }
        if counts.is_none() {
            field.judge((nowhere, field.name), None)?;
        }
        given.0.extend(counts.map(|member| (field.name, member)));
    }
    Ok(given)
}

fn in_body(inbound: &Inbound, fields: &'static [Field]) -> Result<Members, Fault> {
    let text = inbound.json_text()?;
    let mut reader = serde_json::Deserializer::from_slice(text);
    let members = Reader(fields).deserialize(&mut reader);
    members.and_then(|members| reader.end().map(|()| members)).map_err(|error| {
        // What serde says may quote what came.
        let (line, column) = (error.line(), error.column());
        let why = format!("the body is no JSON object (line {line}, column {column})");
        Fault::Invalid(why.into()).coded("json_invalid", "body")
    })
}

fn in_query(inbound: &Inbound, fields: &'static [Field]) -> Members {
    let mut members = Members::default();
    for (name, value) in inbound.query() {
        let Some(field) = fields.iter().find(|field| field.is(&name)) else { continue };
        let member = match (&field.form, value.parse()) {
            (Form::Number(_), Ok(number)) if is_decimal(&value) => Member::Number(number),
            (Form::Number(_), _) => Member::Other,
            _ => Member::Text(Zeroizing::new(value.into_owned())),
        };
        members.0.extend(field.called(&name).map(|name| (name, member)));
    }
    members
}

fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What came, by the names that it came under.
#[derive(Default)]
struct Members(Vec<(&'static str, Member)>);

impl Members {
    /// What came under this name, in its order.
    fn take(&mut self, name: &str) -> Vec<Member> {
        self.0.extract_if(.., |(known, _)| *known == name).map(|(_, member)| member).collect()
    }
}

/// Reads an object, of which it keeps the members of a table.
struct Reader(&'static [Field]);

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Members;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            match self.0.iter().find(|field| field.is(&name)) {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(field) => {
                    let member = map.next_value()?;
                    members.0.extend(field.called(&name).map(|name| (name, member)));
                }
            }
        }
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMember)
    }
}

struct AnyMember;

impl<'de> Visitor<'de> for AnyMember {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Member, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Member, S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(Member::Number(number))
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }
}

/// The body of a request, for the description.
struct Body<A>(PhantomData<A>);

impl<A: Ask> JsonSchema for Body<A> {
    fn schema_name() -> Cow<'static, str> {
        A::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(A::FIELDS, true)
    }
}
