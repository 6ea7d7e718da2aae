//! JSON or XML: what `format` says, else what `Accept` asks for, else JSON.

use super::FormatError;
use crate::accept;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// XML, called `text/xml`.
    TextXml,
    /// XML, called `application/xml`.
    Xml,
}

impl Format {
    /// The form to answer in, by `format` of the query and by `Accept`.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] where neither is one of these forms.
    pub fn choose(format: Option<&str>, accept: Option<&str>) -> Result<Self, FormatError> {
        match (format, accept.map(str::trim)) {
            (Some(format), _) if format.eq_ignore_ascii_case("json") => Ok(Self::Json),
            (Some(format), _) if format.eq_ignore_ascii_case("xml") => Ok(Self::Xml),
            (Some(_), _) => Err(UNKNOWN),
            (None, None | Some("")) => Ok(Self::Json),
            (None, Some(accept)) => Self::accepted(accept),
        }
    }

    /// The value of `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::TextXml => "text/xml; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
        }
    }

    /// The form with the highest quality; of those with the same, the first in [`FORMS`].
    fn accepted(accept: &str) -> Result<Self, FormatError> {
        let mut best = (0, None);
        for (form, kind, subtype) in FORMS {
            let quality = accept::quality(accept, kind, subtype);
            if quality > best.0 {
                best = (quality, Some(form));
            }
        }
        best.1.ok_or(UNKNOWN)
    }
}

const FORMS: [(Format, &str, &str); 3] = [
    (Format::Json, "application", "json"),
    (Format::Xml, "application", "xml"),
    (Format::TextXml, "text", "xml"),
];
const UNKNOWN: FormatError = FormatError::Malformed(
    "answers are application/json, application/xml or text/xml: ask for one",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_goes_before_accept() {
        for (format, chosen) in [("json", Format::Json), ("XML", Format::Xml)] {
            for accept in [None, Some("application/xml"), Some("text/html")] {
                assert_eq!(Format::choose(Some(format), accept), Ok(chosen));
            }
        }
        for bad in ["", "html", "json ", "xml,json"] {
            assert_eq!(Format::choose(Some(bad), None), Err(UNKNOWN), "{bad:?}");
        }
    }

    #[test]
    fn accept_is_weighed() {
        use Format::{Json, TextXml, Xml};
        for (accept, chosen) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/xml", Some(Xml)),
            ("text/xml", Some(TextXml)),
            ("Text/XML; charset=utf-8", Some(TextXml)),
            ("text/*", Some(TextXml)),
            ("application/*", Some(Json)),
            ("application/xml, application/json", Some(Json)),
            ("application/xml, application/json;q=0.9", Some(Xml)),
            ("application/xml;q=0.5, */*;q=0.4", Some(Xml)),
            ("application/json;q=0, */*", Some(Xml)),
            ("application/json;q=0.1, application/*;q=0.9, text/xml;q=0.5", Some(Xml)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Xml)),
            ("text/html, text/xml;q=0.001", Some(TextXml)),
            ("application/xml;version=1;q=0.7, application/json;q=0.70", Some(Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json;q=0.000", None),
            ("application/json;q=2", None),
            ("application/json;q=0.1234", None),
            ("json", None),
            ("*/xml", None),
            (",,", None),
        ] {
            assert_eq!(Format::choose(None, Some(accept)).ok(), chosen, "{accept}");
        }
        assert_eq!(Format::choose(None, None), Ok(Json));
    }
}
