//! What a row's types say of its bodies.

use schemars::{Schema, SchemaGenerator};

use crate::route::{Answer, Request};

/// What the body of a 200 is.
pub enum Content {
    /// Bytes that are no text.
    Bytes,
    /// There is none.
    Empty,
    /// JSON of this schema.
    Json(Schema),
    /// An HTML page.
    Page,
    /// One of several media types, some with a schema.
    Several(Vec<(&'static str, Option<Schema>)>),
    /// A text file.
    Text,
}

/// A header that a row takes, or that its success has.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What the description says of it.
    pub about: &'static str,
    /// A regular expression for its values.
    pub pattern: &'static str,
    /// Whether it is always there.
    pub needed: bool,
}

/// How a row's bodies are described.
pub(crate) struct Shape {
    /// The body of the request, if it takes one.
    pub(crate) body: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// The media types that it may have.
    pub(crate) media_types: &'static [&'static str],
    /// Whether the request has to have it.
    pub(crate) body_needed: bool,
    /// The headers that the request takes.
    pub(crate) headers: &'static [Header],
    /// The headers that its success has.
    pub(crate) told_headers: &'static [Header],
    /// The query of the request, if it has one.
    pub(crate) query: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// The body of a 200.
    pub(crate) content: fn(&mut SchemaGenerator) -> Content,
}

impl Shape {
    pub(crate) fn of<R: Request, S: Answer>() -> Self {
        Self {
            body: R::body,
            media_types: R::MEDIA_TYPES,
            body_needed: R::BODY_NEEDED,
            headers: R::HEADERS,
            told_headers: S::HEADERS,
            query: R::query,
            content: S::content,
        }
    }
}
