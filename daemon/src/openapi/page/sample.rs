//! A body to start from, for the examples.

use std::fmt;

use serde_json::{Map, Value, json};

use super::body::{is_required, kind, resolved};

/// What a body of a schema must have, with placeholders for its values.
pub(super) struct Sample<'a> {
    pub(super) document: &'a Value,
    pub(super) schema: &'a Value,
}

impl fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object(self.schema))
    }
}

impl Sample<'_> {
    fn object(&self, schema: &Value) -> Value {
        let schema = resolved(self.document, schema);
        let properties = schema.pointer("/properties").and_then(Value::as_object);
        let needed = properties.into_iter().flatten().filter(|(name, _)| is_required(schema, name));
        let members: Map<_, _> =
            needed.map(|(name, member)| (name.clone(), self.value(name, member))).collect();
        members.into()
    }

    fn value(&self, name: &str, schema: &Value) -> Value {
        let schema = resolved(self.document, schema);
        if let Some(choice) = schema.pointer("/enum/0") {
            return choice.clone();
        }
        match kind(schema) {
            "array" => json!([]),
            "boolean" => json!(true),
            "integer" | "number" => json!(0),
            "object" => self.object(schema),
            _ => Value::from(match schema.pointer("/contentEncoding") {
                Some(_) => "BASE64".to_owned(),
                None => name.to_ascii_uppercase(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_what_must_be_there() {
        let document = json!({ "components": { "schemas": { "Inner": {
            "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
        } } } });
        let schema = json!({
            "type": "object",
            "required": ["kid", "type", "inner", "msg"],
            "properties": {
                "kid": { "type": "string" },
                "type": { "type": "string", "enum": ["A", "B"] },
                "inner": { "$ref": "#/components/schemas/Inner" },
                "msg": { "type": "string", "contentEncoding": "base64" },
                "left": { "type": "string" },
            },
        });
        let sample = Sample { document: &document, schema: &schema }.to_string();
        let sample: Value = serde_json::from_str(&sample).unwrap();
        let expected = json!({ "kid": "KID", "type": "A", "inner": { "n": 0 }, "msg": "BASE64" });
        assert_eq!(sample, expected);
    }
}
