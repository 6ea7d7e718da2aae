//! A bearer token, as every way of logging in answers it.

use audit::{Entry, Ext};
use policies::Subject;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use crate::login::Session;
use crate::pipeline::named;
use crate::reply::Reply;
use crate::route::{Answer, Content};

/// A bearer token; its entry says whose it is and what for.
#[derive(JsonSchema, Serialize)]
pub struct Granted {
    /// The bearer token.
    token: String,
    #[serde(skip)]
    subject: Subject,
    #[serde(skip)]
    scope: String,
}

impl From<Session> for Granted {
    fn from(Session { token, subject, scope }: Session) -> Self {
        Self { token, subject, scope }
    }
}

impl Answer for Granted {
    fn reply(self) -> Reply {
        Reply::secret_json(&self)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Self>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_subject(named(self.subject));
        entry.name_ext(Ext::Text(self.scope.clone()));
    }
}
