//! What handlers return.

use audit::Entry;
use bytes::Bytes;
use http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use crate::openapi::{Content, Header};
use crate::payload::Stored;
use crate::reply::Reply;

/// What a handler returns.
pub trait Answer: Send {
    /// The headers of its own that it has.
    const HEADERS: &'static [Header] = &[];

    /// The reply.
    fn reply(self) -> Reply;

    /// What the body of a 200 is.
    fn content(schemas: &mut SchemaGenerator) -> Content;

    /// Adds to the log entry what only the operation could tell.
    fn note(&self, _entry: &mut Entry) {}
}

/// 200 with an empty body.
pub struct Empty;

impl Answer for Empty {
    fn reply(self) -> Reply {
        Reply::empty(StatusCode::OK)
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Empty
    }
}

/// 200 with a JSON body.
pub struct Json<T>(pub T);

impl<T: JsonSchema + Serialize + Send> Answer for Json<T> {
    fn reply(self) -> Reply {
        Reply::json(&self.0)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<T>())
    }
}

/// 200 with a JSON body that holds a secret; it is wiped when it has been sent.
pub struct SecretJson<T>(pub T);

impl<T: JsonSchema + Serialize + Send> Answer for SecretJson<T> {
    fn reply(self) -> Reply {
        Reply::secret_json(&self.0)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<T>())
    }
}

/// 200 with bytes.
pub struct BinaryFile(pub Bytes);

impl Answer for BinaryFile {
    fn reply(self) -> Reply {
        Reply::typed(StatusCode::OK, self.0, "application/octet-stream")
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Bytes
    }
}

/// 200 with a text file that is read while it is sent.
pub struct StoredText(pub Stored);

impl Answer for StoredText {
    fn reply(self) -> Reply {
        Reply::stored(self.0, "text/plain")
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Text
    }
}

/// 200 with a text file.
pub struct TextFile(pub Bytes);

impl Answer for TextFile {
    fn reply(self) -> Reply {
        Reply::typed(StatusCode::OK, self.0, "text/plain")
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Text
    }
}
