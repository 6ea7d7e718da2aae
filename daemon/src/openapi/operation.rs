//! One row of the table as an OpenAPI operation.

use std::time::Duration;

use http::Method;
use policies::{Door, Roles};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{Content, Header, Schemas, texts};
use crate::fault::Fault;
use crate::problem::Problem;
use crate::reply::PROBLEM_JSON;
use crate::route::{LogRule, Route};
use crate::surface::Surface;

/// The operation of `row`. Beside the standard members it has `x-claviger-scopes` (any one of them
/// is enough), `x-claviger-roles` (the `sub` of the token) and `x-claviger-log`.
pub(super) fn describe(row: &Route, schemas: &mut Schemas) -> Value {
    let mut operation = Map::new();
    let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    put("operationId", id(&row.method, row.path).into());
    put("tags", json!([row.surface.tag(row.path)]));
    if let Some(text) = texts::summary(&row.method, row.path) {
        put("summary", text.into());
    }
    let asked = (row.shape.query)(&mut schemas.asked);
    let asked = asked.iter().flat_map(query_parameters);
    let headers = row.shape.headers.iter().map(header_parameter);
    let parameters: Vec<_> =
        parameters(row.path).map(parameter).chain(asked).chain(headers).collect();
    if !parameters.is_empty() {
        put("parameters", parameters.into());
    }
    if let Some(schema) = (row.shape.body)(&mut schemas.asked) {
        let of_type = |kind: &&str| ((*kind).to_owned(), json!({ "schema": schema }));
        let content: Map<_, _> = row.shape.media_types.iter().map(of_type).collect();
        put("requestBody", json!({ "required": row.shape.body_needed, "content": content }));
    }
    put("responses", responses(row, schemas).into());
    put("security", security(row.door));
    if row.door != Door::Open {
        put("x-claviger-scopes", json!(row.scopes));
        put("x-claviger-roles", roles(row.roles).into());
    }
    put("x-claviger-log", log(row));
    operation.into()
}

/// The answers other than 200 that the rows of a surface have in common, by surface and status. Where
/// a surface has no body for it, there is no schema of `application/json`: an empty text is no JSON.
pub(super) fn refusals(rows: &[Route], told: &mut SchemaGenerator) -> Map<String, Value> {
    let problem = told.subschema_for::<Problem<'static>>();
    let mut refusals = Map::new();
    for row in rows {
        let refused = |status: &&u16| !is_success(**status) && **status != UNCHANGED;
        for status in row.statuses.iter().filter(refused) {
            let plain = match row.surface.refused(*status, told) {
                Some(schema) => json!({ "schema": schema }),
                None => json!({}),
            };
            let mut content =
                json!({ "application/json": plain, PROBLEM_JSON: { "schema": problem } });
            if let Some(content) = content.as_object_mut() {
                let others = row.surface.refused_in().iter();
                content.extend(others.map(|kind| ((*kind).to_owned(), json!({}))));
            }
            let refusal = json!({ "description": texts::status(*status), "content": content });
            refusals.insert(name(row.surface, *status), refusal);
        }
    }
    refusals
}

fn responses(row: &Route, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for status in row.statuses {
        let response = match (status, row.invalid) {
            (status, _) if is_success(*status) => done(row, *status, schemas),
            (&UNCHANGED, _) => json!({ "description": texts::status(UNCHANGED) }),
            (400, Some(text)) => json!({
                "description": texts::status(400),
                "content": {
                    "application/json": { "schema": { "type": "object" }, "example": parsed(text) },
                    PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } },
                },
            }),
            _ => {
                json!({ "$ref": format!("#/components/responses/{}", name(row.surface, *status)) })
            }
        };
        responses.insert(status.to_string(), response);
    }
    responses
}

fn is_success(status: u16) -> bool {
    status < 300
}

fn done(row: &Route, status: u16, schemas: &mut Schemas) -> Value {
    let mut response = Map::new();
    response.insert("description".to_owned(), texts::status(status).into());
    let content = match (row.shape.content)(&mut schemas.told) {
        Content::Bytes => Some(json!({ "application/octet-stream": {} })),
        Content::Empty => None,
        Content::Json(schema) => Some(json!({ "application/json": { "schema": schema } })),
        Content::Several(types) => {
            let described = |(name, schema): (&str, Option<Schema>)| {
                let of_it = schema.map_or(json!({}), |schema| json!({ "schema": schema }));
                (name.to_owned(), of_it)
            };
            Some(types.into_iter().map(described).collect::<Map<_, _>>().into())
        }
        Content::Page => Some(json!({ "text/html": { "schema": { "type": "string" } } })),
        Content::Text => Some(json!({ "text/plain": { "schema": { "type": "string" } } })),
    };
    if let Some(content) = content {
        response.insert("content".to_owned(), content);
    }
    let mut headers: Map<_, _> = row.shape.told_headers.iter().map(told_header).collect();
    if row.log != LogRule::Silent {
        let index = json!({ "$ref": "#/components/headers/Audit-Index" });
        headers.insert("Audit-Index".to_owned(), index);
    }
    if !headers.is_empty() {
        response.insert("headers".to_owned(), headers.into());
    }
    response.into()
}

