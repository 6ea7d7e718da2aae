//! What the members of a request must be. Each request has a table of them, which is checked before
//! any key is touched, and of which its schema is made.

use std::ops::RangeInclusive;

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::hex;
use crate::fault::Fault;

/// A member of a body, or a parameter of a query.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Another name that is taken for it.
    pub also: Option<&'static str>,
    /// What it must be.
    pub form: Form,
    /// Whether it has to be there.
    pub needed: bool,
    /// What the description says of it.
    pub about: &'static str,
}

/// What a member must be.
pub enum Form {
    /// Lower-case hexadecimal digits, as many as one of these says.
    Hex(&'static [usize]),
    /// Lower-case hexadecimal digits in pairs, at most so many.
    LongHex(usize),
    /// A KID: 32 hexadecimal digits in any case.
    Kid,
    /// A whole number in these bounds.
    Number(RangeInclusive<u64>),
    /// A text of at most so many bytes of UTF-8.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
}

/// What came for a member.
pub enum Member {
    /// Null.
    Null,
    /// A whole number, not negative.
    Number(u64),
    /// Something else.
    Other,
    /// A text.
    Text(Zeroizing<String>),
}

impl Field {
    /// A member that has to be there.
    pub const fn needed(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, also: None, form, needed: true, about }
    }

    /// A member that may be left out.
    pub const fn optional(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { needed: false, ..Self::needed(name, form, about) }
    }

    /// The same, taken under another name too.
    pub const fn or(self, name: &'static str) -> Self {
        Self { also: Some(name), ..self }
    }

    /// Whether it goes by this name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.also == Some(name)
    }

    /// The one of its names that this is.
    pub fn called(&self, name: &str) -> Option<&'static str> {
        [Some(self.name), self.also].into_iter().flatten().find(|known| *known == name)
    }

    /// What came for it under a name in a part of the request, where that is as it must be; `None`
    /// where it may lack and does.
    ///
    /// # Errors
    /// [`Fault::Invalid`], coded. It says nothing of what came.
    pub fn judge(
        &self,
        (part, name): (&str, &str),
        member: Option<Member>,
    ) -> Result<Option<Member>, Fault> {
        let place = format!("{part}/{name}");
        let wrong = |code, why: String| Fault::Invalid(why.into()).coded(code, place.clone());
        match member {
            None if self.needed => Err(wrong("missing", format!("{name} is missing"))),
            None => Ok(None),
            Some(Member::Null) if !self.needed => Ok(None),
            Some(member) => match self.form.takes(&member) {
                Ok(()) => Ok(Some(member)),
                Err((code, what)) => Err(wrong(code, format!("{name} must be {what}"))),
            },
        }
    }
}

impl Form {
    /// Whether `member` is so; else a word for programs and a text for people.
    fn takes(&self, member: &Member) -> Result<(), (&'static str, String)> {
        let what = || self.in_words();
        match (self, member) {
            (Self::Number(bounds), Member::Number(number)) => match bounds.contains(number) {
                true => Ok(()),
                false if number < bounds.start() => Err(("greater_than_equal", what())),
                false => Err(("less_than_equal", what())),
            },
            (Self::Number(_), _) => Err(("int_type", what())),
            (_, Member::Text(text)) => match self.fits(text) {
                true => Ok(()),
                false => Err(("value_error", what())),
            },
            _ => Err(("string_type", what())),
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Hex(digits) => digits.contains(&text.len()) && hex::decode(text).is_some(),
            Self::LongHex(most) => text.len() <= *most && hex::decode(text).is_some(),
            Self::Kid => text.parse::<policies::Kid>().is_ok(),
            Self::Number(_) => false,
            Self::Text(most) => text.len() <= *most,
            Self::Word(words) => words.contains(&text),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Hex(digits) => {
                let digits: Vec<_> = digits.iter().map(usize::to_string).collect();
                format!("{} lower-case hexadecimal digits", digits.join(" or "))
            }
            Self::LongHex(most) => {
                format!("lower-case hexadecimal digits in pairs, at most {most}")
            }
            Self::Kid => "a KID: 32 hexadecimal digits".to_owned(),
            Self::Number(bounds) => {
                format!("a whole number from {} to {}", bounds.start(), bounds.end())
            }
            Self::Text(most) => format!("a text of at most {most} bytes in UTF-8"),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }

    fn schema(&self) -> Value {
        match self {
            Self::Hex(digits) => {
                let choices: Vec<_> =
                    digits.iter().map(|digits| format!("[0-9a-f]{{{digits}}}")).collect();
                json!({ "type": "string", "pattern": format!("^({})$", choices.join("|")) })
            }
            Self::LongHex(most) => {
                json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$", "maxLength": most })
            }
            Self::Kid => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{32}$" }),
            Self::Number(bounds) => {
                json!({ "type": "integer", "minimum": bounds.start(), "maximum": bounds.end() })
            }
            // JSON Schema counts characters: what is longer in bytes is told in words.
            Self::Text(most) => json!({ "type": "string", "maxLength": most }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
        }
    }
}

/// The schema of an object with these members. In a body those that may be left out may be null, too.
pub fn schema(fields: &[Field], in_body: bool) -> Schema {
    let mut members = Map::new();
    let mut needed = Vec::new();
    let mut either = Vec::new();
    for field in fields {
        for name in [Some(field.name), field.also].into_iter().flatten() {
            let mut member = field.form.schema();
            if let Value::Object(member) = &mut member {
                member.insert("description".to_owned(), field.about.into());
                if in_body && !field.needed {
                    or_null(member);
                }
            }
            members.insert(name.to_owned(), member);
        }
        match field.also {
            _ if !field.needed => {}
            None => needed.push(field.name),
            Some(also) => either.push(json!({
                "anyOf": [{ "required": [field.name] }, { "required": [also] }],
            })),
        }
    }
    let mut schema = json_schema!({ "type": "object", "properties": members, "required": needed });
    if !either.is_empty() {
        schema.insert("allOf".to_owned(), either.into());
    }
    schema
}

fn or_null(schema: &mut Map<String, Value>) {
    let kind = schema.remove("type");
    schema.insert("type".to_owned(), json!([kind, "null"]));
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
}
