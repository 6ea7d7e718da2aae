//! One operation on the page.

use std::fmt;

use serde_json::Value;

use super::body::Rows;
use super::sample::Sample;
use super::{Text, about, members, text};

/// An operation, and where it is in the document.
pub(super) struct Card<'a> {
    document: &'a Value,
    path: &'a str,
    method: &'a str,
    pub(super) operation: &'a Value,
}

impl<'a> Card<'a> {
    /// Every operation of the document.
    pub(super) fn all(document: &'a Value) -> impl Iterator<Item = Self> {
        let paths = document.pointer("/paths").and_then(Value::as_object).into_iter().flatten();
        paths.flat_map(move |(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| Self { document, path, method, operation })
        })
    }

    /// Its line in the contents.
    pub(super) fn link(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.path.strip_prefix("/api/").unwrap_or(self.path);
        let id = text(self.operation, "/operationId");
        let (method, short) = (Text(self.method), Text(short));
        writeln!(
            f,
            "<li><a href=\"#{id}\"><span class=\"verb {method}\">{method}</span> {short}</a></li>"
        )
    }

    /// Who may, and what the log says of it.
    fn terms(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<dl>\n<dt>token</dt><dd>")?;
        let doors = members(self.operation, "/security").count();
        f.write_str(match doors {
            0 => "none needed",
            1 => "needed",
            _ => "needed, but for the cases above that go without",
        })?;
        f.write_str("</dd>\n")?;
        if doors > 0 {
            f.write_str("<dt>scope</dt><dd>")?;
            self.chips(f, "/x-claviger-scopes", "any")?;
            f.write_str("</dd>\n<dt>who</dt><dd>")?;
            self.chips(f, "/x-claviger-roles", "nobody")?;
            f.write_str("</dd>\n")?;
        }
        if let Some(Value::Object(results)) = self.operation.pointer("/x-claviger-log/results") {
            let kind = text(self.operation, "/x-claviger-log/type");
            write!(f, "<dt>log</dt><dd><code>{kind}</code>:")?;
            for (status, result) in results {
                let result = Text(result.as_str().unwrap_or_default());
                write!(f, " {} <code>{result}</code>", Text(status))?;
            }
            f.write_str("</dd>\n")?;
        }
        f.write_str("</dl>\n")
    }

    fn chips(&self, f: &mut fmt::Formatter<'_>, pointer: &str, none: &str) -> fmt::Result {
        let mut names = members(self.operation, pointer).filter_map(Value::as_str).peekable();
        if names.peek().is_none() {
            return f.write_str(none);
        }
        names.try_for_each(|name| {
            let name = match name {
                "U" => "user",
                "M" => "administrator",
                "Ext" => "paired authenticator",
                "Acc" => "account",
                scope => scope,
            };
            write!(f, "<code class=\"chip\">{}</code> ", Text(name))
        })
    }

    fn bodies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for parameter in members(self.operation, "/parameters") {
            let name = text(parameter, "/name");
            match parameter.pointer("/in").and_then(Value::as_str) {
                Some("header") => write!(f, "<p><code>{name}:</code> ")?,
                Some("query") => write!(f, "<p><code>?{name}</code> ")?,
                _ => write!(f, "<p><code>{{{name}}}</code> ")?,
            }
            writeln!(f, "{}</p>", about(parameter))?;
        }
        let asked = self.operation.pointer("/requestBody/content/application~1json/schema");
        self.table(f, "Body", asked)?;
        let told = self.operation.pointer("/responses/200/content");
        match told.and_then(Value::as_object).and_then(|kinds| kinds.iter().next()) {
            None => f.write_str("<p class=\"empty\">The answer has no body.</p>\n"),
            Some((kind, content)) if kind == "application/json" => {
                self.table(f, "Answer", content.pointer("/schema"))
            }
            Some((kind, _)) => writeln!(f, "<p>The answer is <code>{}</code>.</p>", Text(kind)),
        }
    }

    fn table(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        schema: Option<&Value>,
    ) -> fmt::Result {
        let Some(schema) = schema else { return Ok(()) };
        let rows = Rows { document: self.document, schema }.to_string();
        if rows.is_empty() {
            return writeln!(f, "<h4>{title}</h4>\n<p>{}</p>", about(schema));
        }
        writeln!(
            f,
            "<h4>{title}</h4>\n<table>\n<tr><th>member</th><th>type</th><th>meaning</th></tr>\n\
             {rows}</table>"
        )
    }

    fn statuses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<h4>Statuses</h4>\n<ul class=\"statuses\">\n")?;
        let responses = self.operation.pointer("/responses").and_then(Value::as_object);
        for (status, response) in responses.into_iter().flatten() {
            let response = super::body::resolved(self.document, response);
            let about = about(response);
            writeln!(
                f,
                "<li><b class=\"s{}\">{status}</b> {about}</li>",
                status.get(..1).unwrap_or("")
            )?;
        }
        f.write_str("</ul>\n")
    }

    fn curl(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.replace('{', "$").replace('}', "");
        f.write_str("<h4>With curl</h4>\n<pre>curl --cacert ca.pem")?;
        if self.method == "delete" {
            f.write_str(" -X DELETE")?;
        }
        if members(self.operation, "/security").next().is_some() {
            f.write_str(" -H &quot;Authorization: Bearer $TOKEN&quot;")?;
        }
        let asked = self.operation.pointer("/requestBody/content/application~1json/schema");
        if let Some(schema) = asked {
            let sample = Sample { document: self.document, schema }.to_string();
            write!(f, " \\\n  --json &#39;{}&#39;", Text(&sample))?;
        }
        writeln!(f, " \\\n  &quot;https://$HOST{}&quot;</pre>", Text(&path))
    }
}

impl fmt::Display for Card<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = (Text(self.method), Text(self.path));
        writeln!(
            f,
            "<details id=\"{}\">\n<summary><span class=\"verb {method}\">{method}</span> \
             <code>{path}</code> <span class=\"about\">{}</span></summary>\n<div class=\"card\">",
            text(self.operation, "/operationId"),
            text(self.operation, "/summary"),
        )?;
        self.terms(f)?;
        self.bodies(f)?;
        self.statuses(f)?;
        self.curl(f)?;
        f.write_str("</div>\n</details>\n")
    }
}
