//! `/api/token/new`: tokens for a number of calls.

use std::ops::RangeInclusive;

use audit::{Entry, Ext};
use policies::{IssueToken, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::ask::{Ask, Asked, Given, Place};
use super::fields::{Field, Form};
use crate::fault::Fault;
use crate::login::{NewTicket, Tickets};
use crate::reply::Reply;
use crate::route::{Answer, Content};

/// `GET /api/token/new`
pub struct InQuery;

/// `POST /api/token/new`
pub struct InBody;

impl Ask for InQuery {
    type Needs = IssueToken;
    const NAME: &'static str = "";
    const PLACE: Place = Place::Query;
    const FIELDS: &'static [Field] = FIELDS;

    fn needs(_: Option<&Given>) -> IssueToken {
        IssueToken
    }
}

impl Ask for InBody {
    type Needs = IssueToken;
    const NAME: &'static str = "NewToken";
    const PLACE: Place = Place::Either;
    const FIELDS: &'static [Field] = FIELDS;

    fn needs(_: Option<&Given>) -> IssueToken {
        IssueToken
    }
}

/// A token of limited use.
pub struct Issued(NewTicket);

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "IssuedToken")]
struct IssuedBody<'a> {
    /// The bearer token.
    new_token: &'a str,
}

impl Answer for Issued {
    fn reply(self) -> Reply {
        Reply::secret_json(&IssuedBody { new_token: &self.0.token })
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<IssuedBody<'static>>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Text(self.0.entry()));
    }
}

/// A token with the caller's scopes but `token:new`.
pub async fn issue<A>(
    tickets: Tickets,
    leave: Permit<IssueToken>,
    ask: Asked<A>,
) -> Result<Issued, Fault> {
    let given = ask.judge()?;
    let seconds = given.number("expiry_time").unwrap_or(300);
    let uses = given.number("expire_after_attempts").unwrap_or(1);
    tickets.issue(&leave, seconds, uses).await.map(Issued)
}

const FIELDS: &[Field] = &[
    Field::optional(
        "expiry_time",
        Form::Number(SECONDS),
        "After how many seconds it ends; with the caller's token at the latest. 300 if left out.",
    ),
    Field::optional(
        "expire_after_attempts",
        Form::Number(USES),
        "For how many calls it is good. 1 if left out.",
    ),
];
const SECONDS: RangeInclusive<u64> = 1..=86_400;
/// As far as numbers are exact in JSON.
const USES: RangeInclusive<u64> = 1..=9_007_199_254_740_991;
