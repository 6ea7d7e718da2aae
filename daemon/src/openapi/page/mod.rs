//! `GET /docs`: the description for people, one HTML page that needs nothing from anywhere else. It
//! is made of the OpenAPI document alone, so it can't say anything else.

mod body;
mod operation;
mod sample;

use std::fmt;
use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use policies::{Open, Permit};
use schemars::SchemaGenerator;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Content, document};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::route::{Answer, Bare};
use crate::routes::routes;
use operation::Card;

/// The page. Its Content-Security-Policy allows the one style sheet in it, by hash, and no script,
/// no connection, no form and no frame.
pub struct Page;

impl Answer for Page {
    fn reply(self) -> Reply {
        let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
        let headers = [
            (CONTENT_SECURITY_POLICY, RENDERED.policy.clone()),
            fixed(X_CONTENT_TYPE_OPTIONS, "nosniff"),
            fixed(REFERRER_POLICY, "no-referrer"),
            fixed(CACHE_CONTROL, "no-cache"),
        ];
        let page = Reply::typed(StatusCode::OK, RENDERED.html.clone(), "text/html; charset=utf-8");
        headers.into_iter().fold(page, |page, (name, value)| page.with(name, value))
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Page
    }
}

/// `GET /docs`
pub async fn serve((): (), _: Permit<Open>, _: Bare<Open>) -> Result<Page, Fault> {
    super::written().await?;
    Ok(Page)
}

/// Writes the page, once.
pub(super) fn prepare() {
    LazyLock::force(&RENDERED);
}

struct Rendered {
    html: Bytes,
    policy: HeaderValue,
}

static RENDERED: LazyLock<Rendered> = LazyLock::new(|| {
    let digest = Base64::encode_string(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy);
    Rendered {
        html: Whole(&document(&routes())).to_string().into(),
        policy: policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
    }
});

/// A text of the document, as HTML has it.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => write!(f, "{c}"),
        })
    }
}

/// A sentence of the document, whose `words between backticks` are code.
pub(super) struct Prose<'a>(pub(super) &'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('`').enumerate().try_for_each(|(at, part)| match at % 2 {
            0 => write!(f, "{}", Text(part)),
            _ => write!(f, "<code>{}</code>", Text(part)),
        })
    }
}

/// The text at `pointer` in `value`; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Text<'a> {
    Text(value.pointer(pointer).and_then(Value::as_str).unwrap_or_default())
}

/// What `value` says of itself.
pub(super) fn about(value: &Value) -> Prose<'_> {
    Prose(value.pointer("/description").and_then(Value::as_str).unwrap_or_default())
}

/// The page of a document.
struct Whole<'a>(&'a Value);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(document) = self;
        let title = text(document, "/info/title");
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} API</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        )?;
        self.contents(f)?;
        writeln!(
            f,
            "<main>\n<header><h1>{title} <small>{}</small></h1>\n<p>{}</p>\n</header>",
            text(document, "/info/version"),
            Prose(super::texts::ABOUT),
        )?;
        self.manners(f)?;
        for tag in members(document, "/tags") {
            self.chapter(f, tag)?;
        }
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

impl Whole<'_> {
    /// The list at the side.
    fn contents(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "<nav aria-label=\"Contents\">\n<a class=\"top\" href=\"#manners\">Manners</a>\n",
        )?;
        for tag in members(self.0, "/tags") {
            let name = text(tag, "/name");
            writeln!(f, "<a class=\"top\" href=\"#tag-{name}\">{name}</a>\n<ul>")?;
            for card in self.cards(tag) {
                card.link(f)?;
            }
            f.write_str("</ul>\n")?;
        }
        f.write_str("</nav>\n")
    }

    /// What holds for every operation.
    fn manners(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<section id=\"manners\">\n<h2>Manners</h2>\n<p>{}</p>\n\
             <p>A refusal says why to a client that sends <code>Accept: \
             application/problem+json</code> (RFC 9457); to others its body is empty.</p>\n\
             <pre>HTTP/1.1 403 Forbidden\nContent-Type: application/problem+json\n\
             Audit-Index: 1207\n\n{}</pre>",
            text(self.0, "/components/securitySchemes/bearer/description"),
            Text(PROBLEM),
        )?;
        f.write_str("<table>\n<tr><th>member</th><th>type</th><th>meaning</th></tr>\n")?;
        let problem = self.0.pointer("/components/schemas/Problem").unwrap_or(&Value::Null);
        write!(f, "{}", body::Rows { document: self.0, schema: problem })?;
        writeln!(
            f,
            "</table>\n<p><code>Audit-Index</code>: {}</p>\n\
             <p>The same as a document for programs: <a href=\"/openapi.json\">/openapi.json</a> \
             (OpenAPI 3.1).</p>\n</section>",
            text(self.0, "/components/headers/Audit-Index/description"),
        )
    }

    fn chapter(&self, f: &mut fmt::Formatter<'_>, tag: &Value) -> fmt::Result {
        let name = text(tag, "/name");
        let about = about(tag);
        writeln!(f, "<section id=\"tag-{name}\">\n<h2>{name}</h2>\n<p>{about}</p>")?;
        self.cards(tag).try_for_each(|card| write!(f, "{card}"))?;
        f.write_str("</section>\n")
    }

    /// The operations of one chapter.
    fn cards<'a>(&'a self, tag: &'a Value) -> impl Iterator<Item = Card<'a>> {
        let name = tag.pointer("/name");
        Card::all(self.0).filter(move |card| card.operation.pointer("/tags/0") == name)
    }
}

/// The members of the list at `pointer`.
pub(super) fn members<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

const STYLE: &str = include_str!("style.css");
/// What a refusal looks like.
const PROBLEM: &str = r#"{
  "type": "about:blank",
  "title": "Forbidden",
  "status": 403,
  "detail": "this needs the scope keymgmt:gen",
  "request_id": "3f0c8a52-6f0e-4a86-9b0e-2a8d0e7c3b11",
  "audit_index": 1207
}"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_stay_texts() {
        let hostile = "<script>alert(\"1\" & '2')</script>";
        let html = Text(hostile).to_string();
        assert_eq!(html, "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
        let document = json!({ "info": { "title": hostile, "description": hostile } });
        assert!(!Whole(&document).to_string().contains("<script"));
        assert_eq!(Prose("a `<b>` c").to_string(), "a <code>&lt;b&gt;</code> c");
    }

    #[test]
    fn the_style_allows_no_way_out() {
        for forbidden in ["url(", "@import", "</", "expression"] {
            assert!(!STYLE.contains(forbidden), "{forbidden}");
        }
    }
}
