//! The members of a body as rows of a table.

use std::fmt;

use serde_json::Value;

use super::{Text, about};

/// The rows of a schema, members of members with dotted names; nothing for what has no members.
pub(super) struct Rows<'a> {
    pub(super) document: &'a Value,
    pub(super) schema: &'a Value,
}

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows(f, self.schema, "")
    }
}

impl Rows<'_> {
    fn rows(&self, f: &mut fmt::Formatter<'_>, schema: &Value, before: &str) -> fmt::Result {
        let schema = resolved(self.document, schema);
        let properties = schema.pointer("/properties").and_then(Value::as_object);
        for (name, member) in properties.into_iter().flatten() {
            // What is said of the member goes before what is said of its type.
            let said = member.pointer("/description").map(|_| about(member));
            let member = resolved(self.document, member);
            let full = format!("{before}{name}");
            let needed = is_required(schema, name);
            writeln!(
                f,
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>",
                Text(&full),
                if needed { "" } else { " <i>optional</i>" },
                Kind(member),
                said.unwrap_or_else(|| about(member)),
            )?;
            let deeper = full.matches('.').count() < DEEPEST;
            match member.pointer("/items") {
                _ if !deeper => {}
                Some(items) => self.rows(f, items, &format!("{full}[]."))?,
                None => self.rows(f, member, &format!("{full}."))?,
            }
        }
        Ok(())
    }
}

/// What `schema` refers to, or the one shape that it allows beside null.
pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let of_many = schema.pointer("/anyOf").and_then(Value::as_array);
    let schema = of_many.and_then(|many| many.first()).unwrap_or(schema);
    let target = schema.pointer("/$ref").and_then(Value::as_str);
    target.and_then(|target| document.pointer(target.strip_prefix('#')?)).unwrap_or(schema)
}

/// Whether bodies of this schema must have the member `name`.
pub(super) fn is_required(schema: &Value, name: &str) -> bool {
    super::members(schema, "/required").any(|required| required == name)
}

/// The type of a schema: the one beside null, with what its texts are.
pub(super) fn kind(schema: &Value) -> &str {
    match schema.pointer("/type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("any")
        }
        _ => "any",
    }
}

/// The type of a member, for people.
struct Kind<'a>(&'a Value);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(schema) = self;
        let choices: Vec<_> = super::members(schema, "/enum").filter_map(Value::as_str).collect();
        if !choices.is_empty() {
            return write!(f, "<span class=\"choices\">{}</span>", Text(&choices.join(" ")));
        }
        match (schema.pointer("/contentEncoding"), schema.pointer("/pattern")) {
            (Some(_), _) => f.write_str("base64"),
            (_, Some(Value::String(pattern))) => write!(f, "<code>{}</code>", Text(pattern)),
            _ => write!(f, "{}", Text(kind(schema))),
        }
    }
}

/// How many levels of members of members are told.
const DEEPEST: usize = 3;