/// Such as `getApiKeymgmtListOffset`: unique because a method and a path are.
fn id(method: &Method, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = method.as_str().to_ascii_lowercase();
    for word in words {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        // Of capitals only those that begin a word: `e2eKey` is not `e2e/key`.
        id.push_str(&rest.to_ascii_lowercase());
    }
    id
}

fn parameters<'a>(path: &'a str) -> impl Iterator<Item = &'a str> {
    let inside = |segment: &'a str| segment.strip_prefix('{')?.strip_suffix('}');
    path.split('/').filter_map(inside).map(|name| name.trim_start_matches('*'))
}

fn parameter(name: &str) -> Value {
    let schema = match name {
        "id" => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{8}$" }),
        "kid" => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{32}$" }),
        "count" | "index" | "level" | "new" | "offset" | "old" => {
            json!({ "type": "integer", "minimum": 0 })
        }
        _ => json!({ "type": "string" }),
    };
    let mut parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
    if let (Some(text), Value::Object(members)) = (texts::parameter(name), &mut parameter) {
        members.insert("description".to_owned(), text.into());
    }
    parameter
}

fn header_parameter(header: &Header) -> Value {
    let schema = json!({ "type": "string", "pattern": header.pattern });
    json!({
        "name": header.name, "in": "header", "required": header.needed, "schema": schema,
        "description": header.about,
    })
}

fn told_header(header: &Header) -> (String, Value) {
    let schema = json!({ "type": "string", "pattern": header.pattern });
    let told = json!({ "description": header.about, "required": header.needed, "schema": schema });
    (header.name.to_owned(), told)
}

/// The members of the query, one parameter each.
fn query_parameters(schema: &Schema) -> Vec<Value> {
    let Some(Value::Object(members)) = schema.get("properties") else { return Vec::new() };
    let required = |name: &String| match schema.get("required") {
        Some(Value::Array(names)) => names.iter().any(|known| known == name),
        _ => false,
    };
    let describe = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": "query", "required": required(name), "schema": schema });
        if let (Some(about), Some(members)) = (about, parameter.as_object_mut()) {
            members.insert("description".to_owned(), about);
        }
        parameter
    };
    members.iter().map(describe).collect()
}

/// `{}` stands for no token (OpenAPI 3.1, Security Requirement Object).
fn security(door: Door) -> Value {
    match door {
        Door::Bearer => json!([{ "bearer": [] }]),
        Door::Conditional => json!([{ "bearer": [] }, {}]),
        Door::Open => json!([]),
    }
}

fn roles(roles: Roles) -> Vec<&'static str> {
    let all =
        [(roles.user, "U"), (roles.master, "M"), (roles.external, "Ext"), (roles.account, "Acc")];
    all.into_iter().filter_map(|(may, name)| may.then_some(name)).collect()
}

/// Which status leaves which result in the log, asked of the rule itself.
fn log(row: &Route) -> Value {
    let Some(kind) = row.log.kind() else { return Value::Null };
    let faults = [
        Fault::Invalid("".into()),
        Fault::NotFound("".into()),
        Fault::Failed("".into()),
        Fault::Unauthenticated("".into()),
        Fault::Throttled(Duration::ZERO),
        Fault::Internal,
    ];
    let outcomes = faults.map(|fault| (row.status(&fault), Err(fault)));
    let mut results = Map::new();
    let done = row.statuses.iter().copied().find(|status| is_success(*status)).unwrap_or(200);
    for (status, outcome) in [(done, Ok(()))].into_iter().chain(outcomes) {
        if let (Some(result), true) = (row.log.result(&outcome), row.statuses.contains(&status)) {
            results.insert(status.to_string(), result.name().into());
        }
    }
    json!({ "type": kind.name(), "results": results })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Such as `Status403` of the HEM API, and `PqcStatus403` of another.
fn name(surface: &dyn Surface, status: u16) -> String {
    let (first, rest) = match surface.name() {
        "hem" => ("", ""),
        name => name.split_at(1),
    };
    format!("{}{rest}Status{status}", first.to_ascii_uppercase())
}

/// A success without a body.
const UNCHANGED: u16 = 304;
