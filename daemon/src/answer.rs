//! What handlers return.

use audit::Entry;
use bytes::Bytes;
use http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::openapi::Content;
use crate::reply::Reply;

/// What a handler returns.
pub trait Answer: Send {
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
        match wiped(&self.0) {
            Ok(json) => Reply::secret_json(json),
            Err(_) => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<T>())
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

/// `body` as JSON. The text is measured first: a buffer that grows leaves unwiped copies behind.
fn wiped(body: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body)?;
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, body)?;
    Ok(json)
}

struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(text.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_in_one_piece() {
        let body = serde_json::json!({ "secret": "a\"b\n".repeat(300) });
        let json = wiped(&body).unwrap();
        assert_eq!(json.capacity(), json.len());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), body);
    }
}
