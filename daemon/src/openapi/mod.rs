//! `GET /openapi.json`: the description of this very API (OpenAPI 3.1), a fold over the table of
//! routes. What is in no row is not described, and a row whose bodies say nothing of their shape
//! does not compile.

pub(crate) mod formats;
mod operation;
pub mod page;
mod shape;
mod texts;

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use policies::{Open, Permit};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::fault::Fault;
use crate::reply::Reply;
use crate::route::{Answer, Bare, Route};
use crate::routes::routes;
pub(crate) use shape::Shape;
pub use shape::{Content, Header};
pub use texts::summary;

/// The description of `rows`, as an OpenAPI 3.1 document.
pub fn document(rows: &[Route]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for row in rows {
        let operation = operation::describe(row, &mut schemas);
        // OpenAPI has no mark for a parameter that takes several segments.
        let path = paths.entry(row.path.replace("{*", "{")).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(row.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let refusals = operation::refusals(rows, &mut schemas.told);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Claviger",
            "version": crate::VERSION,
            "description": format!("{} {}", texts::ABOUT, texts::MEMBERS),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "tags": tags(),
        "paths": paths,
        "components": {
            "headers": { "Audit-Index": texts::audit_index() },
            "responses": refusals,
            "schemas": schemas.finish(),
            "securitySchemes": { "bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": texts::BEARER,
            } },
        },
    })
}

fn tags() -> Value {
    texts::tags().map(|(name, about)| json!({ "name": name, "description": about })).collect()
}

/// Has the description of the daemon's own table written, once: when somebody first asks, for most
/// daemons are never asked and it takes megabytes; and beside the requests, for it takes a while.
async fn written() -> Result<(), Fault> {
    let write = || {
        LazyLock::force(&DOCUMENT);
        page::prepare();
    };
    let write = || async { spawn_blocking(write).await.map_err(|_| Fault::Internal) };
    WRITTEN.get_or_try_init(write).await.copied()
}

/// The description of the daemon's own table.
pub struct Description;

impl Answer for Description {
    fn reply(self) -> Reply {
        Reply::typed(StatusCode::OK, DOCUMENT.clone(), "application/json")
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Json(json_schema!({
            "type": "object", "description": "An OpenAPI 3.1 document.",
        }))
    }
}

/// `GET /openapi.json`
pub async fn serve((): (), _: Permit<Open>, _: Bare<Open>) -> Result<Description, Fault> {
    written().await?;
    Ok(Description)
}

/// The schemas of what is asked, where a member may be null or left out, and of what is told, where
/// it is left out.
struct Schemas {
    asked: SchemaGenerator,
    told: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|s| {
                s.definitions_path = "/components/schemas".into();
                s.meta_schema = None;
            })
        };
        let told = settings().for_serialize().with_transform(RecursiveTransform(never_null));
        Self { asked: settings().into_generator(), told: told.into_generator() }
    }

    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.asked.take_definitions(true);
        all.extend(self.told.take_definitions(true));
        all
    }
}

/// No answer has a null: what is not there is left out.
fn never_null(schema: &mut Schema) {
    let Some(Value::Array(kinds)) = schema.get_mut("type") else { return };
    kinds.retain(|kind| kind != "null");
    if let [only] = kinds.as_slice() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
}

/// Whoever asks meanwhile waits for the same.
static WRITTEN: OnceCell<()> = OnceCell::const_new();

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document(&routes()).to_string().into());
